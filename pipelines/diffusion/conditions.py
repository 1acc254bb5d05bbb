"""What the network is told in each step: the conditions of a prompt, their weights, and the one without a prompt.

All that is known about the form of a condition, named tensors of which one is a sequence, is here and in the Bundle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from pipelines import prompts
from pipelines.errors import BadRequest, Sentence

if TYPE_CHECKING:
    from pipelines.requests.text_to_image import TextToImageRequest

Condition = Mapping[str, Tensor]
"""What one picture's network is told besides x and t, by the network's own names; without a batch dimension."""
SEQUENCE = "encoder_hidden_states"
"""The prompt's embedding (L, D), which may be of several chunks."""
MOST_OF_A_RUN = 256
"""How many different texts the steps of one run may have; each is read by the text encoder once and kept."""


@dataclass(frozen=True)
class PictureContext:
    """What a network may be told of the picture besides its prompt: its size in pixels, the guidance scale; and how far
    from the end of a CLIP encoder its prompt is read, 1 being the usual place."""

    width: int
    height: int
    guidance_scale: float
    clip_skip: int = 1


@dataclass(frozen=True)
class Words:
    """A prompt as the network is told it, and how many tokens at its end were left out."""

    condition: Condition
    left_out: int = 0


class ReadsPrompts(Protocol):
    """A model, as far as prompts are concerned."""

    @property
    def most_tokens(self) -> int: ...
    def condition(
        self, sections: prompts.Sections, weighting: str, drawn: PictureContext, negative: bool = False
    ) -> Words: ...


@dataclass(frozen=True, eq=False)
class StepConditions:
    """The conditions of one step, each with its weight, and the unconditional one."""

    parts: tuple[tuple[Condition, float], ...]
    uncond: Condition
    empty: Condition | None = None  # of the empty prompt, which fills shorter ones up

    @property
    def single(self) -> bool:
        """Whether there is only one, so that it can be evaluated without the unconditional one."""
        return len(self.parts) == 1 and self.parts[0][1] == 1

    @property
    def tokens(self) -> int:
        """Positions that the network looks at for one picture in this step."""
        return self.rows * max(len(self.uncond[SEQUENCE]), *(len(cond[SEQUENCE]) for cond, _ in self.parts))

    @property
    def rows(self) -> int:
        """Evaluations of one picture in this step, the unconditional one included."""
        return 1 + len(self.parts)

    def alone(self, n: int) -> Condition:
        """The single condition for n pictures: each (n, ...)."""
        return _repeated(self.parts[0][0], n)

    def without(self, n: int) -> Condition:
        """The unconditional one for n pictures: each (n, ...)."""
        return _repeated(self.uncond, n)

    def all(self, n: int) -> Condition:
        """The unconditional one and all others for n pictures each: (rows * n, ...), made equally long."""
        told = [self.uncond, *(cond for cond, _ in self.parts)]
        length = max(len(one[SEQUENCE]) for one in told)
        filled = [one | {SEQUENCE: _filled_up(one[SEQUENCE], self.empty, length)} for one in map(dict, told)]
        return {name: torch.stack([one[name] for one in filled]).repeat_interleave(n, dim=0) for name in filled[0]}

    def apart(self, predictions: Tensor) -> tuple[Tensor, Tensor]:
        """What `all` gave -> (cond, uncond). Several conditions add up what each changes (arXiv:2206.01714)."""
        uncond, *conds = predictions.chunk(self.rows)
        if self.single:
            return conds[0], uncond
        changes = (weight * (cond - uncond) for cond, (_, weight) in zip(conds, self.parts, strict=True))
        return sum(changes, uncond), uncond


def _repeated(condition: Condition, n: int) -> Condition:
    return {name: told.expand(n, *told.shape) for name, told in condition.items()}


@dataclass(frozen=True, eq=False)
class Conditions:
    """What holds in each step of a run; the last entry goes on holding."""

    steps: tuple[StepConditions, ...]

    @classmethod
    def fixed(cls, cond: Condition, uncond: Condition) -> Conditions:
        """One condition from the first step to the last."""
        return cls((StepConditions(((cond, 1.0),), uncond),))

    def at(self, step: int) -> StepConditions:
        return self.steps[min(step, len(self.steps) - 1)]


