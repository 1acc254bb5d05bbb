"""The token that opens a shared studio, and how guessing it is slowed down."""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FREE_TRIES = 3
LONGEST_PAUSE = 10.0
REMEMBERED_ADDRESSES = 1000


def new_token() -> str:
    return secrets.token_urlsafe(24)


@dataclass
class _Record:
    tries: int = 0
    closed_until: float = 0.0


class Door:
    """Compares tokens in constant time; an address that keeps guessing waits 1, 2, 4, ... 10 seconds unheard.

    Only so many addresses are remembered, the latest ones, so that guessing from many fills no memory.
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.monotonic):
        self._token = token.encode()
        self._clock = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self.pass_value = hmac.new(self._token, b"aigc studio pass", hashlib.sha256).hexdigest()

    def has_pass(self, value: str) -> bool:
        """Whether a cookie's value is the one that was handed out for the token."""
        return hmac.compare_digest(value.encode(errors="replace"), self.pass_value.encode())

    def seconds_closed(self, address: str) -> float:
        """How long this address is not heard; 0 when it may try."""
        record = self._records.get(address)
        return max(0.0, record.closed_until - self._clock()) if record else 0.0

    def opens(self, token: str, address: str) -> bool:
        """Whether the token is right. Ask only when `seconds_closed` is 0."""
        if hmac.compare_digest(token.encode(errors="replace"), self._token):
            self._records.pop(address, None)
            return True
        record = self._records.setdefault(address, _Record())
        self._records.move_to_end(address)
        record.tries += 1
        if record.tries > FREE_TRIES:
            pause = min(LONGEST_PAUSE, 2.0 ** min(record.tries - FREE_TRIES - 1, 10))
            record.closed_until = self._clock() + pause
        while len(self._records) > REMEMBERED_ADDRESSES:
            self._records.popitem(last=False)
        return False
