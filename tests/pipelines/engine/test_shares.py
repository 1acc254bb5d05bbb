"""Shares of the queue: invented clients get no more than their address, and newcomers always find a place."""

from collections.abc import Sequence

import numpy as np
import pytest

from pipelines.engine import finished
from pipelines.engine.job import Job
from pipelines.engine.shares import CLASSROOM, CLIENTS_OF_ADDRESS, Shares, Turns, heaviest
from pipelines.errors import Busy
from pipelines.events import Frame
from pipelines.params import Request
from tests.pipelines.engine.test_jobs import Counting, Steps, make, over, wait  # noqa: F401

ATTACKER, PUPIL = "10.0.0.66", "10.0.0.7"


def job(client: str, address: str = "") -> Job:
    return Job("counting", Request(), client, address=address)


def invented(count: int, address: str = ATTACKER) -> list[Job]:
    return [job(f"invented-{address}-{i}", address) for i in range(count)]


def served(turns: Turns, waiting: Sequence[Job], most: int = 10_000) -> list[Job]:
    """In the order in which a studio that runs one job at a time takes them."""
    left, order = list(waiting), []
    while left and len(order) < most:
        first = turns.order(left)[0]
        left.remove(first)
        turns.take(first)
        turns.forget_all_but([*left, first])
        order.append(first)
    return order


def test_invented_clients_at_one_address_do_not_multiply_its_turns():
    turns = Turns()
    mine = [job("ada", PUPIL) for _ in range(10)]
    order = served(turns, [*invented(300), *mine], 60)
    places = [place for place, one in enumerate(order) if one.client == "ada"]
    assert len(places) == 10 and places[0] <= CLIENTS_OF_ADDRESS
    assert max(np.diff(places)) <= CLIENTS_OF_ADDRESS + 1


def test_clients_that_are_new_each_time_do_not_go_before_one_that_had_a_turn():
    turns = Turns()
    turns.take(job("ada", PUPIL))
    turns.take(job("old", ATTACKER))
    mine, left = job("ada", PUPIL), invented(20)
    for i in range(20):
        first = turns.order([*left, mine])[0]
        if first is mine:
            break
        turns.take(first)
        left.remove(first)
        left.append(job(f"newer-{i}", ATTACKER))
        turns.forget_all_but([*left, mine])
    assert i <= CLIENTS_OF_ADDRESS


def test_clients_behind_one_address_still_take_turns_among_themselves():
    waiting = [*(job("ada", PUPIL) for _ in range(5)), *(job("bob", PUPIL) for _ in range(2))]
    assert [one.client for one in served(Turns(), waiting)] == ["ada", "bob", "ada", "bob", "ada", "ada", "ada"]


def test_in_a_class_behind_one_address_nobody_waits_for_those_who_came_first():
    pupils = [f"pupil-{i}" for i in range(3 * CLIENTS_OF_ADDRESS)]
    order = served(Turns(), [job(name, PUPIL) for name in pupils for _ in range(5)])
    rounds = [[one.client for one in order[i : i + len(pupils)]] for i in range(0, len(order), len(pupils))]
    assert all(sorted(turn) == sorted(pupils) for turn in rounds)


def test_a_newcomer_finds_room_whatever_one_address_or_many_invented_clients_do():
    waiting: list[Job] = []
    for one in invented(1000):
        try:
            CLASSROOM.check(waiting, one.client, one.address)
            waiting.append(one)
        except Busy as busy:
            assert "your address" in str(busy)
    assert len(waiting) == CLASSROOM.waiting_of_address
    CLASSROOM.check(waiting, "ada", PUPIL)


def test_a_full_queue_keeps_room_for_every_further_address():
    waiting = [one for i in range(4) for one in invented(50, f"10.0.0.{i}")]
    for i in range(100):
        newcomer = job(f"pupil-{i}", f"10.0.1.{i}")
        CLASSROOM.check(waiting, newcomer.client, newcomer.address)
        waiting.append(newcomer)
    with pytest.raises(Busy, match="full"):
        CLASSROOM.check(waiting, "one-more", "10.0.0.1")


