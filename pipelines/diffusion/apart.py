"""Pictures of one run that have prompts of their own, because their seeds chose different words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

from pipelines.diffusion.conditions import Conditions, PictureContext, PromptPair
from pipelines.diffusion.denoiser import Denoiser
from pipelines.errors import BadRequest

if TYPE_CHECKING:
    from pipelines.diffusion.bundle import Bundle

MOST_TOKENS = 2**16  # of all pictures in one step: 200 MB of embeddings for a text encoder of width 768


@dataclass(frozen=True, eq=False)
class Apart:
    """A denoiser over n pictures that hands each its own, those with the same prompt together."""

    denoisers: tuple[tuple[tuple[int, ...], Denoiser], ...]

    @classmethod
    def of(
        cls,
        written: Sequence[PromptPair],
        model: Bundle,
        steps: int,
        drawn: PictureContext,
        bound: Callable[[Conditions], Denoiser],
        before: int = 0,
    ) -> tuple[Self, tuple[str, ...]]:
        """From the prompt of each picture, `before` steps of an earlier pass; also the notes of what the model could
        not be told."""
        groups: dict[tuple[str, ...], list[int]] = {}
        for i, one in enumerate(written):
            groups.setdefault(one.key, []).append(i)
        denoisers, notes, tokens = [], [], 0
        for rows in groups.values():
            conditions, said = written[rows[0]].conditions(model, steps, drawn, before)
            tokens += len(rows) * max(told.tokens for told in conditions.steps)
            denoisers.append((tuple(rows), bound(conditions)))
            notes += said
        if tokens > MOST_TOKENS:
            raise BadRequest(
                "{number} pictures of {tokens} tokens each in one step are too much; at most {most} together. "
                "Ask for fewer pictures or shorten the prompt.",
                number=len(written),
                tokens=tokens // len(written),
                most=MOST_TOKENS,
            )
        return cls(tuple(denoisers)), tuple(dict.fromkeys(notes))

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        if len(self.denoisers) == 1:
            return self.denoisers[0][1](x, sigma)
        x0_pred = torch.empty_like(x)
        for rows, denoiser in self.denoisers:
            x0_pred[list(rows)] = denoiser(x[list(rows)], sigma)
        return x0_pred

    def note(self, text: str) -> None:
        """What was done differently for all of them."""
        self.denoisers[0][1].note(text)

    @property
    def notes(self) -> list[str]:
        """What the worker had to do differently for any of them."""
        return list(dict.fromkeys(note for _, denoiser in self.denoisers for note in denoiser.notes))
