"""What a stranger sends to the page's routes: files by name, things that are not there, other people's sessions."""

from collections import Counter
from collections.abc import Iterable

import httpx

from benchmarks.soak.attack import attack
from benchmarks.studio import Studio

JOIN, EVENTS = "/gradio_api/queue/join", "/gradio_api/queue/data"


def _file(path: str) -> dict:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def _handlers(studio: Studio) -> list[dict]:
    return studio.http.get("/config").json()["dependencies"]


def _post(studio: Studio, path: str, body: object) -> int | str:
    try:
        return studio.http.post(path, json=body).status_code
    except httpx.TransportError:
        return "broken off"


def _get(studio: Studio, path: str) -> int | str:
    try:
        return studio.http.get(path).status_code
    except httpx.TransportError:
        return "broken off"


def _counted(statuses: Iterable[int | str]) -> str:
    return ", ".join(f"{count} × {status}" for status, count in Counter(statuses).most_common())


@attack("a file of the owner's as the value of every handler and endpoint")
def _owners_file(studio: Studio) -> str:
    statuses = []
    for number, handler in enumerate(_handlers(studio)):
        value = _file("/etc/hostname")
        body = {"data": [value] * len(handler["inputs"]), "event_data": {"values": value}}
        statuses.append(_post(studio, JOIN, body | {"fn_index": handler["id"], "session_hash": f"files{number}"}))
        statuses += [_post(studio, f"/gradio_api/{way}/{handler['api_name']}", body) for way in ("call", "call/v2")]
    return _counted(statuses)


@attack("/dev/zero as the value of /status, then a look at the studio's health")
def _endless_file(studio: Studio) -> str:
    status = _post(studio, "/gradio_api/call/status", {"data": [_file("/dev/zero")]})
    try:
        studio.http.get("/healthz", timeout=10)
    except httpx.TimeoutException:
        studio.process.kill()  # it would not hear a polite signal
        return f"{status}, and hangs for ever"
    return f"{status}, and healthy"


@attack("300 sessions that nobody listens to")
def _sessions(studio: Studio) -> str:
    number = _status_handler(studio)
    bodies = ({"data": [""], "fn_index": number, "session_hash": f"alone{i}"} for i in range(300))
    return _counted([_post(studio, JOIN, body) for body in bodies])


@attack("handlers, endpoints, sessions and events that are not there")
def _nothing(studio: Studio) -> str:
    wrong = (99_999, -1, 2**70, None, "1", [], True)
    statuses = [_post(studio, JOIN, {"data": [], "fn_index": w, "session_hash": "nothing"}) for w in wrong]
    closed = ("call/nothing", "call/v2/nothing", "call/js_fn", "component_server", "upload")
    statuses += [_post(studio, f"/gradio_api/{path}", {"data": []}) for path in closed]
    absent = ("gradio_api/call/status/nothing", "gradio_api/file=/etc/hostname", "gradio_api/queue/data")
    statuses += [_get(studio, f"/{path}") for path in (*absent, "gradio_api/queue/data?session_hash=nothing")]
    return _counted([*statuses, _get(studio, f"/assets/{'a' * 5000}")])


@attack("the events of another browser, by the name of its session")
def _other_session(studio: Studio) -> str:
    body = {"data": [""], "fn_index": _status_handler(studio), "session_hash": "ofada"}
    studio.http.post(JOIN, json=body, headers={"cookie": f"aigc_client={'a' * 32}"})
    other = {"cookie": f"aigc_client={'b' * 32}"}
    with studio.http.stream("GET", EVENTS, params={"session_hash": "ofada"}, headers=other) as stream:
        text = next(stream.iter_text(), "")
    return "read" if "status" in text or "estimation" in text or "process" in text else "nothing there"


@attack("another site's name as the forwarded host")
def _forwarded(studio: Studio) -> str:
    claimed = {
        "x-forwarded-host": "evil.example",
        "x-gradio-server": "http://evil.example",
        "x-forwarded-proto": "https",
    }
    pages = [studio.http.get(path, headers=claimed).text for path in ("/", "/config", "/gradio_api/info")]
    pages += [studio.http.get(path).text for path in ("/", "/config", "/gradio_api/info")]
    return f"in {sum('evil.example' in page for page in pages)} of 6 answers, 3 of them to others"


def _status_handler(studio: Studio) -> int:
    return next(handler["id"] for handler in _handlers(studio) if handler["api_name"] == "status")