def test_one_visitor_has_a_bound_below_the_addresses():
    waiting = [job("ada", PUPIL) for _ in range(CLASSROOM.waiting_of_client or 0)]
    with pytest.raises(Busy, match="one visitor"):
        CLASSROOM.check(waiting, "ada", "10.0.0.9")
    CLASSROOM.check(waiting, "bob", PUPIL)


def test_on_one_persons_machine_no_program_takes_all_of_the_queue():
    waiting = [job("page", "127.0.0.1") for _ in range((Shares().waiting_of_client or 0) - 1)]
    Shares().check(waiting, "page", "127.0.0.1")
    waiting.append(job("page", "127.0.0.1"))
    with pytest.raises(Busy, match="160 of your jobs wait"):
        Shares().check(waiting, "page", "127.0.0.1")
    Shares().check(waiting, "program", "127.0.0.1")


def test_of_finished_jobs_each_client_keeps_its_own_newest(make):  # noqa: F811
    queue = make(Counting(), shares=Shares(waiting=1000, finished=10, finished_of_client=3))
    mine = queue.submit("counting", Steps("a", 1, 8), "ada", PUPIL)
    over(mine)
    own = [queue.submit("counting", Steps(f"{i}", 1, 8), "bob", "10.0.0.8") for i in range(5)]
    over(*own)
    strangers = [queue.submit("counting", Steps("x", 1, 8), f"invented-{i}", ATTACKER) for i in range(40)]
    over(*strangers)
    wait(lambda: not queue.stats()["running"])
    assert queue.get(mine.id) is mine, "others' many jobs do not push out the one of somebody else"
    assert len(queue.list("bob")) == 3 and own[-1] in queue.list("bob")
    assert len(queue.list()) == 10


def test_of_finished_frames_those_of_whoever_has_the_most_are_thinned(make, monkeypatch):  # noqa: F811
    monkeypatch.setattr(finished, "FINISHED_FRAME_BYTES", 700_000)
    queue = make(Counting())
    mine = queue.submit("counting", Steps("a", 8, 64), "ada", PUPIL)
    over(mine)
    many = [queue.submit("counting", Steps("x", 8, 64), f"invented-{i}", ATTACKER) for i in range(8)]
    over(*many)
    wait(lambda: not queue.stats()["running"])
    frames = [len([e for _, e in one.events() if isinstance(e, Frame)]) for one in (mine, *many)]
    assert frames[0] == max(frames) > min(frames[1:])


def test_what_is_left_of_finished_frames_is_bounded_too(make, monkeypatch):  # noqa: F811
    monkeypatch.setattr(finished, "FINISHED_FRAME_BYTES", 100_000)
    monkeypatch.setattr(finished, "MOST_FRAME_BYTES", 200_000)
    queue = make(Counting())
    mine = queue.submit("counting", Steps("a", 8, 64), "ada", PUPIL)
    over(mine)
    over(*(queue.submit("counting", Steps("x", 8, 64), f"invented-{i}", ATTACKER) for i in range(8)))
    wait(lambda: not queue.stats()["running"])
    assert queue.get(mine.id) is mine and sum(one.log.frame_bytes() for one in queue.list()) <= 200_000


def test_the_heaviest_is_the_oldest_of_who_has_the_most():
    jobs = [job("ada", PUPIL), *invented(3), job("eve", ATTACKER), job("eve", ATTACKER)]
    assert heaviest(jobs, lambda one: 1) is jobs[4]
    assert heaviest([], lambda one: 1) is None


def test_turns_remember_only_who_is_here():
    turns = Turns()
    for one in invented(100):
        turns.take(one)
    turns.forget_all_but([job("ada", PUPIL)])
    assert len(turns) == 0
