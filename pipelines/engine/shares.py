"""What each client, and each address with however many clients, may have of the queue: places, turns and memory.

A client is an identity; identities can be invented, addresses hardly. So whatever a client is held to, its address is
held to as well, at a multiple that fits a class behind one address.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.engine import registry
from pipelines.engine.job import Job
from pipelines.errors import Busy

CLIENTS_OF_ADDRESS = 4
"""An address gets the turns of at most so many clients, whoever asks from there."""
LONG_SECONDS = 60.0
MOST_RUNNING = 16
TURN_SECONDS = 5.0
"""Who had so much more of the device's time than another comes after it, however few jobs that were."""


def place_of(job: Job) -> str:
    """What shares its bounds with others: the address, or the client itself where none is known."""
    return job.address or job.client


def learns(job: Job) -> bool:
    return job.generator in registry.TRAININGS


@dataclass(frozen=True)
class Places:
    """How many jobs run side by side on each of so many `lanes`: `at_once` of anybody, and `further` ones of clients
    none of whose jobs runs.

    Of the further ones those do not count that had LONG_SECONDS of the device's time: a few jobs that take an hour
    would else hold all places for it. They go on with their share, and there are never more than MOST_RUNNING.
    """

    at_once: int = 2
    further: int = 4
    lanes: int = 1

    def free_for(self, job: Job, running: Sequence[Job]) -> bool:
        crowded = job.most_beside is not None and len(running) > job.most_beside
        if crowded or self.held(job, running):
            return False
        if len(running) < self.lanes * self.at_once:
            return True
        own = any(other.client == job.client for other in running)
        here = sum(place_of(other) == place_of(job) for other in running)
        recent = sum(other.turn is None or other.turn.seconds < LONG_SECONDS for other in running)
        room = recent < self.lanes * (self.at_once + self.further) and len(running) < self.lanes * MOST_RUNNING
        return bool(self.further) and room and not own and here < CLIENTS_OF_ADDRESS

    def held(self, job: Job, running: Sequence[Job]) -> bool:
        """A training that waits for another one to end: trainings last minutes and never take all places. They learn
        on the processor, however many cards there are."""
        return learns(job) and sum(map(learns, running)) >= max(1, self.at_once - 1)


