"""Drawn examples that are used some times before others take their place: drawing costs a third of a training step."""

import numpy as np
import torch
from torch import Tensor

from pipelines.data import compositions, corpus
from pipelines.data.compositions import Composition
from pipelines.training import autoencoder
from pipelines.training.autoencoder import PatchTransform

USES = 3
"""How often an example is used on average; each time with another caption and other noise."""
EXAMPLES = 6_000


class Pool:
    """`EXAMPLES` compositions and their latents; a share of them is drawn anew with every batch."""

    def __init__(self, transform: PatchTransform, rng: np.random.Generator, examples: int = EXAMPLES) -> None:
        self._transform, self._rng, self._most = transform, rng, examples
        self._made: list[tuple[Composition, str]] = []
        self._latents = torch.empty(0)

    def draw(self, count: int) -> tuple[Tensor, list[Composition], list[str]]:
        """(latents (count, C, 8, 8), what they show, their kinds): new ones first while the pool fills."""
        fresh = count if len(self._made) < self._most else -(-count // USES)
        places = self._add(fresh)
        others = self._rng.integers(len(self._made), size=count - fresh)
        chosen = np.concatenate([places, others])
        made = [self._made[i] for i in chosen]
        return self._latents[torch.from_numpy(chosen)].float(), [one for one, _ in made], [kind for _, kind in made]

    def _add(self, count: int) -> np.ndarray:
        """Where the new examples lie."""
        new = [corpus.composition(self._rng) for _ in range(count)]
        pictures = autoencoder.to_tensor(np.stack([compositions.draw(one) for one, _ in new]))
        latents = self._transform.encode(pictures)
        if not len(self._latents):
            self._latents = torch.empty(self._most, *latents.shape[1:], dtype=torch.float16)
        first = len(self._made)
        if first + count <= self._most:
            places = np.arange(first, first + count)
            self._made += new
        else:
            places = self._rng.choice(len(self._made), count, replace=False)
            for place, one in zip(places, new, strict=True):
                self._made[place] = one
        self._latents[torch.from_numpy(places)] = latents.half()
        return places
