"""What stands between the network and the studio: who may ask, for which routes, and how much they may send.

A page of another web site that is open in the same browser can send requests to this machine, and with a name that it
points at 127.0.0.1 it can also read the answers. So every request must name a host that is ours, come from our own
page, no page at all, or a plain opening of an address, and ask for a route that the studio uses.
Pure ASGI: streams pass through unbuffered.
"""

import json
import math
import re
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aigc_ui import door_pages, openai_errors
from aigc_ui.addresses import is_address as _is_address
from aigc_ui.addresses import is_loopback
from aigc_ui.addresses import network_of as _network
from aigc_ui.door import Door, Role
from aigc_ui.visitors import CLIENT_COOKIE, CLIENT_HEADER, OWN_HEADERS, Visitor, Visitors, basic
from aigc_ui.visitors import cookie as _cookie
from pipelines.errors import BadRequest, Sentence

__all__ = ["CLIENT_HEADER", "Guard", "Hosts", "Limits"]

PASS_COOKIE = "aigc_pass"
UPLOAD_ROUTES = (
    "/api/v1/inputs",
    "/api/v1/metadata",
    "/api/v1/lab/film.webp",
    "/api/v1/lab/film.gif",
    "/api/v1/lab/film.mp4",
)
PROGRAMS = ("/sdapi/", "/controlnet/", openai_errors.PREFIX)
"""Routes of programs that keep no cookie: each is known by where it asks from and what it calls itself."""
MEBIBYTE = 1024**2

# What the page and gradio_client ask for (read off a real browser); everything else of Gradio stays shut:
# direct runs that skip the queue, files and uploads, functions of components (the page has none), the proxy, streams,
# run history, monitoring, recordings, profiling, logins.
ROUTES = tuple(
    (frozenset(methods.split()), re.compile(pattern))
    for methods, pattern in (
        ("GET HEAD", r"/"),
        ("GET HEAD", r"/healthz"),
        ("GET HEAD POST DELETE", r"/api/v1/.*"),
        ("GET HEAD POST", r"/sdapi/v1/[\w-]+"),
        ("GET HEAD", r"/controlnet/\w+"),
        ("GET HEAD", r"/v1/models(/.+)?"),
        ("POST", r"/v1/images/\w+"),
        ("GET HEAD", r"/(config|theme\.css|favicon\.ico|manifest\.json|pwa_icon|robots\.txt)"),
        ("GET HEAD", r"/(assets|static|svelte)/.+"),
        ("GET HEAD", r"/studio/[0-9a-f]{16}/\w+\.\w+"),  # the page's own scripts and styles
        ("GET", r"/gradio_api/(info|app_id|startup-events|theme\.css|login_check|user)/?"),
        ("GET", r"/gradio_api/(heartbeat/[\w-]+|queue/data)"),
        ("POST", r"/gradio_api/(queue/join|cancel|reset/?)"),
        ("POST", r"/gradio_api/call(/v2)?/\w+"),
        ("GET", r"/gradio_api/call/\w+/\w+"),
    )
)

