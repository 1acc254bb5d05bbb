"""A picture that goes on from a step of another one: which picture, which step, and how much of its noise is new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import BadRequest
from pipelines.params import Part, Picture, Range, Request, Text, param
from pipelines.theory.trajectory import Trajectory

PICTURES = ("branch_from", "branch_paint", "branch_mask")
"""The fields that name one; a pass without a branch has none of them."""
MOST_ANCESTORS = 32
"""Branches of branches whose steps are painted anew, one after the other."""


@dataclass(frozen=True, eq=False)
class Parent:
    """A picture that is branched from or made again: what painted it, with all that it needs itself; the hash of the
    model that did, "" where nobody knows; its steps, where they are still in memory; its recipe and the digest of its
    pixels; these, uint8 (H, W, 3), for who shows them."""

    request: Request
    model_hash: str = ""
    trajectory: Trajectory | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""
    image: NDArray[np.uint8] | None = None

    @property
    def steps_done(self) -> int | None:
        """Of a picture that was stopped early; None for others."""
        stopped = self.recipe.get("unfinished")
        done = stopped.get("step") if isinstance(stopped, dict) else None
        return done if isinstance(done, int) and done > 0 else None


@dataclass(frozen=True)
class Descendant(Request):
    """A request that needs to know how a saved picture was made; `parent_id` says which one."""

    parent: Parent | None = field(default=None, compare=False, repr=False, kw_only=True)
    """Attached right before it runs."""

    def with_parent(self, parent: Parent) -> Self:
        return replace(self, parent=parent)


@dataclass(frozen=True)
class Branch(Part):
    """The picture and the step of it from which another turn is taken."""

    source: str = param(
        "",
        Text(64),
        "The id of the saved picture to go on from, at one of its steps; empty: none.",
        name="branch_from",
        infotext="Branch from",
        needs=("branch_from",),
    )
    step: int = param(
        0,
        Range(0, 150),
        "The step of that picture after which another turn is taken.",
        name="branch_step",
        infotext="Branch step",
        needs=("branch_from",),
    )
    noise: float = param(
        0.0,
        Range(0, 1),
        "How much of the noise that is left at that step is drawn anew, by the seed.",
        name="branch_noise",
        infotext="Branch noise",
        needs=("branch_from",),
    )
    paint: str = param(
        "",
        Picture(),
        "A picture that is laid over what the network guesses at that step, where branch_mask is white.",
        name="branch_paint",
        needs=("branch_from", "branch_paint"),
    )
    mask: str = param(
        "",
        Picture(),
        "Where branch_paint covers the guess: white does, black does not; empty: all over.",
        name="branch_mask",
        needs=("branch_from", "branch_mask"),
    )

    def __bool__(self) -> bool:
        return bool(self.source)

    def check(self) -> None:
        if self.source and not self.step:
            raise BadRequest("branch_from needs the step to branch from; got branch_step 0. Set it to 1 or more.")
        if (self.paint or self.mask) and not self.source:
            raise BadRequest(
                "branch_paint and branch_mask paint on a step of another picture; got no branch_from. Add it, or use "
                "image and mask_image to start from a picture."
            )
        if self.mask and not self.paint:
            raise BadRequest("branch_mask needs the picture that it lets through; got no branch_paint. Add it.")

    def check_step(self, most: int) -> None:
        """Raises BadRequest where the picture cannot be branched at this step, but up to `most`."""
        if most < 1:
            raise BadRequest("a picture of one step has none to branch from. Choose another picture.")
        if self.step > most:
            raise BadRequest(
                "branch_step must be 1 to {most} for this picture; got {got}. Choose an earlier step.",
                most=most,
                got=self.step,
            )
