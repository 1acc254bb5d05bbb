"""Samples of one trained family, with every state on the way: nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines import families
from pipelines.events import Event, Frame, Progress, nothing_to_keep
from pipelines.families.pictures import pixels
from pipelines.families.race import start
from pipelines.families.request import FamilyRequest, check_family, lease
from pipelines.params import Choice, Range, param

if TYPE_CHECKING:
    from pipelines.device.manager import DeviceManager


@dataclass(frozen=True)
class SamplesRequest(FamilyRequest):
    """Which family, and how many samples."""

    family: str = param("diffusion", Choice(families.names), "Which one draws.")
    count: int = param(10, Range(1, 100), "How many samples.")

    def check(self) -> None:
        check_family(self.family, self.data)


class FamilySamples:
    """The generator of frames: uint8 (N, H, W, 3) of every state and of the guess in it."""

    name = "family"
    request_type = SamplesRequest

    def stream(self, request: SamplesRequest, devices: DeviceManager) -> Iterator[Event]:
        request.check()
        yield Progress("loading")
        with lease(request.family, request.data, devices) as shipped:
            runner = start(request, shipped, request.count)
            while runner.go():
                state, index = runner.seen[-1], len(runner.seen)
                yield Frame(index, index, 0.0, pixels(state.x), pixels(state.x0_pred))
        yield nothing_to_keep()
