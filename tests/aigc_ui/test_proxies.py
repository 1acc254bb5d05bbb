"""Who visits is what a named proxy says, and nobody else's claims about addresses and names are heard."""

import asyncio

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.responses import JSONResponse

import app
from aigc_ui import network, proxies
from aigc_ui.door import Door
from aigc_ui.guard import Guard, Hosts
from pipelines.errors import BadRequest

URL = "http://studio.example"
HOSTS = Hosts(frozenset({"studio.example", "127.0.0.1"}))
CLAIMED = {
    "x-forwarded-for": "1.2.3.4",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "studio.example",
    "x-forwarded-prefix": "/x",
    "x-real-ip": "1.2.3.4",
    "x-gradio-server": "http://evil.example",
    "forwarded": "for=1.2.3.4;proto=https;host=studio.example",
}


async def echo(scope, receive, send):
    request = Request(scope, receive)
    content = {"address": scope["client"][0], "scheme": scope["scheme"], "host": request.headers.get("host")}
    content["claims"] = [
        name for name in request.headers if "forwarded" in name or name in ("x-real-ip", "x-gradio-server")
    ]
    answer = JSONResponse(content)
    answer.set_cookie("a", "b", httponly=True)
    await answer(scope, receive, send)


def visited(peer: str, headers: dict, trusted=("10.0.0.0/8", "::1"), url: str = URL, hosts: Hosts = HOSTS):
    wrapped = proxies.Proxies(echo, proxies.networks(trusted), hosts)
    return TestClient(wrapped, url, client=(peer, 5000)).get("/", headers=headers)


@pytest.mark.parametrize("peer", ["192.168.1.5", "11.0.0.1", "testclient", "::2"])
def test_what_a_stranger_says_about_itself_is_ignored_and_taken_away(peer):
    answer = visited(peer, CLAIMED)
    assert answer.json() == {"address": peer, "scheme": "http", "host": "studio.example", "claims": []}
    assert "Secure" not in answer.headers["set-cookie"]


@pytest.mark.parametrize("peer", ["10.1.2.3", "::1", "::ffff:10.1.2.3"])
def test_a_named_proxys_visitor_is_the_one_who_asks_and_its_cookies_are_secure(peer):
    answer = visited(peer, CLAIMED, url="http://127.0.0.1:7860")
    assert answer.json() == {"address": "1.2.3.4", "scheme": "https", "host": "studio.example", "claims": []}
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"x-forwarded-for": "6.6.6.6, 1.2.3.4"}, "1.2.3.4"),
        ({"x-forwarded-for": "6.6.6.6, 1.2.3.4, 10.0.0.9"}, "1.2.3.4"),
        ({"x-forwarded-for": "10.0.0.7, 10.0.0.9"}, "10.0.0.7"),
        ({"x-forwarded-for": "1.2.3.4:5678"}, "1.2.3.4"),
        ({"x-forwarded-for": "[2001:db8::1]:80"}, "2001:db8::1"),
        ({"x-forwarded-for": "2001:db8::1"}, "2001:db8::1"),
        ({"x-forwarded-for": "6.6.6.6, unknown, 10.0.0.9"}, "10.0.0.9"),
        ({"x-forwarded-for": "<script>"}, "10.1.2.3"),
        ({"x-forwarded-for": ","}, "10.1.2.3"),
        ({"forwarded": 'for="[2001:db8::1]:47";proto=https, for=10.0.0.2'}, "2001:db8::1"),
        ({"forwarded": "for=_hidden"}, "10.1.2.3"),
        ({"x-forwarded-for": "1.2.3.4", "forwarded": "for=6.6.6.6"}, "1.2.3.4"),
    ],
)
def test_only_the_part_of_a_chain_that_proxies_wrote_is_believed(headers, address):
    assert visited("10.1.2.3", headers).json()["address"] == address


def test_a_page_of_another_name_borrows_ours_through_no_header():
    """A name pointed at the proxy arrives as Host; what its page adds as a forwarded one must not replace that."""
    answer = visited("10.1.2.3", {"x-forwarded-host": "studio.example"}, url="http://evil.example")
    assert answer.json()["host"] == "evil.example"
    guarded = proxies.Proxies(Guard(echo, HOSTS), proxies.networks(["10.0.0.0/8"]), HOSTS)
    stranger = TestClient(guarded, "http://evil.example", client=("10.1.2.3", 1))
    assert stranger.get("/", headers={"x-forwarded-host": "studio.example"}).status_code == 403


