"""Who may ask what: no other web site, no stranger's name, no neighbour without the token, and nothing too large."""

import asyncio
import re

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.responses import JSONResponse

from aigc_ui import guard, network
from aigc_ui.door import REMEMBERED_ADDRESSES, Door, new_token
from aigc_ui.guard import Guard, Hosts, Limits

URL = "http://127.0.0.1:7860"
SAME = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "origin": URL}
OPENED = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "accept": "text/html"}


async def echo(scope, receive, send):
    """Answers with what the guard says about the client, and how much was sent."""
    request = Request(scope, receive)
    body = await request.body()
    client = request.headers["x-aigc-client"]
    assert scope["state"]["client"] == client
    await JSONResponse({"client": client, "bytes": len(body), "path": scope["path"]})(scope, receive, send)


def browser(app=echo, door: Door | None = None, hosts: Hosts | None = None, address="127.0.0.1", url=URL, **more):
    guarded = Guard(app, hosts or Hosts(any_address=door is not None), door, **more)
    return TestClient(guarded, url, client=(address, 5000), follow_redirects=False)


def code(answer) -> str:
    assert set(answer.json()) == {"error"}
    assert len(answer.json()["error"]["message"]) < 300
    return answer.json()["error"]["code"]


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860", "localhost:9000"])
def test_our_own_names_are_answered_on_any_port_so_that_tunnels_work(host):
    assert browser().get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:7860",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost@evil.example",
        "192.168.1.5:7860",
        "0.0.0.0:7860",
        "localhost:7860 ",
        "localhost:port",
        "127.0.0.1:7860, evil.example",
        "",
    ],
)
def test_a_name_that_a_stranger_points_at_this_machine_is_not_answered(host):
    answer = browser().get("/api/v1/images", headers={"host": host})
    assert answer.status_code == 403 and code(answer) == "wrong_host"


def test_two_host_headers_are_one_too_many():
    answer = browser().get("/", headers=[("host", "localhost"), ("host", "evil.example")])
    assert answer.status_code == 403


def test_a_shared_studio_answers_to_addresses_in_digits_and_its_own_name_only():
    hosts = network.hosts_for("0.0.0.0")
    assert hosts.allow("192.168.1.5:7860") and hosts.allow("[fe80::1]:7860") and hosts.allow("localhost")
    assert not hosts.allow("evil.example") and not hosts.allow("192.168.1.5.evil.example")
    assert not network.hosts_for("127.0.0.1").allow("192.168.1.5:7860")


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "http://localhost:7860", "null", ""])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_another_origin_is_refused_with_every_method(origin, method):
    answer = browser().request(method, "/api/v1/jobs", headers={"origin": origin})
    assert answer.status_code == 403 and code(answer) == "cross_site"
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_what_another_sites_page_asks_for_is_refused_also_without_an_origin(site, method):
    for kind in ({"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, {"sec-fetch-mode": "cors"}):
        answer = browser().request(method, "/api/v1/images", headers={"sec-fetch-site": site, **kind})
        assert answer.status_code == 403


def test_a_link_on_another_site_may_open_the_page_but_not_frame_or_post_to_it():
    client = browser()
    assert client.get("/", headers={"sec-fetch-site": "cross-site", **OPENED}).status_code == 200
    framed = OPENED | {"sec-fetch-dest": "iframe"}
    assert client.get("/", headers={"sec-fetch-site": "cross-site", **framed}).status_code == 403
    assert client.post("/api/v1/jobs", headers={"sec-fetch-site": "cross-site", **OPENED}).status_code == 403


def test_our_own_page_and_scripts_are_let_through():
    client = browser()
    assert client.post("/api/v1/jobs", headers=SAME).status_code == 200
    assert client.post("/gradio_api/queue/join", headers=SAME).status_code == 200
    assert client.post("/api/v1/jobs").status_code == 200
    beacon = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "no-cors", "origin": "null"}
    assert client.post("/gradio_api/reset", headers=beacon).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/run/predict",
        "/gradio_api/api/predict",
        "/gradio_api/proxy=http://example.com",
        "/gradio_api/stream/x",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=http://example.com/x.png",
        "/gradio_api/file/a.png",
        "/gradio_api/upload",
        "/gradio_api/upload_progress",
        "/gradio_api/component_server",
        "/gradio_api/component_server/",
        "/gradio_api/queue/status",
        "/gradio_api/runs",
        "/gradio_api/run-history/records",
        "/monitoring",
        "/monitoring/summary",
        "/gradio_api/deep_link",
        "/gradio_api/vibe-code",
        "/gradio_api/profiling/traces",
        "/gradio_api/process_recording",
        "/gradio_api/custom_component/a/client/b/c",
        "/gradio_api/openapi.json",
        "/gradio_api/dev/reload",
        "/login",
        "/docs",
        "/etc/passwd",
        "//",
    ],
)
def test_routes_that_the_page_does_not_use_are_shut(path):
    client = browser()
    for method in ("GET", "POST"):
        answer = client.request(method, URL + path)
        assert answer.status_code == 404 and code(answer) == "not_found"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_405(method):
    answer = browser().request(method, "/api/v1/jobs")
    assert answer.status_code == 405 and code(answer) == "method_not_allowed" and "POST" in answer.headers["allow"]


