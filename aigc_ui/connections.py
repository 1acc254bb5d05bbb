"""Sockets within bounds: an idle one is closed, and one address's never take the places of others.

uvicorn answers 503 to everybody once enough sockets are open, and waits without end for a request that never comes.
Here a new connection beyond a bound takes the place of the one that has been idle longest, those first that never
came in; a connection in the middle of an answer is left alone.
"""

import asyncio
import enum
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from aigc_ui.addresses import network_of

DESCRIPTORS_FOR_OTHERS = 200
"""Open files that are left for models, pictures and child processes."""


@dataclass(frozen=True)
class Bounds:
    """The most connections, and how long they may keep a place without using it.

    total       -- of all
    of_address  -- of one address, be it a machine, an IPv6 network or a class behind one router
    strangers   -- of those that have not shown a token yet; the rest of `total` is kept for who has
    head        -- seconds in which a whole request head must come
    body        -- seconds in which `least_body` bytes of a body that is waited for must come
    reading     -- seconds in which a client must take something of an answer that waits for it
    """

    total: int = 900
    of_address: int = 900
    strangers: int = 900
    head: float = 10.0
    body: float = 30.0
    least_body: int = 1024
    reading: float = 120.0

    def within(self, descriptors: int) -> "Bounds":
        """The same where the process may only open so many files."""
        room = max(32, descriptors - DESCRIPTORS_FOR_OTHERS)
        if room >= self.total:
            return self
        of_address, strangers = self.of_address * room // self.total, self.strangers * room // self.total
        return replace(self, total=room, of_address=of_address, strangers=strangers)


ONE_PERSON = Bounds()
CLASSROOM = Bounds(of_address=300, strangers=700)


def open_file_limit() -> int:
    """The most files that this process may have open, raised as far as it may raise it."""
    if sys.platform == "win32":
        return sys.maxsize
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):  # macOS has a lower bound of its own
            pass
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


class Ledger:
    """All open connections. A proxy's address, which stands for everybody, is bounded by `total` alone."""

    def __init__(self, bounds: Bounds, is_proxy: Callable[[str], bool] = lambda address: False) -> None:
        self.bounds = bounds
        self._is_proxy = is_proxy
        self._by_address: dict[str, OrderedDict[Connection, None]] = {}  # who became idle first stands first
        self._strangers = 0
        self._total = 0

    def __len__(self) -> int:
        return self._total

    def enter(self, connection: "Connection") -> bool:
        """Counts a new connection; another one gives way where there is no room. False if none could."""
        bounds, here = self.bounds, self._by_address.get(connection.address, {})
        if not self._is_proxy(connection.address) and len(here) >= bounds.of_address:
            return self._make_room(here) and self._add(connection)
        if self._strangers >= bounds.strangers:
            return self._make_room(self._fullest(strangers_only=True), True) and self._add(connection)
        if self._total >= bounds.total:
            return self._make_room(self._fullest()) and self._add(connection)
        return self._add(connection)

    def leave(self, connection: "Connection") -> None:
        """May be said twice."""
        here = self._by_address.get(connection.address)
        if here is None or connection not in here:
            return
        del here[connection]
        if not here:
            del self._by_address[connection.address]
        self._total -= 1
        self._strangers -= not connection.admitted

    def admit(self, connection: "Connection") -> None:
        if not connection.admitted and connection in self._by_address.get(connection.address, {}):
            self._strangers -= 1

    def idle_again(self, connection: "Connection") -> None:
        here = self._by_address.get(connection.address, OrderedDict())
        if connection in here:
            here.move_to_end(connection)

    def _add(self, connection: "Connection") -> bool:
        self._by_address.setdefault(connection.address, OrderedDict())[connection] = None
        self._total += 1
        self._strangers += 1
        return True

    def _fullest(self, strangers_only: bool = False) -> "dict[Connection, None]":
        """The connections of the address that has the most."""

        def weight(here: "dict[Connection, None]") -> int:
            return sum(not one.admitted for one in here) if strangers_only else len(here)

        return max(self._by_address.values(), key=weight, default={})

    def _make_room(self, here: "dict[Connection, None]", strangers_only: bool = False) -> bool:
        """Closes the one of these that has been idle longest, a stranger before one who came in."""
        idle = [one for one in here if one.is_idle]
        strangers = [one for one in idle if not one.admitted]
        leaving = next(iter(strangers if strangers or strangers_only else idle), None)
        if leaving is None:
            return False
        self.leave(leaving)
        leaving.end()
        return True


def ledger(shared: bool, is_proxy: Callable[[str], bool] = lambda address: False) -> Ledger:
    """Of a studio for one person or, `shared`, for a room, within the files that this process may open."""
    bounds = CLASSROOM if shared else ONE_PERSON
    return Ledger(bounds.within(open_file_limit()), is_proxy)


class _Phase(enum.Enum):
    HEAD = "a request is waited for"
    BODY = "its body is waited for"
    ANSWER = "it is being answered"


class Connection(H11Protocol):
    """uvicorn's connection, with deadlines and a place in the ledger. The guard calls `admit`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        ledger: Ledger,
    ) -> None:
        super().__init__(config, server_state, app_state | {"connection": self}, _loop)
        self.address = ""
        self.admitted = False
        self._ledger = ledger
        self._phase: _Phase | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._body_bytes = 0

    @property
    def is_idle(self) -> bool:
        return self._now() is _Phase.HEAD

    def admit(self) -> None:
        self._ledger.admit(self)
        self.admitted = True

    def end(self) -> None:
        """Close now; what was not sent yet to a client that does not read is dropped."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.address = network_of(self.client[0]) if self.client else ""
        if not self._ledger.enter(self):
            transport.abort()
            return
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ledger.leave(self)
        for timer in (self._deadline, self._unread):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._phase is _Phase.BODY and self._now() is _Phase.BODY:
            self._body_bytes += len(data)
            if self._body_bytes < self._ledger.bounds.least_body:
                return
            self._phase = None  # enough came: the time begins anew
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._ledger.idle_again(self)
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(self._ledger.bounds.reading, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()

    def _now(self) -> _Phase:
        if self.cycle is None or self.cycle.response_complete:
            return _Phase.HEAD
        return _Phase.BODY if self.cycle.more_body else _Phase.ANSWER

    def _watch(self) -> None:
        """Sets the deadline of the phase that begins; within one it stays, so that a byte now and then wins nothing."""
        phase = self._now()
        if phase is self._phase:
            return
        self._phase, self._body_bytes = phase, 0
        if self._deadline is not None:
            self._deadline.cancel()
        bounds = self._ledger.bounds
        seconds = {_Phase.HEAD: bounds.head, _Phase.BODY: bounds.body}.get(phase)
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        phase = self._now()
        if phase is self._phase and not (phase is _Phase.BODY and self.flow.read_paused):
            self.end()
            return
        self._phase = None  # it is we who do not read on, or the body was complete in between
        self._watch()


def protocol(ledger: Ledger) -> type[asyncio.Protocol]:
    """The class that uvicorn makes a connection of, for this ledger."""

    class Bounded(Connection):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named, ledger=ledger)

    return Bounded
