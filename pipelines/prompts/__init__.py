"""Prompts as artists write them: `parse(text, syntax)` gives what the text asks for, `prompt.at(step, steps)` what of
it holds in one step. Pure Python, in time linear in the text.

a1111    (x) [x] (x:1.3), BREAK, AND, [a:b:0.5], [a|b], <lora:name:0.8>
comfyui  (x) (x:1.3), where the innermost number counts; <lora:name:0.8>
plain    every character is itself

    parse("a (red:1.2) [cat:dog:0.5]").at(0, 20)   # a, (red:1.2), cat
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.errors import BadRequest, Sentence
from pipelines.prompts import editing, networks, weights
from pipelines.prompts.networks import Lora
from pipelines.prompts.steps import Steps
from pipelines.prompts.weights import Sections, Span

__all__ = ["SYNTAXES", "Lora", "Prompt", "WeightedText", "Sections", "Span", "escaped", "loras", "parse", "plain"]

SYNTAXES = ("a1111", "comfyui", "plain")
MOST_CHARACTERS = 10_000
"""How long a request's prompt may be. Reading takes linear time at any length; what bounds it is the text encoder."""
MOST_STEPS = 100_000
"""Pieces of text, brackets and what is between them, that all states of a prompt may have together."""
MOST_PARTS = 8  # each is one more row of the network in every step
_AND = re.compile(r"\bAND\b")
_PART_WEIGHT = re.compile(r"\s*[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*")


@dataclass(frozen=True)
class WeightedText:
    """One of the conditions that hold together in a step: its text, and its weight among the others."""

    sections: Sections
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Prompt:
    """A prompt that has been read: the parts between its ANDs, each with a weight, and the LoRAs that it names."""

    syntax: str
    parts: tuple[tuple[editing.Schedule, float], ...]
    loras: tuple[Lora, ...] = ()
    unknown: tuple[str, ...] = ()
    """Networks of kinds that are not LoRAs, as they were written."""

    def at(self, step: int, steps: int, before: int = 0) -> tuple[WeightedText, ...]:
        """What holds in step `step` (from 0) of `steps`, after `before` of an earlier pass. Steps that say the same
        give equal values."""
        return self._read(self._texts(step, steps, before))

    def states(self, steps: int, before: int = 0) -> Iterator[tuple[WeightedText, ...]]:
        """What holds in each of the steps; each state is read once. Raises BadRequest beyond MOST_STEPS."""
        work = Steps(
            MOST_STEPS,
            Sentence(
                "the prompt changes too often for its length: its steps have more than {most} words and brackets "
                "together. Shorten it, or let less of it change.",
                most=MOST_STEPS,
            ),
        )
        changes = any(text.changes for text, _ in self.parts)
        states: dict[tuple[str, ...], tuple[WeightedText, ...]] = {}
        for step in range(steps):
            texts = self._texts(step if changes else 0, steps, before)
            if texts not in states:
                states[texts] = self._read(texts, work)
            yield states[texts]

    def _texts(self, step: int, steps: int, before: int) -> tuple[str, ...]:
        return tuple(text.at(step, steps, before) for text, _ in self.parts)

    def _read(self, texts: tuple[str, ...], work: Steps | None = None) -> tuple[WeightedText, ...]:
        weighted = zip(texts, self.parts, strict=True)
        return tuple(WeightedText(weights.read(text, self.syntax, work), weight) for text, (_, weight) in weighted)


def parse(text: str, syntax: str = "a1111", negative: bool = False) -> Prompt:
    """Read a prompt. A negative one has no AND, as in A1111. Raises BadRequest for what cannot be meant."""
    if syntax not in SYNTAXES:
        raise BadRequest(
            "prompt_syntax must be one of {known}; got {got!r}.", known=", ".join(SYNTAXES), got=syntax[:40]
        )
    if syntax == "plain":
        return Prompt(syntax, ((editing.Schedule.fixed(text), 1.0),))
    text, loras, unknown = networks.taken_out(text, syntax)
    if syntax == "comfyui":
        parts = ((editing.Schedule.fixed(text), 1.0),)
    else:
        written = [(text, 1.0)] if negative else _parts(text)
        parts = tuple((editing.Schedule.read(one), weight) for one, weight in written)
    prompt = Prompt(syntax, parts, loras, unknown)
    prompt.at(0, 1)  # weights beyond bounds are refused now, not in the middle of a picture
    return prompt


def loras(text: str, syntax: str) -> tuple[Lora, ...]:
    """Those that the text names, without reading the rest of it. Raises BadRequest."""
    return () if syntax == "plain" else networks.taken_out(text, syntax)[1]


def plain(text: str) -> Sections:
    """A text without any grammar, as `Said.sections` holds it."""
    return weights.read(text, "plain")


def escaped(text: str) -> str:
    """The same words with every bracket a literal one."""
    return weights.escaped(text)


def _parts(text: str) -> list[tuple[str, float]]:
    """The texts between ANDs and their weights. Without an AND a colon at the end is no weight: `16:9` is a word."""
    texts = _AND.split(text)
    if len(texts) > MOST_PARTS:
        raise BadRequest(
            "a prompt may have at most {most} parts joined by AND; got {got}. Join some.",
            most=MOST_PARTS,
            got=len(texts),
        )
    return [(text, 1.0)] if len(texts) == 1 else [_weighted(one) for one in texts]


def _weighted(text: str) -> tuple[str, float]:
    words, colon, number = text.rpartition(":")
    if not colon or not _PART_WEIGHT.fullmatch(number):
        return text.strip(), 1.0
    weight = float(number)
    if not math.isfinite(weight) or abs(weight) > weights.LARGEST:
        raise weights.too_heavy(weight)
    return words.strip(), weight
