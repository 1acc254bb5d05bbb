"""The tokens that open a shared studio, the pupils' and the owner's, and how guessing them is slowed down."""

import enum
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


class Role(enum.Enum):
    PUPIL = "pupil"
    OWNER = "owner"


def new_token() -> str:
    return secrets.token_urlsafe(24)


@dataclass
class _Record:
    tries: int = 0
    closed_until: float = 0.0


class Door:
    """Compares tokens in constant time; an address that keeps guessing waits 1, 2, 4, ... 10 seconds unheard.

    Only so many addresses are remembered, the latest ones, so that guessing from many fills no memory.
    Without an `owner_token` nobody comes in as the owner.
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.monotonic, owner_token: str = "") -> None:
        self._tokens = {Role.PUPIL: token.encode()} | ({Role.OWNER: owner_token.encode()} if owner_token else {})
        self._clock = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._passes = {role: _pass(value, role) for role, value in self._tokens.items()}
        self.pass_value = self._passes[Role.PUPIL]

    def pass_for(self, role: Role) -> str:
        """The cookie's value that stands for a token that was right."""
        return self._passes[role]

    def holder_of_pass(self, value: str) -> Role | None:
        """Who comes with that cookie; None if it was not handed out for one of the tokens."""
        return _matching(value, {role: known.encode() for role, known in self._passes.items()})

    def seconds_closed(self, address: str) -> float:
        """How long this address is not heard; 0 when it may try."""
        record = self._records.get(address)
        return max(0.0, record.closed_until - self._clock()) if record else 0.0

    def holder_of_token(self, token: str, address: str) -> Role | None:
        """Whose token it is, None if it is wrong. Ask only when `seconds_closed` is 0."""
        role = _matching(token, self._tokens)
        if role is not None:
            self._records.pop(address, None)
            return role
        record = self._records.setdefault(address, _Record())
        self._records.move_to_end(address)
        record.tries += 1
        if record.tries > FREE_TRIES:
            pause = min(LONGEST_PAUSE, 2.0 ** min(record.tries - FREE_TRIES - 1, 10))
            record.closed_until = self._clock() + pause
        while len(self._records) > REMEMBERED_ADDRESSES:
            self._records.popitem(last=False)
        return None

    def opens(self, token: str, address: str) -> bool:
        return self.holder_of_token(token, address) is not None


def _pass(token: bytes, role: Role) -> str:
    return hmac.new(token, f"aigc studio pass {role.value}".encode(), hashlib.sha256).hexdigest()


def _matching(given: str, known: dict[Role, bytes]) -> Role | None:
    said = given.encode(errors="replace")
    matches = [role for role, value in known.items() if hmac.compare_digest(said, value)]  # all of them, always
    return matches[0] if matches else None