@dataclass(frozen=True)
class Shares:
    """The most jobs that wait and that are remembered. None: as many as fit.

    waiting  -- jobs that wait, of all; `welcome` of an address find room beyond it, up to twice as many in all
    finished -- finished jobs that are remembered, of all
    """

    waiting: int = 200
    waiting_of_client: int | None = 160
    waiting_of_address: int | None = None
    welcome: int = 4
    finished: int = 100
    finished_of_client: int | None = None

    def check(self, waiting: Sequence[Job], client: str, address: str) -> None:
        """Raise Busy if one more job of this client, from this address, has no room."""
        own = sum(job.client == client for job in waiting)
        here = sum(place_of(job) == (address or client) for job in waiting)
        if self.waiting_of_client is not None and own >= self.waiting_of_client:
            raise Busy(
                "{own} of your jobs wait, the most that one visitor may have. Try again when some are done.", own=own
            )
        if self.waiting_of_address is not None and here >= self.waiting_of_address:
            raise Busy("{here} jobs from your address wait, the most of one. Try again when some are done.", here=here)
        if len(waiting) < self.waiting:
            return
        places = {address or client, *(place_of(job) for job in waiting)}
        share = max(1, min(self.welcome, self.waiting // len(places)))
        if here >= share or len(waiting) >= 2 * self.waiting:
            raise Busy("The queue is full: {number} jobs wait. Try again when some are done.", number=len(waiting))

    def surplus(self, finished: Sequence[Job]) -> Job | None:
        """The finished job, of these from the oldest on, to be forgotten first; None while all fit.

        It is the oldest of the client that has the most, at the address that has the most: whoever has few keeps them.
        """
        if self.finished_of_client is not None:
            clients = Counter(job.client for job in finished)
            for job in finished:
                if clients[job.client] > self.finished_of_client:
                    return job
        return heaviest(finished, lambda job: 1) if len(finished) > self.finished else None


CLASSROOM = Shares(waiting_of_client=40, waiting_of_address=120, finished=500, finished_of_client=50)
"""Of a studio that others reach over the network."""


def heaviest(jobs: Sequence[Job], weight: Callable[[Job], int], among: Sequence[Job] | None = None) -> Job | None:
    """Of the client with the most weight, at the address with the most weight, the first job: one of `among`."""
    places: Counter[str] = Counter()
    clients: Counter[tuple[str, str]] = Counter()
    for job in jobs:
        places[place_of(job)] += weight(job)
        clients[place_of(job), job.client] += weight(job)
    candidates = [job for job in (jobs if among is None else among) if weight(job)]
    return max(
        candidates,
        key=lambda job: (places[place_of(job)], clients[place_of(job), job.client]),
        default=None,
    )


def _times(
    waiting: Sequence[Job], ahead: Callable[[str], float], seconds: Callable[[Job], float | None]
) -> dict[str, float]:
    """By job, how many seconds its client will be ahead when all of its own before it are done."""
    times: dict[str, float] = {}
    by_client = {job.client: ahead(job.client) for job in waiting}
    for job in waiting:
        times[job.id] = by_client[job.client]
        by_client[job.client] += seconds(job) or 0.0
    return times


class Turns:
    """When clients and addresses had their last turns. Only those with a job that waits or runs are remembered."""

    def __init__(self) -> None:
        self._turn = 0
        self._of_client: dict[str, int] = {}
        self._of_place: dict[str, deque[int]] = {}  # the latest ones, the oldest first

    def __len__(self) -> int:
        return len(self._of_client) + len(self._of_place)

    def take(self, job: Job) -> None:
        self._turn += 1
        self._of_client[job.client] = self._turn
        self._of_place.setdefault(place_of(job), deque(maxlen=CLIENTS_OF_ADDRESS)).append(self._turn)

    def forget_all_but(self, active: Sequence[Job]) -> None:
        clients, places = {job.client for job in active}, {place_of(job) for job in active}
        self._of_client = {client: turn for client, turn in self._of_client.items() if client in clients}
        self._of_place = {place: turns for place, turns in self._of_place.items() if place in places}

    def order(
        self,
        waiting: Sequence[Job],
        ahead: Callable[[str], float] = lambda client: 0.0,
        seconds: Callable[[Job], float | None] = lambda job: None,
    ) -> Sequence[Job]:
        """The order in which they will run: each client's first, then each client's second, and so on.

        But time comes before rounds: `ahead` says how many seconds more than others a client had, `seconds` what a job
        will take; whoever has and will have had TURN_SECONDS more by then goes later. In each round an address with n
        clients has n places, but no more than CLIENTS_OF_ADDRESS; and within a round goes first who has waited longest
        since the last turn, then who came first.
        """
        clients: dict[str, set[str]] = {}
        came: dict[str, int] = {}
        had: Counter[str] = Counter()
        rounds: dict[str, int] = {}  # of each job among its client's own
        for arrival, job in enumerate(waiting):
            clients.setdefault(place_of(job), set()).add(job.client)
            came.setdefault(job.client, arrival)
            rounds[job.id] = had[job.client]
            had[job.client] += 1
        weights = {place: min(len(there), CLIENTS_OF_ADDRESS) for place, there in clients.items()}
        times = _times(waiting, ahead, seconds)
        keys: dict[str, tuple[int, int, int, int, int]] = {}
        had_here: Counter[str] = Counter()
        own = {job.client: self._of_client.get(job.client, -1) for job in waiting}
        for job in sorted(waiting, key=lambda job: (rounds[job.id], own[job.client], came[job.client])):
            place = place_of(job)
            turn = max(rounds[job.id], had_here[place] // weights[place])
            last = max(own[job.client], self._last_of(place, weights[place]))
            keys[job.id] = (int(times[job.id] / TURN_SECONDS), turn, last, own[job.client], came[job.client])
            had_here[place] += 1
        return sorted(waiting, key=lambda job: keys[job.id])

    def _last_of(self, place: str, n: int) -> int:
        """The n-th last turn of an address where n clients wait."""
        here = self._of_place.get(place, ())
        return here[-n] if len(here) >= n else -1
