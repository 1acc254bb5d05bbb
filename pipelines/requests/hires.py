"""The second pass of a picture, at a larger size (A1111's "hires fix"): which size, how many steps, as a request."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol, TypeVar, cast

from pipelines.errors import BadRequest
from pipelines.models.addons import files

LARGEST_SCALE = 4
SIDE_STEP = 16
OWN_UPSCALERS = ("latent", "ours", "lanczos")
MOST_LEVELS = 1000
"""Noise levels of a path that the second pass walks the end of; a trained network knows no more."""


class TwoPasses(Protocol):
    """The fields of a request that decide its second pass."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def image(self) -> str: ...
    @property
    def num_inference_steps(self) -> int: ...
    @property
    def hires_scale(self) -> float: ...
    @property
    def hires_steps(self) -> int: ...
    @property
    def hires_strength(self) -> float: ...


R = TypeVar("R", bound=TwoPasses)


def upscalers() -> tuple[str, ...]:
    """What can enlarge between the passes: what we have, and what lies in the folder of upscalers."""
    return (*OWN_UPSCALERS, *(name for name in files.installed(files.UPSCALER) if name not in OWN_UPSCALERS))


def is_upscaler(name: str) -> bool:
    """Whether it is one of `upscalers()`."""
    return name in OWN_UPSCALERS or files.is_installed(files.UPSCALER, name)


def wanted(request: TwoPasses) -> bool:
    return request.hires_scale > 1


def size(request: TwoPasses) -> tuple[int, int]:
    """Width and height of the second pass: the first's times the scale, to the nearest multiple of 16."""
    scaled = (side * request.hires_scale / SIDE_STEP for side in (request.width, request.height))
    width, height = (round(side) * SIDE_STEP for side in scaled)
    return width, height


def steps(request: TwoPasses) -> tuple[int, int]:
    """How many steps are walked, and of how many: as in A1111 all that are asked for, from the level that the strength
    names. A path of so many levels ends in just as many as are walked."""
    walked = request.hires_steps or request.num_inference_steps
    of = max(walked, round(walked / request.hires_strength))
    if of <= MOST_LEVELS:
        return walked, of
    return max(1, int(MOST_LEVELS * request.hires_strength)), MOST_LEVELS


def second(request: R) -> R:
    """The second pass as a request of its own. Its noise is the seed's at the larger size."""
    width, height = size(request)
    return dataclasses.replace(
        cast(Any, request),
        width=width,
        height=height,
        num_inference_steps=steps(request)[1],
        hires_scale=1.0,
        seed_resize_width=0,
        seed_resize_height=0,
    )


def pixel_steps(request: TwoPasses) -> int:
    """What the second pass costs, in pixels x pictures x steps; 0 without one."""
    if not wanted(request):
        return 0
    width, height = size(request)
    return width * height * request.count * steps(request)[0]


def check(request: TwoPasses, largest_side: int) -> None:
    if not wanted(request):
        return
    if request.image:
        raise BadRequest(
            "hires_scale is for pictures made from noise; got {hires_scale:g} and a start picture. Set "
            "hires_scale to 1, or drop the start picture.",
            hires_scale=request.hires_scale,
        )
    width, height = size(request)
    if max(width, height) > largest_side:
        raise BadRequest(
            "hires_scale {hires_scale:g} of {width} x {height} is {new_width} x {new_height}; at most {most} a "
            "side. Choose a smaller scale or size.",
            hires_scale=request.hires_scale,
            width=request.width,
            height=request.height,
            new_width=width,
            new_height=height,
            most=largest_side,
        )