@dataclass(frozen=True, eq=False)
class PromptPair:
    """A prompt and its negative as they were read, and how their weights act."""

    prompt: prompts.Prompt
    negative: prompts.Prompt
    weighting: str
    key: tuple[str, ...]
    """Equal for prompts that were written alike."""

    @classmethod
    def read(cls, prompt: str, negative: str, syntax: str = "a1111", emphasis: str = "original") -> PromptPair:
        weighting = "interpolate" if syntax == "comfyui" else emphasis
        key = (prompt, negative, syntax, weighting)
        return cls(prompts.parse(prompt, syntax), prompts.parse(negative, syntax, negative=True), weighting, key)

    @classmethod
    def of(cls, request: TextToImageRequest) -> PromptPair:
        return cls.read(request.prompt, request.negative_prompt, request.prompt_syntax, request.emphasis)

    def conditions(
        self, model: ReadsPrompts, steps: int, drawn: PictureContext, before: int = 0
    ) -> tuple[Conditions, tuple[str, ...]]:
        """What holds in each of the steps, which may follow `before` of an earlier pass, and notes of what the model
        could not be told."""
        states = list(zip(self.prompt.states(steps, before), self.negative.states(steps, before), strict=True))
        if len({said for both in states for side in both for said in side}) > MOST_OF_A_RUN:
            raise BadRequest(
                "the prompt changes more than {most} times in {steps} steps. Shorten it.",
                most=MOST_OF_A_RUN,
                steps=steps,
            )
        reader = _Reader(model, self.weighting, drawn)
        told = tuple(reader.step_conditions(said, negative) for said, negative in states)
        return Conditions(told), tuple(self._notes(reader))

    def _notes(self, reader: _Reader) -> Iterator[str]:
        for name, left_out in (("prompt", reader.left_out), ("negative_prompt", reader.negative_left_out)):
            if left_out:
                yield Sentence(
                    "The {name} is longer than the {most} tokens that are read; {left_out} were left out.",
                    name=name,
                    most=reader.most,
                    left_out=left_out,
                )
        if self.negative.loras:
            yield Sentence("LoRAs belong into the prompt; those in negative_prompt were not used.")
        for lora in self.prompt.loras:
            if lora.left_out:
                yield Sentence(
                    "The LoRA {name} was used without the options {options}, which are not known here.",
                    name=lora.name[:60],
                    options=lora.left_out[:80],
                )
        for network in (*self.prompt.unknown, *self.negative.unknown):
            yield Sentence("{name} was not used: hypernetworks are not supported.", name=network[:60])


class _Reader:
    """Reads each distinct text once."""

    def __init__(self, model: ReadsPrompts, weighting: str, drawn: PictureContext) -> None:
        self._model, self._weighting, self._drawn = model, weighting, drawn
        self._known: dict[tuple[prompts.Sections, bool], Words] = {}
        self._empty = self._read(prompts.plain("")).condition
        self.left_out = self.negative_left_out = 0
        self.most = model.most_tokens

    def step_conditions(
        self, said: tuple[prompts.WeightedText, ...], negative: tuple[prompts.WeightedText, ...]
    ) -> StepConditions:
        parts = []
        for one in said:
            words = self._read(one.sections)
            parts.append((words.condition, one.weight))
            self.left_out = max(self.left_out, words.left_out)
        avoided = self._read(negative[0].sections, negative=True)
        self.negative_left_out = max(self.negative_left_out, avoided.left_out)
        return StepConditions(tuple(parts), avoided.condition, self._empty)

    def _read(self, sections: prompts.Sections, negative: bool = False) -> Words:
        if (sections, negative) not in self._known:
            words = self._model.condition(sections, self._weighting, self._drawn, negative)
            self._known[sections, negative] = words
        return self._known[sections, negative]


def _filled_up(cond: Tensor, empty: Condition | None, length: int) -> Tensor:
    """(L, D) with whole empty chunks behind it, as many as `length` asks for."""
    if len(cond) == length or empty is None:
        return cond
    chunk = empty[SEQUENCE]
    return torch.cat([cond, chunk.repeat((length - len(cond)) // len(chunk), 1)])
