"""The second pass of a picture, at a larger size (A1111's "hires fix"): which size, how many steps, by what."""

from dataclasses import dataclass

from pipelines.errors import Sentence
from pipelines.models.addons import files
from pipelines.params import Choice, Part, Range, param
from pipelines.requests.limits import check_pixels

LARGEST_SCALE = 4
SIDE_STEP = 16
OWN_UPSCALERS = ("latent", "ours", "lanczos")
MOST_LEVELS = 1000
"""Noise levels of a path that the second pass walks the end of; a trained network knows no more."""
_NEEDS = ("hires_scale",)


def upscalers() -> tuple[str, ...]:
    """What can enlarge between the passes: what we have, and what lies in the folder of upscalers."""
    return (*OWN_UPSCALERS, *files.installed(files.UPSCALER))


def known_upscaler(name: str) -> str | None:
    """What the one of `upscalers()` is called that the name can mean; None for none."""
    return name if name in OWN_UPSCALERS else files.resolve(files.UPSCALER, name)


SAME_SHAPE = 0.02  # how far the scales of both sides may lie apart, as sides are rounded to multiples of 8


@dataclass(frozen=True)
class SecondPass(Part):
    """Sizes are (width, height) of the first pass and, out of it, of the second."""

    scale: float = param(
        1.0,
        Range(1, LARGEST_SCALE),
        "Paints the picture once more at this many times its size; 1: no.",
        name="hires_scale",
        needs=_NEEDS,
    )
    steps: int = param(
        0,
        Range(0, 150),
        "Steps of the second pass; 0: as many as the first.",
        name="hires_steps",
        infotext="Hires steps",
        needs=_NEEDS,
    )
    strength: float = param(
        0.6,
        Range(0.05, 1),
        "How much of the enlarged picture the second pass makes anew.",
        name="hires_strength",
        needs=_NEEDS,
    )
    upscaler: str = param(
        "latent",
        Choice(upscalers, known_upscaler),
        "What enlarges the picture for the second pass.",
        name="hires_upscaler",
        needs=_NEEDS,
    )

    @property
    def wanted(self) -> bool:
        return self.scale > 1

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The first pass's size times the scale, to the nearest multiple of 16; itself without a second pass."""
        if not self.wanted:
            return width, height
        scaled = (side * self.scale / SIDE_STEP for side in (width, height))
        wide, high = (round(side) * SIDE_STEP for side in scaled)
        return wide, high

    def steps_of(self, first: int) -> tuple[int, int]:
        """How many steps are walked, and of how many: as in A1111 all that are asked for, from the level that the
        strength names. `first`: the first pass's. A path of so many levels ends in just as many as are walked."""
        walked = self.steps or first
        of = max(walked, round(walked / self.strength))
        if of <= MOST_LEVELS:
            return walked, of
        return max(1, int(MOST_LEVELS * self.strength)), MOST_LEVELS

    def pixel_steps(self, width: int, height: int, first: int) -> int:
        """What it costs for one picture, in pixels x steps; 0 without one."""
        if not self.wanted:
            return 0
        wide, high = self.size(width, height)
        return wide * high * self.steps_of(first)[0]

    def check_size(self, width: int, height: int) -> None:
        """Raises BadRequest where the second pass would be too large."""
        if self.wanted:
            check_pixels(*self.size(width, height), Sentence("Choose a smaller hires_scale or size."))


def scale_to(width: int, height: int, wide: int, high: int) -> float | None:
    """The scale that takes a picture to another tool's target size, in which a side of 0 follows the other; None where
    the target has another shape, so that no scale makes it."""
    scales = [new / old for new, old in ((wide, width), (high, height)) if new and old]
    return round(max(scales), 4) if scales and max(scales) - min(scales) < SAME_SHAPE else None
