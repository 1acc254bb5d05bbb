"""Nothing that is sent to the page's routes names a file, and what is not there is answered, not failed over."""

import json
import re
import warnings
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from gradio import processing_utils
from gradio.context import LocalContext
from gradio.exceptions import InvalidPathError

from aigc_ui import gradio_bodies, gradio_gate, gradio_sessions, page, proxies
from aigc_ui.guard import Guard, Hosts
from aigc_ui.server import GRADIO
from pipelines.engine import registry
from tests.aigc_ui.small_studio import URL, open_studio

JOIN, EVENTS = "/gradio_api/queue/join", "/gradio_api/queue/data"
META = {"_type": "gradio.FileData"}
ROOT = Path(__file__).parents[2]
PLACES = rf"({re.escape(str(ROOT))}|/tmp/|/root|/home/|/etc/|/usr/|site-packages|aigc-studio-)"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The real page over a small studio, and a secret file next to it."""
    folder = tmp_path_factory.mktemp("outputs")
    secret = folder / "secret.txt"
    secret.write_text("the owner's secret")
    studio = open_studio(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blocks = page.build(studio.services)
        gate = gradio_gate.mounted(blocks, **GRADIO | page.appearance(blocks))
    with TestClient(Guard(gate, Hosts()), URL, raise_server_exceptions=False) as client:
        client.get("/", headers={"accept": "text/html"})  # a browser has a cookie
        yield client, blocks, secret
    studio.services.close()


def number_of(blocks, name: str) -> int:
    return next(number for number, fn in blocks.fns.items() if fn.api_name == name)


def ways(blocks):
    """Every address by which a handler can be reached, with the number of its values."""
    for number, fn in blocks.fns.items():
        yield JOIN, {"fn_index": number, "session_hash": f"s{number}"}, len(fn.inputs)
        for way in ("call", "call/", "call/v2", "run", "api"):
            yield f"/gradio_api/{way}/{fn.api_name}".replace("//", "/"), {}, len(fn.inputs)
    yield "/gradio_api/component_server", {"component_id": 1, "session_hash": "x", "fn_name": "x"}, 1


def hidden(path: str):
    """One description of a file, where it could be overlooked."""
    yield {"path": path, "meta": META}
    yield {"meta": META, "path": path}
    yield {"url": path, "meta": META}
    yield {"path": path}
    yield [[[{"a": {"b": [{"path": path, "meta": META}]}}]]]
    yield {"image": {"path": path, "meta": META, "is_stream": True}}


@pytest.mark.slow
def test_no_handler_and_no_endpoint_takes_a_file_by_its_place(served):
    client, blocks, secret = served
    tried = 0
    for address, body, count in ways(blocks):
        for value in hidden(str(secret)):
            for given in (
                {"data": [value] * max(count, 1)},
                {"data": [None] * count, "event_data": value},
                {"prompt": value},
            ):
                answer = client.post(address, json=body | given)
                assert answer.status_code in (404, 422), (address, given)
                assert "secret" not in answer.text
                tried += 1
    assert tried > 1000


@pytest.mark.parametrize(
    "raw",
    [
        rb'{"data": [{"\u0070ath": "SECRET", "m\u0065ta": {"_type": "gradio.FileData"}}], BODY}',
        rb'{"data": [""], "data": [{"meta": {"_type": "gradio.FileData"}, "path": "SECRET"}], BODY}',
        rb'{"data": [""], "event_data": {"path": "SECRET", "meta": {"_type": "gradio.FileData"}}, BODY}',
        rb'{"data": [""], "path": "SECRET", "meta": {"_type": "gradio.FileData"}, BODY}',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", None])
def test_escapes_encodings_and_content_types_hide_no_file(served, raw, encoding, kind):
    client, blocks, secret = served
    body = f'"fn_index": {number_of(blocks, "status")}, "session_hash": "hid"'
    text = raw.decode().replace("SECRET", str(secret)).replace("BODY", body)
    answer = client.post(JOIN, content=text.encode(encoding), headers={"content-type": kind} if kind else {})
    assert answer.status_code == 422 and "secret" not in answer.text


def test_forms_and_compressed_bodies_are_no_json(served):
    client, _, secret = served
    for way in (JOIN, "/gradio_api/call/status", "/gradio_api/call/v2/status", "/gradio_api/cancel"):
        assert client.post(way, data={"data": "[]", "path": str(secret)}).status_code == 422
        assert client.post(way, files={"files": ("a.txt", secret.read_bytes())}).status_code == 422
        assert client.post(way, content=b"\x1f\x8b\x08", headers={"content-encoding": "gzip"}).status_code == 422


def test_gradios_own_check_of_paths_is_on_and_lets_no_file_through(served):
    _, blocks, secret = served
    token = LocalContext.blocks.set(blocks)
    try:
        for inbound in (True, False):
            for place in (secret, Path.cwd() / "app.py", "/dev/zero"):
                with pytest.raises(InvalidPathError):
                    processing_utils._check_allowed(str(place), inbound)
    finally:
        LocalContext.blocks.reset(token)


def test_no_field_of_ours_has_the_name_of_a_files_key():
    for name in registry.names():
        fields = {field.name for field in registry.get(name).request_type.fields()}
        assert not fields & gradio_bodies.FILE_KEYS


@pytest.mark.parametrize("wrong", [99_999, -1, 2**70, None, "1", 1.0, [], {}, True])
def test_an_unknown_handler_is_the_askers_mistake(served, wrong):
    client, blocks, _ = served
    for body in ({"fn_index": wrong}, {"fn_index": number_of(blocks, "status"), "trigger_id": wrong}):
        if body.get("trigger_id", 0) is None:
            continue
        answer = client.post(JOIN, json={"data": [""], "session_hash": "s"} | body)
        assert answer.status_code in (404, 422) and len(answer.json()["error"]["message"]) < 300


@pytest.mark.parametrize("name", ["nothing", "js_fn", "hello", "submit", "__class__", "a" * 200])
def test_only_named_public_endpoints_can_be_called(served, name):
    client, _, _ = served
    for way in ("call", "call/v2"):
        answer = client.post(f"/gradio_api/{way}/{name}", json={"data": []})
        assert answer.status_code == 404 and len(answer.json()["error"]["message"]) < 300


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"null",
        b'"text"',
        b"[" * 10_000,
        b'{"data": 5}',
        b'{"data": []}',
        b'{"data": [""], "session_hash": 5}',
        b'{"data": [""], "session_hash": "../x"}',
        b'{"data": [""], "session_hash": "a.b"}',
        b'{"data": ["", ""], "session_hash": "s"}',
        b'{"data": ["\\ud800"], "session_hash": "s"}',
        b'{"data": [NaN], "session_hash": "s"}',
    ],
)
def test_a_malformed_body_is_refused_before_gradio_sees_it(served, body):
    client, blocks, _ = served
    joined = body.replace(b"{", b'{"fn_index": %d, ' % number_of(blocks, "status"), 1)
    for address, raw in ((JOIN, joined), ("/gradio_api/call/status", body), ("/gradio_api/cancel", body)):
        if address.endswith("status") and b"session_hash" not in body and body != b'{"data": 5}':
            raw = body.replace(b'{"data": []}', b'{"data": [], "x": 1}')
        answer = client.post(address, content=raw)
        assert answer.status_code == 422, (address, raw, answer.text)
        assert len(answer.json()["error"]["message"]) < 300


def test_what_is_not_there_is_no_failure_of_the_server(served):
    client, _, _ = served
    for path in ("/gradio_api/call/status/nothing", f"/assets/{'a' * 5000}", f"/static/{'b' * 300}", EVENTS):
        assert client.get(path).status_code in (404, 422)
    gone = client.get(EVENTS, params={"session_hash": "nothing"})
    assert gone.status_code == 200 and json.loads(gone.text[6:])["session_not_found"] is True


@pytest.mark.parametrize("folder", ["static", "assets", "svelte"])
def test_gradios_files_are_served_from_their_folders_only(served, folder):
    client, _, _ = served
    for way in (
        "..%2f..%2froutes.py",
        "%2e%2e/x",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "..%5c..%5croutes.py",
        "%00",
        "..",
    ):
        answer = client.get(f"/{folder}/{way}")
        assert answer.status_code in (403, 404) or "<html" in answer.text[:300], way


def test_no_answer_holds_a_place_on_the_owners_machine(served):
    client, blocks, _ = served
    texts = [client.get(path).text for path in ("/config", "/gradio_api/info", "/gradio_api/info?all_endpoints=1")]
    texts += [client.get(path).text for path in ("/gradio_api/app_id", "/manifest.json", "/theme.css", "/robots.txt")]
    for name, values in {"status": ["nothing"], "cancel": ["x"], "generate": None}.items():
        number = number_of(blocks, name)
        wrong = [[]] * len(blocks.fns[number].inputs) if values is None else values
        texts.append(result(client, number, wrong))
        texts.append(result(client, number, [None] * len(wrong)))
    page_text = re.sub(r"<script>.*?</script>", "", client.get("/").text, flags=re.DOTALL)
    for text in (*texts, page_text):
        assert not re.search(PLACES, text), re.search(r".{80}" + PLACES + r".{80}", text)


def test_no_stranger_writes_a_name_into_the_addresses_that_others_are_told(served):
    client, _, _ = served
    evil = {"x-forwarded-host": "evil.example", "x-gradio-server": "http://evil.example", "x-forwarded-proto": "https"}
    visitor = TestClient(proxies.Proxies(client.app, (), Hosts()), URL)
    for path in ("/", "/config", "/gradio_api/info"):
        assert "evil.example" not in visitor.get(path, headers=evil).text
        assert "evil.example" not in visitor.get(path).text


def result(client, number: int, values: list, session: str = "") -> str:
    session = session or f"r{number}"
    body = {"data": values, "fn_index": number, "session_hash": session}
    assert client.post(JOIN, json=body).status_code == 200
    return client.get(EVENTS, params={"session_hash": session}).text


def test_a_call_by_place_and_by_name_is_answered_to_whoever_has_its_number(served):
    client, _, _ = served
    for way, body in (("call", {"data": [""]}), ("call/v2", {"job_id": ""}), ("call/v2", {})):
        number = client.post(f"/gradio_api/{way}/status", json=body).json()["event_id"]
        text = client.get(f"/gradio_api/call/status/{number}").text
        assert text.startswith("event: complete") and '"ready"' in text
    assert client.post("/gradio_api/call/v2/cancel", json={}).status_code == 422


def test_another_browser_reads_no_events_of_a_session_whose_name_it_knows(served):
    client, blocks, _ = served
    number = number_of(blocks, "status")
    body = {"data": [""], "fn_index": number, "session_hash": "ofada"}
    event = client.post(JOIN, json=body).json()["event_id"]
    other = TestClient(client.app, URL)
    for headers in ({"cookie": "aigc_client=" + "b" * 32}, {}, {"x-aigc-client": "client-bob"}):
        assert "session_not_found" in other.get(EVENTS, params={"session_hash": "ofada"}, headers=headers).text
        ended = {"session_hash": "ofada", "fn_index": number, "event_id": event}
        other.post("/gradio_api/cancel", json=ended, headers=headers)
    assert '"success":true' in client.get(EVENTS, params={"session_hash": "ofada"}).text


def test_a_client_without_cookies_has_its_sessions_too(served):
    client, blocks, _ = served
    script = TestClient(client.app, URL, headers={"x-aigc-client": "client-script"})
    script.cookies.clear()
    assert '"success":true' in result(script, number_of(blocks, "status"), [""], "script")


@pytest.mark.slow
def test_sessions_that_clients_invent_cost_neither_a_copy_of_the_page_nor_endless_memory(served, monkeypatch):
    client, blocks, _ = served
    monkeypatch.setattr(gradio_sessions, "KEPT_MESSAGES", 20)
    number = number_of(blocks, "status")
    for i in range(gradio_sessions.KEPT + 40):
        assert client.post(JOIN, json={"data": [""], "fn_index": number, "session_hash": f"n{i}"}).status_code == 200
    holder = blocks.state_holder
    assert len(holder.session_data) <= gradio_sessions.KEPT
    assert all(not session.config_values for session in holder.session_data.values())
    queue = blocks._queue
    running = len(queue.event_ids_to_events)
    assert len(queue.pending_messages_per_session) <= 21 + running
    assert len(queue.pending_event_ids_session) <= 21 + running
