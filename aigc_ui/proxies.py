"""What proxies say about the visitor, taken from those alone that the studio's owner named, and from nobody else."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aigc_ui.guard import Hosts
from pipelines.errors import BadRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CLAIMS = {b"forwarded", b"x-real-ip", b"x-client-ip", b"x-original-url", b"x-rewrite-url", b"x-gradio-server"}
"""Headers, besides X-Forwarded-*, that say something about the visitor or the address; no app behind sees them."""


def networks(words: Iterable[str]) -> tuple[Network, ...]:
    """Of --trusted-proxy. Raises BadRequest."""
    return tuple(_network(word) for word in words)


def hosts(words: Iterable[str]) -> frozenset[str]:
    """Of --trusted-host. Raises BadRequest."""
    return frozenset(_host(word) for word in words)


@dataclass(frozen=True)
class Visitor:
    """Where a request came from as its trusted proxies say; None or "" where they say nothing."""

    address: Address | None = None
    scheme: str = ""
    host: str = ""


class Proxies:
    """ASGI around the guard: scope and Host as the visitor's, forwarded headers gone, cookies Secure over https.

    A forwarded name is taken only when the Host that came with it is ours, too: pages of other sites can write the one
    but not the other.
    """

    def __init__(self, app: ASGIApp, trusted: tuple[Network, ...], hosts: Hosts):
        self.app = app
        self.trusted = trusted
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        visitor = self._visitor(scope, headers) if self._trusts(_peer(scope)) else Visitor()
        scope = self._as_visited(scope, headers, visitor)
        await self.app(scope, receive, _secured(send) if scope["scheme"] == "https" else send)

    def _as_visited(self, scope: Scope, headers: Headers, visitor: Visitor) -> Scope:
        kept = [(name, value) for name, value in scope["headers"] if not _is_claim(name)]
        if visitor.host and self.hosts.allow(headers.get("host", "")):
            kept = [(name, value) for name, value in kept if name.lower() != b"host"]
            kept.append((b"host", visitor.host.encode("latin-1")))
        visited = {**scope, "headers": kept, "scheme": visitor.scheme or scope.get("scheme", "http")}
        if visitor.address is not None:
            visited["client"] = (str(visitor.address), 0)
        return visited

    def _visitor(self, scope: Scope, headers: Headers) -> Visitor:
        """Of X-Forwarded-*; of Forwarded (RFC 7239) only without those, since proxies pass on what they do not set."""
        claims = {word: _listed(headers, f"x-forwarded-{word}") for word in ("for", "proto", "host")}
        if not any(claims.values()):
            claims = _forwarded(headers)
        scheme = claims["proto"][0].lower() if claims["proto"] else ""
        return Visitor(
            self._nearest_stranger(claims["for"]),
            scheme if scheme in ("http", "https") else "",
            claims["host"][0] if claims["host"] else "",
        )

    def _nearest_stranger(self, chain: list[str]) -> Address | None:
        """The last address that is no trusted proxy: what stands before it in the chain is anybody's claim."""
        nearest = None
        for word in reversed(chain):
            address = _address(word)
            if address is None:
                return nearest
            nearest = address
            if not self._trusts(address):
                return address
        return nearest

    def is_proxy(self, address: str) -> bool:
        """Whether a peer's address stands for many visitors."""
        return self._trusts(_address(address))

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self.trusted)


def _secured(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (name, value + b"; Secure" if name.lower() == b"set-cookie" and b"; Secure" not in value else value)
                for name, value in message.get("headers", [])
            ]
            message = {**message, "headers": headers}
        await send(message)

    return sending


def _is_claim(name: bytes) -> bool:
    return name.lower() in CLAIMS or name.lower().startswith(b"x-forwarded-")


def _peer(scope: Scope) -> Address | None:
    client = scope.get("client")
    return _address(client[0]) if client else None


def _listed(headers: Headers, name: str) -> list[str]:
    return [word.strip() for word in ",".join(headers.getlist(name)).split(",") if word.strip()]


def _forwarded(headers: Headers) -> dict[str, list[str]]:
    claims: dict[str, list[str]] = {"for": [], "proto": [], "host": []}
    for element in _listed(headers, "forwarded"):
        for pair in element.split(";"):
            key, _, value = pair.partition("=")
            if key.strip().lower() in claims:
                claims[key.strip().lower()].append(value.strip().strip('"'))
    return claims


def _address(word: str) -> Address | None:
    """1.2.3.4, 1.2.3.4:5678, ::1, [::1] or [::1]:5678."""
    match = re.fullmatch(r"\[([0-9a-fA-F:.]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+)(?::\d+)?", word)
    try:
        address = ipaddress.ip_address((match[1] or match[2]) if match else word.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _network(word: str) -> Network:
    try:
        return ipaddress.ip_network(word.strip(), strict=False)
    except ValueError:
        raise BadRequest(
            "--trusted-proxy must be an address such as 127.0.0.1 or a network such as 10.0.0.0/8; got {got!r}.",
            got=word[:60],
        ) from None


def _host(word: str) -> str:
    name = word.strip().lower().removesuffix(".")
    if not re.fullmatch(r"[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\]", name):
        raise BadRequest(
            "--trusted-host must be a name such as studio.example, without scheme, port or *; got {got!r}.",
            got=word[:60],
        )
    return name.strip("[]")
