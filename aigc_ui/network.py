"""Where the studio listens: the socket, its port, and the addresses by which others reach it."""

import errno
import ipaddress
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aigc_ui.addresses import is_loopback as is_loopback_address
from aigc_ui.guard import Hosts
from pipelines.errors import BadRequest, Busy

if TYPE_CHECKING:
    from aigc_ui.tls import Certificate

DEFAULT_PORT = 7860
TRIES = 10
LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"


def is_loopback(host: str) -> bool:
    return host == "localhost" or is_loopback_address(host)


def listen(host: str, port: int | None) -> socket.socket:
    """A listening socket. `port` None means the default one, or else one of the next few. Raises Busy, BadRequest."""
    if port is not None:
        return _listen_on(host, port)
    for candidate in range(DEFAULT_PORT, DEFAULT_PORT + TRIES):
        try:
            return _listen_on(host, candidate)
        except Busy:
            continue
    raise Busy(
        "Ports {first} to {last} are all in use. Close one of the programs there, or choose another with --port.",
        first=DEFAULT_PORT,
        last=DEFAULT_PORT + TRIES - 1,
    )


@dataclass(frozen=True)
class Reached:
    """How others reach the studio: under which names, through which proxies, and how it encrypts."""

    names: frozenset[str] = frozenset()
    proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    certificate: "Certificate | None" = None

    @property
    def from_elsewhere(self) -> bool:
        """Whether it is not for this machine alone, whatever it listens on."""
        return bool(self.names or self.proxies)


def hosts_for(host: str, more: frozenset[str] = frozenset()) -> Hosts:
    """The names by which a server on `host` may be addressed."""
    names = {"localhost", LOOPBACK, "::1", host.lower(), *more}
    if is_loopback(host):
        return Hosts(frozenset(names))
    machine = socket.gethostname().lower()
    names |= {machine, machine.partition(".")[0], machine.partition(".")[0] + ".local"}
    return Hosts(frozenset(names), any_address=True)


def addresses(host: str, port: int, token: str | None, reached: Reached | None = None) -> list[str]:
    """What to type into a browser, the best first: on this machine, then from the network, then by its names."""
    reached = reached or Reached()
    hosts = [LOOPBACK, *_own_addresses()] if host in (EVERYWHERE, "::") else [host]
    tail = f"/?token={token}" if token else "/"
    scheme = "https" if reached.certificate else "http"
    direct = [f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}{tail}" for name in hosts]
    place = "" if reached.proxies else f":{port}"  # a proxy stands at the usual port, and encrypts
    outside = "https" if reached.proxies else scheme
    named = [f"{outside}://{f'[{n}]' if ':' in n else n}{place}{tail}" for n in sorted(reached.names)]
    return [*named, *direct] if reached.certificate else [*direct, *named]


def address_for_others(host: str, port: int, reached: Reached) -> str:
    """Where other machines find the studio, best by a name that was given to it; "" where none does."""
    there = [one for one in addresses(host, port, None, reached) if not is_loopback(urlsplit(one).hostname or "")]
    return next((one for one in there if urlsplit(one).hostname in reached.names), there[0] if there else "")


def _listen_on(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        raise BadRequest(
            "--host {host!r} is no address of this machine. Try {loopback} or --listen.",
            host=host[:60],
            loopback=LOOPBACK,
        ) from None
    # Said to be TCP, so that asyncio sets TCP_NODELAY: else every answer but the first of a connection is 40 ms late.
    server = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere this would let two programs share the port
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(address)
        server.listen(512)
    except OSError as problem:
        server.close()
        raise _explained(problem, host, port) from None
    server.setblocking(False)
    return server


def _explained(problem: OSError, host: str, port: int) -> Exception:
    if problem.errno == errno.EADDRINUSE:
        return Busy(
            "Port {port} is in use by another program, perhaps another AIGC Studio. Close it, or choose "
            "another: python app.py --port {other}",
            port=port,
            other=port + 1 if port < 65535 else DEFAULT_PORT,
        )
    if problem.errno == errno.EACCES:
        return BadRequest(
            "Port {port} needs rights that this account lacks. Choose one above 1023 with --port.", port=port
        )
    return BadRequest(
        "--host {host!r} is no address of this machine. Try {loopback} or --listen.", host=host[:60], loopback=LOOPBACK
    )


def _own_addresses() -> list[str]:
    """This machine's address in the network, as the system would choose it to reach others; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:  # no network
            return []
        found = probe.getsockname()[0]
    return [] if is_loopback(found) else [found]