# Gradio's page starts from inline scripts and compiles templates, hence unsafe-inline and unsafe-eval; nothing may be
# loaded from, or sent to, anywhere else.
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True)
class Hosts:
    """The names under which this server may be addressed, on any port, so that tunnels work.

    An address in digits can not be pointed elsewhere by a stranger's name server, so a shared studio takes them all.
    """

    names: frozenset[str] = frozenset({"localhost", "127.0.0.1", "::1"})
    any_address: bool = False

    def allow(self, host: str) -> bool:
        match = re.fullmatch(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?", host.lower())
        if match is None:
            return False
        name = match[1].strip("[]")
        return name in self.names or (self.any_address and _is_address(name))


@dataclass(eq=False)
class Refusal(Exception):
    """An answer given instead of the app's, in the form of the API's errors or as a small page."""

    status: int
    code: str
    message: Sentence
    headers: dict[str, str] = field(default_factory=dict)
    page: str = ""


@dataclass(frozen=True)
class Limits:
    """The most bytes that a request may carry."""

    body: int = 2 * MEBIBYTE
    upload: int = 32 * MEBIBYTE
    encoded: int = 48 * MEBIBYTE  # an upload in base64

    def of(self, path: str) -> int:
        if path.startswith(PROGRAMS):
            return self.encoded
        return self.upload if path in UPLOAD_ROUTES else self.body


class Guard:
    """ASGI middleware around the whole studio. With a door, only those with the token come in.

    It tells the app who asks: the header `x-aigc-client` and `scope["state"]["client"]` always hold the client's id,
    as `visitors` recognises it; who is new is given one, in a cookie.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Hosts,
        door: Door | None = None,
        limits: Limits | None = None,
        visitors: Visitors | None = None,
    ):
        self.app = app
        self.hosts = hosts
        self.door = door
        self.limits = limits or Limits()
        self.visitors = visitors or Visitors(secrets.token_bytes(16))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        headers = Headers(scope=scope)
        cookies: list[str] = []
        send = _with_headers(send, scope["path"], cookies)
        try:
            self._check(scope, headers)
            role = self._let_in(scope, headers, cookies)
            _admit(scope)
            scope = _introduced(scope, headers, cookies, self.visitors, role)
            limit = self.limits.of(scope["path"])
            _check_length(headers, limit)
        except Refusal as refusal:
            return await _answer(refusal, send, scope["path"])
        await _Counted(self.app, limit)(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """Raises Refusal unless host, origin, route and method are ours."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self.hosts.allow(hosts[0]):
            raise Refusal(
                403,
                "wrong_host",
                Sentence("This studio does not answer under that name. Open the address printed at its start."),
            )
        if not _from_ourselves(scope["method"], headers, hosts[0], scope.get("scheme", "http")):
            raise Refusal(
                403,
                "cross_site",
                Sentence("This request comes from another web site. Open the studio in a tab of its own."),
            )
        allowed = set().union(*(methods for methods, pattern in ROUTES if pattern.fullmatch(scope["path"])))
        if not allowed:
            raise Refusal(404, "not_found", Sentence("There is nothing at this address."))
        if scope["method"] not in allowed:
            listed = ", ".join(sorted(allowed))
            raise Refusal(
                405, "method_not_allowed", Sentence("Only {listed} can be used here.", listed=listed), {"allow": listed}
            )

    def _let_in(self, scope: Scope, headers: Headers, cookies: list[str]) -> Role | None:
        """Who comes in; None where there is no door. Raises Refusal without a token.

        A browser that opens the page with one gets a cookie and a clean address.
        """
        if self.door is None:
            return None
        address = _address(scope)
        held = self.door.holder_of_pass(_cookie(headers, PASS_COOKIE))
        opening = scope["path"] == "/" and scope["method"] == "GET" and "text/html" in headers.get("accept", "")
        in_query = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if held is Role.OWNER or (held is not None and not (opening and in_query)):
            return held
        if scope["path"] == "/healthz" and is_loopback(address):
            return None
        try:
            role = self._holder_of_token(in_query or _bearer(headers), address, opening)
        except Refusal:
            if held is None:
                raise
            return held  # a pupil with an old address: the cookie is enough
        if opening and in_query:
            cookies.append(f"{PASS_COOKIE}={self.door.pass_for(role)}; Path=/; HttpOnly; SameSite=Strict")
            raise Refusal(200, "welcome", Sentence("Welcome."), page=door_pages.WELCOME)
        return role

    def _holder_of_token(self, token: str, address: str, opening: bool) -> Role:
        assert self.door is not None
        page = door_pages.ASK if opening else ""
        if not token:
            raise Refusal(
                401, "token_needed", Sentence("Open this studio with the address that holds its token."), page=page
            )
        wait = self.door.seconds_closed(_network(address))
        if wait:
            seconds = math.ceil(wait)
            retry = {"retry-after": str(seconds)}
            raise Refusal(
                429,
                "too_many_tries",
                Sentence("Too many wrong tokens. Try again in {seconds} s.", seconds=seconds),
                retry,
            )
        role = self.door.holder_of_token(token, _network(address))
        if role is None:
            raise Refusal(
                401, "wrong_token", Sentence("This token is not right. Copy it whole from the address."), page=page
            )
        return role


class _Counted:
    """Runs an app on a body of at most `limit` bytes, counted while it streams in; beyond that the answer is 413."""

    def __init__(self, app: ASGIApp, limit: int):
        self.app = app
        self.limit = limit
        self.received = 0
        self.answered = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted() -> Message:
            if self._too_large():
                return {"type": "http.disconnect"}
            message = await receive()
            self.received += len(message.get("body", b""))
            return {"type": "http.disconnect"} if self._too_large() else message

        async def passed(message: Message) -> None:
            if self._too_large() and not self.answered:
                return  # the app's own words about a body that it saw cut off
            self.answered = True
            await send(message)

        try:
            await self.app(scope, counted, passed)
        except ClientDisconnect:
            if not self._too_large():
                raise
        if self._too_large() and not self.answered:
            await _answer(_too_large(self.limit), send, scope["path"])

    def _too_large(self) -> bool:
        return self.received > self.limit


def _from_ourselves(method: str, headers: Headers, host: str, scheme: str) -> bool:
    """Whether a browser sent this from our own page, or a person or a script (which send neither header) did.

    A request that came as plain http may be of an https page: a proxy that nobody named encrypts without a word.
    """
    origin = headers.get("origin")
    site = headers.get("sec-fetch-site")
    if origin == "null" and site == "same-origin":
        origin = None  # beacons under our own no-referrer policy
    ours = {f"https://{host}", f"{scheme}://{host}"}
    if origin is not None and origin not in ours:
        return False
    if site in (None, "same-origin", "none"):
        return True
    opening = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return opening and method in ("GET", "HEAD")


def _introduced(
    scope: Scope, headers: Headers, cookies: list[str], visitors: Visitors, role: Role | None = None
) -> Scope:
    """The scope with who asks in it; a browser without an identity is given one."""
    address = _address(scope)
    try:
        client, new = visitors.recognise(headers, address, program=scope["path"].startswith(PROGRAMS))
    except BadRequest as error:
        raise Refusal(error.status, error.code, error.sentence) from None
    # A click on another site's link comes without our strict cookie: the browser may well have one to keep.
    if new and headers.get("sec-fetch-site") != "cross-site":
        cookies.append(f"{CLIENT_COOKIE}={new}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000")
    visitor = Visitor(client, _network(address), role is Role.OWNER)
    own = {name.encode() for name in OWN_HEADERS}
    others = [(name, value) for name, value in scope["headers"] if name.lower() not in own]
    return {
        **scope,
        "headers": [*others, *visitor.headers()],
        "state": {**scope.get("state", {}), "client": client},
    }


def _admit(scope: Scope) -> None:
    """Tells the connection, where it wants to know, that whoever is behind it has come in."""
    connection = scope.get("state", {}).get("connection")
    if connection is not None:
        connection.admit()


def _check_length(headers: Headers, limit: int) -> None:
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length[:20]) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> Refusal:
    return Refusal(
        413, "too_large", Sentence("This request is too large: at most {most} MB fit.", most=limit // MEBIBYTE)
    )


def _with_headers(send: Send, path: str, cookies: list[str]) -> Send:
    policy = DATA_POLICY if path.startswith(("/api/", *PROGRAMS, "/healthz")) else PAGE_POLICY

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = {"content-security-policy": policy, **HEADERS}
            kept = [
                (name, value)
                for name, value in message.get("headers", [])
                if name.decode("latin-1").lower() not in HEADERS and not name.lower().startswith(b"access-control-")
            ]
            named = {name.lower() for name, _ in kept}
            kept += [(n.encode(), v.encode()) for n, v in ours.items() if n.encode() not in named]
            kept += [(b"set-cookie", cookie.encode()) for cookie in cookies]
            message = {**message, "headers": kept}
        await send(message)

    return sending


async def _answer(refusal: Refusal, send: Send, path: str) -> None:
    if refusal.page:
        body, kind = refusal.page.replace("MESSAGE", refusal.message).encode(), b"text/html; charset=utf-8"
    else:
        error: dict[str, Any] = {"error": {"code": refusal.code, **refusal.message.to_json()}}
        if path.startswith(openai_errors.PREFIX):
            error = openai_errors.body(refusal.status, refusal.code, refusal.message)
        body, kind = json.dumps(error).encode(), b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    headers += [(name.encode(), value.encode()) for name, value in refusal.headers.items()]
    if refusal.page:
        headers.append((b"content-security-policy", door_pages.POLICY.encode()))
    await send({"type": "http.response.start", "status": HTTPStatus(refusal.status).value, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _bearer(headers: Headers) -> str:
    """The token as scripts say it, or as the password, with any name, of programs that know only those."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" else basic(headers)[1]


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""
