"""Who asks: in a shared studio the server gives each visitor an identity, which nobody can choose or guess.

A browser is known by a cookie that the studio signed; a program by its address together with the name that it declares
(X-AIGC-Client, or the user name of basic authentication), so that the same program comes back as the same visitor, and
no other machine can take its place. On one person's machine the declared name is the identity itself.
"""

import base64
import hashlib
import hmac
import logging
import os
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any

from aigc_ui.addresses import network_of
from pipelines.errors import BadRequest

CLIENT_COOKIE = "aigc_client"
CLIENT_HEADER = "x-aigc-client"
ADDRESS_HEADER = "x-aigc-address"
OWNER_HEADER = "x-aigc-owner"
OWN_HEADERS = (CLIENT_HEADER, ADDRESS_HEADER, OWNER_HEADER)
"""What the guard says to the app about the visitor; whatever a request brings under these names is replaced."""

_ID = re.compile(r"[\w-]{8,64}", re.ASCII)
_KEY_BYTES = 32
_KEY_FILE = "visitors.key"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Visitor:
    """`client` is whose jobs and pictures are theirs; `address` is what several of them may share.

    `owner`: came in with the owner's token.
    """

    client: str
    address: str = ""
    owner: bool = False

    def headers(self) -> list[tuple[bytes, bytes]]:
        values = (self.client, self.address, "1" if self.owner else "")
        return [
            (name.encode(), value.encode("latin-1", "replace")) for name, value in zip(OWN_HEADERS, values, strict=True)
        ]


def visitor_of(request: Any) -> Visitor:
    """Of a request that came through the guard, be it Starlette's or Gradio's."""
    said = request.headers
    return Visitor(said.get(CLIENT_HEADER) or "", said.get(ADDRESS_HEADER) or "", said.get(OWNER_HEADER) == "1")


class Visitors:
    """Gives and recognises identities. `signed`: only those that were given here count, as in a shared studio."""

    def __init__(self, key: bytes, signed: bool = False) -> None:
        self._key = key
        self._signed = signed

    def recognise(self, headers: Mapping[str, str], address: str, program: bool) -> tuple[str, str]:
        """(client, the cookie's value to set or ""). `program`: one that keeps no cookies. Raises BadRequest."""
        declared = headers.get(CLIENT_HEADER)
        if declared is not None:
            if not _ID.fullmatch(declared):
                raise BadRequest("X-AIGC-Client must be 8 to 64 letters, digits, - or _.")
            return (self._bound(f"declared {declared}", address) if self._signed else declared), ""
        if kept := self._of_cookie(cookie(headers, CLIENT_COOKIE)):
            return kept, ""
        if program:
            return self._bound(_description(headers), address), ""
        client = secrets.token_hex(16)
        return client, self.cookie_value(client)

    def cookie_value(self, client: str) -> str:
        return f"{client}.{self._tag(f'cookie {client}')}" if self._signed else client

    def _of_cookie(self, value: str) -> str:
        """The client whose cookie this is, "" if it is none of ours. A shared studio takes only what it signed."""
        client, _, tag = value.partition(".")
        if not _ID.fullmatch(client):
            return ""
        if not self._signed:
            return client
        ours = hmac.compare_digest(tag.encode(errors="replace"), self._tag(f"cookie {client}").encode())
        return client if ours else ""

    def _bound(self, description: str, address: str) -> str:
        return self._tag(f"program {network_of(address)} {description}")

    def _tag(self, text: str) -> str:
        return hmac.new(self._key, text.encode(errors="replace"), hashlib.sha256).hexdigest()[:32]


class Numbers:
    """A short number for each visitor, in the order in which they came; the longest unseen are forgotten."""

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._last = 0
        self._numbers: OrderedDict[str, int] = OrderedDict()

    def of(self, client: str) -> int:
        with self._lock:
            if client not in self._numbers:
                self._last += 1
                self._numbers[client] = self._last
            self._numbers.move_to_end(client)
            while len(self._numbers) > self._most:
                self._numbers.popitem(last=False)
            return self._numbers[client]


def kept_key(folder: Path) -> bytes:
    """The key that signs identities, kept in `folder` for its owner's eyes only, so that a restart knows everybody.

    Where it cannot be kept it holds until the studio ends.
    """
    path = folder / _KEY_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for _ in range(2):
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                key = _read_key(path)
                if len(key) == _KEY_BYTES:
                    return key
                path.unlink(missing_ok=True)  # cut off while it was written
                continue
            with os.fdopen(handle, "wb") as file:
                key = secrets.token_bytes(_KEY_BYTES)
                file.write(key)
            return key
    except OSError as error:
        log.warning("visitors will be strangers after a restart, as their key cannot be kept: %s", error.strerror)
    return secrets.token_bytes(_KEY_BYTES)


def cookie(headers: Mapping[str, str], name: str) -> str:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except CookieError:
        return ""
    return jar[name].value if name in jar else ""


def basic(headers: Mapping[str, str]) -> tuple[str, str]:
    """Name and password of basic authentication, empty where there is none."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return name, password


def _read_key(path: Path) -> bytes:
    """Of a regular file that nobody else put there as a link."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        return file.read(_KEY_BYTES + 1)


def _description(headers: Mapping[str, str]) -> str:
    """What tells programs at one address apart: their user name, else what they call themselves."""
    name, _ = basic(headers)
    return f"user {name}" if name else f"agent {headers.get('user-agent', '')}"