def test_a_forwarded_name_that_is_not_ours_is_refused():
    guarded = proxies.Proxies(Guard(echo, HOSTS), proxies.networks(["10.0.0.0/8"]), HOSTS)
    client = TestClient(guarded, "http://127.0.0.1", client=("10.1.2.3", 1))
    assert client.get("/", headers={"x-forwarded-host": "evil.example"}).status_code == 403
    assert client.get("/", headers={"x-forwarded-host": "studio.example"}).status_code == 200


def test_over_https_only_the_https_page_is_our_own():
    guarded = proxies.Proxies(Guard(echo, HOSTS), proxies.networks(["10.0.0.0/8"]), HOSTS)
    client = TestClient(guarded, URL, client=("10.1.2.3", 1))
    secure = {"x-forwarded-proto": "https"}
    for origin, status in (
        ("https://studio.example", 200),
        ("http://studio.example", 403),
        ("https://evil.example", 403),
    ):
        assert client.get("/", headers=secure | {"origin": origin}).status_code == status
    unnamed = TestClient(guarded, URL, client=("192.168.1.5", 1))
    assert unnamed.get("/", headers=secure | {"origin": "https://studio.example"}).status_code == 200


def test_guessing_through_a_proxy_is_slowed_down_for_the_visitor_alone():
    door = Door("right")
    guarded = proxies.Proxies(Guard(echo, HOSTS, door), proxies.networks(["10.0.0.0/8"]), HOSTS)
    client = TestClient(guarded, URL, client=("10.1.2.3", 1))

    def guess(visitor: str, token: str) -> int:
        return client.get(f"/?token={token}", headers={"x-forwarded-for": visitor}).status_code

    assert [guess("1.2.3.4", f"wrong{i}") for i in range(6)][-1] == 429
    assert guess("1.2.3.5", "right") == 200
    lying = TestClient(guarded, URL, client=("192.168.1.5", 1))
    tried = [lying.get(f"/?token=wrong{i}", headers={"x-forwarded-for": f"9.9.9.{i}"}).status_code for i in range(6)]
    assert tried[-1] == 429, "a new claimed address is no new try"


def test_this_machines_health_is_not_told_to_visitors_behind_a_proxy_here():
    guarded = proxies.Proxies(Guard(echo, HOSTS, Door("right")), proxies.networks(["127.0.0.1"]), HOSTS)
    client = TestClient(guarded, URL, client=("127.0.0.1", 1))
    assert client.get("/healthz").status_code == 200
    assert client.get("/healthz", headers={"x-forwarded-for": "1.2.3.4"}).status_code == 401


@pytest.mark.parametrize("word", ["", "*", "studio.example", "10.0.0.0/99", "300.1.1.1", "unix:"])
def test_a_proxy_must_be_an_address_or_a_network(word):
    with pytest.raises(BadRequest, match="--trusted-proxy must be") as refused:
        proxies.networks([word])
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "word", ["", "*", "*.example", "https://studio.example", "studio.example:443", "a b", "-a", "a/"]
)
def test_a_host_must_be_a_bare_name(word):
    with pytest.raises(BadRequest, match="--trusted-host must be") as refused:
        proxies.hosts([word])
    assert len(str(refused.value)) < 300


def test_names_are_answered_in_any_case_and_their_addresses_printed():
    names = proxies.hosts(["Studio.Example.", "10.0.0.5", "[::5]"])
    assert names == {"studio.example", "10.0.0.5", "::5"}
    hosts = network.hosts_for("127.0.0.1", names)
    assert hosts.allow("STUDIO.example:8443") and hosts.allow("[::5]:1") and not hosts.allow("evil.example")
    reached = network.Reached(frozenset({"studio.example"}), proxies.networks(["127.0.0.1"]))
    assert network.addresses("127.0.0.1", 7860, "t", reached) == [
        "http://127.0.0.1:7860/?token=t",
        "https://studio.example/?token=t",
    ]
    direct = network.Reached(frozenset({"studio.example"}))
    assert network.addresses("127.0.0.1", 7860, "t", direct)[1] == "http://studio.example:7860/?token=t"


def test_whatever_lets_others_in_needs_the_token():
    for words in (["--trusted-host", "studio.example"], ["--trusted-proxy", "127.0.0.1"]):
        given = app.arguments(words)
        reached = network.Reached(proxies.hosts(given.trusted_host), proxies.networks(given.trusted_proxy))
        assert reached.from_elsewhere
    assert not network.Reached().from_elsewhere


def test_a_websocket_and_the_lifespan_pass_as_they_are():
    seen = []

    async def inner(scope, receive, send):
        seen.append(scope)

    for kind in ("websocket", "lifespan"):
        scope = {"type": kind}
        asyncio.run(proxies.Proxies(inner, (), HOSTS)(scope, None, None))  # type: ignore[arg-type]
        assert seen[-1] is scope