def test_a_body_over_the_limit_is_413_by_its_length_and_by_counting():
    client = browser(limits=Limits(body=1000, upload=5000))

    def chunks(total):
        for _ in range(total // 100):
            yield b"x" * 100

    assert client.post("/api/v1/jobs", content=b"x" * 1000).json()["bytes"] == 1000
    assert client.post("/api/v1/jobs", content=chunks(1000)).json()["bytes"] == 1000
    for content in (b"x" * 1001, chunks(1100)):
        answer = client.post("/api/v1/jobs", content=content)
        assert answer.status_code == 413 and code(answer) == "too_large"
    assert client.post("/api/v1/inputs", content=chunks(5000)).json()["bytes"] == 5000
    assert client.post("/api/v1/inputs", content=chunks(5100)).status_code == 413
    assert client.post("/gradio_api/queue/join", content=chunks(1100)).status_code == 413
    assert client.post("/api/v1/jobs", content=b"x" * 10, headers={"content-length": "9" * 400}).status_code == 413


def test_no_more_than_the_limit_is_read_of_an_endless_body():
    read = 0

    async def endless():
        nonlocal read
        read += 1
        assert read < 50, "it reads on"
        return {"type": "http.request", "body": b"x" * 100, "more_body": True}

    sent = asyncio.run(ask(Guard(echo, Hosts(), limits=Limits(body=1000)), "POST", "/api/v1/jobs", endless))
    assert sent[0]["status"] == 413 and read == 11


async def ask(app, method, path, receive, on_send=None):
    sent = []

    async def send(message):
        sent.append(message)
        if on_send:
            on_send(message)

    headers = [(b"host", b"127.0.0.1:7860")]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
    await app(scope | {"client": ("127.0.0.1", 1)}, receive, send)
    return sent


def test_streams_pass_through_as_they_come():
    async def run():
        arrived = asyncio.Event()

        async def stream(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
            await asyncio.wait_for(arrived.wait(), 1)  # a guard that buffers would never set it
            await send({"type": "http.response.body", "body": b"last"})

        async def receive():
            return {"type": "http.disconnect"}

        seen = lambda message: message.get("body") == b"first" and arrived.set()  # noqa: E731
        return await ask(Guard(stream, Hosts()), "GET", "/gradio_api/queue/data", receive, seen)

    assert [m["body"] for m in asyncio.run(run())[1:]] == [b"first", b"last"]


def test_every_answer_has_the_headers_that_shut_other_sites_out():
    client = browser()
    for answer in (client.get("/"), client.get("/api/v1/images"), client.get("/nothing")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    page = client.get("/").headers["content-security-policy"]
    assert "http" not in page and "*" not in page


def test_the_apps_own_cors_headers_are_taken_out():
    async def generous(scope, receive, send):
        headers = {"access-control-allow-origin": "*", "x-frame-options": "ALLOWALL", "x-mine": "1"}
        await JSONResponse({}, headers=headers)(scope, receive, send)

    answer = browser(generous).get("/")
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["x-frame-options"] == "DENY" and answer.headers["x-mine"] == "1"


def test_a_new_browser_gets_an_unguessable_id_in_a_strict_cookie_and_keeps_it():
    client = browser()
    first = client.get("/")
    cookie = first.headers["set-cookie"]
    assert re.match(r"aigc_client=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Strict", cookie)
    again = client.get("/api/v1/jobs")
    assert again.json()["client"] == first.json()["client"] and "set-cookie" not in again.headers
    assert browser().get("/").json()["client"] != first.json()["client"]


def test_a_script_says_who_it_is_in_a_header_and_a_bad_name_is_refused():
    client = browser()
    assert client.get("/", headers={"x-aigc-client": "my-script-1"}).json()["client"] == "my-script-1"
    for bad in ("short", "a b c d e f", "x" * 65, "ünïcödé-id".encode()):
        answer = client.get("/", headers={"x-aigc-client": bad})
        assert answer.status_code == 422 and code(answer) == "bad_request"


@pytest.mark.parametrize("cookie", ["aigc_client=", 'aigc_client="a b"', "aigc_client=<script>", "=;;;", "aigc_client"])
def test_a_broken_cookie_is_replaced(cookie):
    answer = browser().get("/", headers={"cookie": cookie})
    assert answer.status_code == 200 and re.fullmatch("[0-9a-f]{32}", answer.json()["client"])


def test_opening_from_another_sites_link_does_not_overwrite_the_browsers_id():
    answer = browser().get("/", headers={"sec-fetch-site": "cross-site", **OPENED})
    assert "set-cookie" not in answer.headers


def test_without_the_token_a_neighbour_gets_nothing():
    client = browser(door=Door(new_token()), address="192.168.1.9")
    for method, path in (
        ("GET", "/"),
        ("GET", "/healthz"),
        ("GET", "/config"),
        ("GET", "/assets/index.js"),
        ("GET", "/api/v1/images"),
        ("POST", "/api/v1/jobs"),
        ("POST", "/gradio_api/cancel"),
        ("POST", "/gradio_api/queue/join"),
    ):
        answer = client.request(method, path)
        assert answer.status_code == 401 and code(answer) == "token_needed"
    page = client.get("/", headers=OPENED)
    assert page.status_code == 401 and "<form" in page.text


def test_the_address_with_the_token_opens_the_page_and_leaves_a_strict_cookie():
    token = new_token()
    client = browser(door=Door(token), address="192.168.1.9", url="http://192.168.1.5:7860")
    welcome = client.get(f"/?token={token}", headers=OPENED)
    assert welcome.status_code == 200 and "url=/'" in welcome.text and token not in welcome.text
    assert "HttpOnly; SameSite=Strict" in welcome.headers["set-cookie"] and token not in welcome.headers["set-cookie"]
    assert client.get("/", headers=OPENED).json()["path"] == "/"
    assert client.get("/api/v1/images").status_code == 200


def test_a_script_gives_the_token_as_bearer_or_in_the_query():
    token = new_token()
    client = browser(door=Door(token), address="192.168.1.9")
    assert client.get("/api/v1/images", headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert client.get(f"/api/v1/images?token={token}").status_code == 200
    assert client.get("/api/v1/images", headers={"authorization": f"Basic {token}"}).status_code == 401
    assert client.get("/api/v1/images", headers={"cookie": "aigc_pass=" + "0" * 64}).status_code == 401
    assert client.get("/api/v1/images", headers={"cookie": f"aigc_pass={token}"}).status_code == 401


def test_only_this_machine_may_ask_for_its_health_without_the_token():
    door = Door(new_token())
    assert browser(door=door).get("/healthz").status_code == 200
    assert browser(door=door, address="192.168.1.9").get("/healthz").status_code == 401
    assert browser(door=door).get("/api/v1/stats").status_code == 401


def test_guessing_is_slowed_down_for_the_one_who_guesses_and_nobody_else():
    now = 0.0
    token = new_token()
    door = Door(token, clock=lambda: now)
    guesser, pupil = browser(door=door, address="192.168.1.66"), browser(door=door, address="192.168.1.7")
    tried = [guesser.get(f"/api/v1/images?token=guess{i}") for i in range(100)]
    assert [code(answer) for answer in tried[:4]] == ["wrong_token"] * 4
    assert {answer.status_code for answer in tried[4:]} == {429}
    assert int(tried[-1].headers["retry-after"]) >= 1
    assert guesser.get(f"/api/v1/images?token={token}").status_code == 429, "also the right one is not heard"
    assert pupil.get(f"/api/v1/images?token={token}").status_code == 200
    heard = 0
    for second in range(100):
        now = 10.0 + second
        heard += guesser.get("/api/v1/images?token=wrong").status_code == 401
    assert 5 < heard < 20
    now += 11
    assert guesser.get(f"/api/v1/images?token={token}").status_code == 200


def test_guessing_from_many_addresses_fills_no_memory():
    door = Door(new_token())
    for i in range(3 * REMEMBERED_ADDRESSES):
        door.opens("wrong", f"10.0.{i // 256}.{i % 256}")
    assert len(door._records) == REMEMBERED_ADDRESSES


def test_all_addresses_of_one_ipv6_network_count_as_one_guesser():
    assert guard._network("2001:db8::1") == guard._network("2001:db8::ffff:1")
    assert guard._network("2001:db8::1") != guard._network("2001:db8:0:1::1")


def test_a_websocket_is_turned_away():
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(Guard(echo, Hosts())({"type": "websocket"}, None, send))  # type: ignore[arg-type]
    assert sent[0]["type"] == "websocket.close"
