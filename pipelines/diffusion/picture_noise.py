"""Noise drawn for each picture by itself, so that its place in a batch and the device do not matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipelines import libs
from pipelines.requests.limits import LARGEST_SEED

if TYPE_CHECKING:
    from torch import Tensor

Place = tuple[int, int]
"""Where a picture's noise stands: the seed, and how many draws were made with it."""


class PictureNoise:
    """Standard normal draws (n, C, h, w), each picture from its own generator on the CPU."""

    def __init__(self, seeds: Sequence[int], shape: tuple[int, int, int], device: Any) -> None:
        self._shape, self.device = shape, device
        self._streams = [_Stream(seed, shape) for seed in seeds]

    def __call__(self) -> Tensor:
        return libs.torch().stack([stream.draw() for stream in self._streams]).to(self.device)

    def places(self) -> list[Place]:
        """Of each picture; `go_to` takes them."""
        return [(stream.seed, stream.drawn) for stream in self._streams]

    def go_to(self, places: Sequence[Place]) -> None:
        """Go on from there; a picture whose noise stands there already is left alone."""
        for i, (place, at) in enumerate(zip(places, self.places(), strict=True)):
            if place != at:
                self._streams[i] = _Stream(place[0], self._shape, place[1])

    def take_up(self, seeds: Sequence[int]) -> None:
        """Go on with these seeds: one that is drawn with already goes on, another one begins."""
        self.go_to([at if at[0] == _plain(seed) else (seed, 0) for seed, at in zip(seeds, self.places(), strict=True)])


class _Stream:
    def __init__(self, seed: int, shape: tuple[int, int, int], drawn: int = 0) -> None:
        torch = libs.torch()
        self.seed, self.drawn, self._shape = _plain(seed), 0, shape
        self._generator = torch.Generator("cpu").manual_seed(self.seed)
        for _ in range(drawn):
            self.draw()

    def draw(self) -> Tensor:
        torch = libs.torch()
        self.drawn += 1
        return torch.randn(self._shape, generator=self._generator, dtype=torch.float32)


def _plain(seed: int) -> int:
    return seed % (LARGEST_SEED + 1)
