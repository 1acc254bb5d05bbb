"""Whether a picture came out the same again, told from what two recipes recorded of its making."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.errors import Sentence

SETTINGS = ("studio", "torch", "diffusers", "device", "name", "dtype", "threads", "runtime", "model_hash")
_SHOWN = 80


@dataclass(frozen=True)
class Made:
    """What a recipe records: a digest for each step, and what the bits depend on by its name."""

    steps: tuple[str, ...]
    settings: dict[str, str]

    @classmethod
    def of(cls, recipe: Mapping[str, Any]) -> Made:
        """Of a recipe that may be a stranger's."""
        made = recipe.get("made")
        made = made if isinstance(made, dict) else {}
        steps = made.get("steps")
        words = steps.split() if isinstance(steps, str) else []
        said = {name: made.get(name) for name in SETTINGS} | {"model_hash": recipe.get("model_hash")}
        return cls(tuple(words), {n: str(v)[:_SHOWN] for n, v in said.items() if isinstance(v, str | int) and v != ""})

    def to_json(self) -> dict[str, str]:
        rest = {name: value for name, value in self.settings.items() if name != "model_hash"}
        return rest | {"steps": " ".join(self.steps)}


@dataclass(frozen=True)
class Comparison:
    """`parted`: the first step, from 1, after which the states differ, 0 for none; `compared` steps were on record.
    `pixels`: whether the pictures are the same, None where that says nothing."""

    compared: int
    parted: int
    pixels: bool | None
    differences: tuple[tuple[str, str, str], ...]

    @property
    def same(self) -> bool:
        return not self.parted and self.pixels is not False and bool(self.compared or self.pixels)

    def sentences(self) -> Iterator[Sentence]:
        if self.parted:
            yield Sentence(
                "The picture does not come out the same: it parted from the record in step {step} of {steps}.",
                step=self.parted,
                steps=self.compared,
            )
        elif self.compared and self.pixels is False:
            yield Sentence(
                "All {steps} steps are the same in every bit; what came after them, decoding or enlarging, is not.",
                steps=self.compared,
            )
        elif self.compared and self.pixels:
            yield Sentence("The picture comes out the same, in every bit of its {steps} steps.", steps=self.compared)
        elif self.compared:
            yield Sentence(
                "All {steps} recorded steps are the same in every bit; the picture was stopped or enlarged after them.",
                steps=self.compared,
            )
        elif self.pixels is not None:
            if self.pixels:
                yield Sentence("The steps are not on record; the picture has the same pixels.")
            else:
                yield Sentence("The steps are not on record; the picture has other pixels.")
        else:
            yield Sentence("Neither steps nor pixels of this picture are on record, so nothing can be compared.")
        yield from self._settings()

    def _settings(self) -> Iterator[Sentence]:
        if self.differences:
            told = ", ".join(f"{name}: {before} → {now}" for name, before, now in self.differences)
            yield Sentence("Recorded, and here: {differences}.", differences=told)
        elif not self.same:
            yield Sentence("Every setting on record is the same here.")


def compared(before: Mapping[str, Any], now: Mapping[str, Any], pixels: bool | None) -> Comparison:
    """Two recipes of one request. `pixels` as in Comparison."""
    one, other = Made.of(before), Made.of(now)
    steps = min(len(one.steps), len(other.steps))
    parted = next((i + 1 for i in range(steps) if one.steps[i] != other.steps[i]), 0)
    names = (name for name in SETTINGS if name in one.settings and name in other.settings)
    pairs = ((name, one.settings[name], other.settings[name]) for name in names)
    return Comparison(steps, parted, pixels, tuple(pair for pair in pairs if pair[1] != pair[2]))
