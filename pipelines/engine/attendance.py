"""Which clients are there: when each that has something in the queue was last seen."""

import time
from collections.abc import Collection


class Attendance:
    """Only clients that `enter` are remembered, until they are forgotten; whoever is not is taken as gone."""

    def __init__(self) -> None:
        self._last_seen: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._last_seen)

    def enter(self, client: str) -> None:
        self._last_seen[client] = time.monotonic()

    def seen(self, client: str) -> bool:
        """The client is there now; whether it is one of those that are remembered."""
        known = client in self._last_seen
        if known:
            self.enter(client)
        return known

    def gone(self, client: str, seconds: float) -> bool:
        """Whether nothing was seen of it for so long."""
        return time.monotonic() - self._last_seen.get(client, float("-inf")) > seconds

    def forget_all_but(self, clients: Collection[str]) -> None:
        self._last_seen = {client: seen for client, seen in self._last_seen.items() if client in clients}
