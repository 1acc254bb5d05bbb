"""Drawn examples that are used some times before others take their place: drawing costs a third of a training step.

Which examples a step uses is a function of the seed and the step. They come one after another, each drawn with dice of
its own; a step uses the next few of them and some of the latest before. A resumed run draws those again.
"""

import numpy as np
import torch
from torch import Tensor

from pipelines.data import compositions, corpus
from pipelines.data.compositions import Composition
from pipelines.learning.moments import Moment
from pipelines.training import autoencoder
from pipelines.training.autoencoder import PatchTransform

USES = 3
"""How often an example is used on average; each time with another caption and other noise."""
EXAMPLES = 6_000


class Pool:
    """The latest `EXAMPLES` compositions of one part of the steps, and their latents."""

    def __init__(self, transform: PatchTransform, examples: int = EXAMPLES) -> None:
        self._transform, self._most = transform, examples
        self._numbers = np.full(examples, -1)  # which example lies in each place
        self._made: list[tuple[Composition, str] | None] = [None] * examples
        self._latents = torch.empty(0)

    def draw(self, moment: Moment) -> tuple[Tensor, list[Composition], list[str]]:
        """(latents (batch, C, 8, 8), what they show, their kinds): new ones first, all new while the pool fills."""
        first, after = self._new(moment)
        earlier = max(0, after - self._most)
        others = moment.rng().integers(earlier, after, size=moment.batch - (after - first))
        numbers = np.concatenate([np.arange(first, after), others])
        self._fill(np.unique(numbers), moment)
        places = numbers % self._most
        chosen = [one for place in places if (one := self._made[place]) is not None]
        latents = self._latents[torch.from_numpy(places)].float()
        return latents, [one for one, _ in chosen], [kind for _, kind in chosen]

    def _new(self, moment: Moment) -> tuple[int, int]:
        """The numbers of the examples that this step is the first to use, from the first to before the second."""
        filling = -(-self._most // moment.batch)
        if moment.step < filling:
            return moment.step * moment.batch, (moment.step + 1) * moment.batch
        few = -(-moment.batch // USES)
        first = filling * moment.batch + (moment.step - filling) * few
        return first, first + few

    def _fill(self, numbers: np.ndarray, moment: Moment) -> None:
        """Draws those of them that are not there."""
        numbers = numbers[self._numbers[numbers % self._most] != numbers]
        if not len(numbers):
            return
        new = [corpus.composition(np.random.default_rng((moment.seed, moment.part, int(n)))) for n in numbers]
        pictures = autoencoder.to_tensor(np.stack([compositions.draw(one) for one, _ in new]))
        # one by one: a product's last bits depend on how many it is made for, and a resumed run makes others together
        latents = torch.cat([self._transform.encode(picture[None]) for picture in pictures])
        if not len(self._latents):
            self._latents = torch.empty(self._most, *latents.shape[1:], dtype=torch.float16)
        places = numbers % self._most
        for place, one in zip(places, new, strict=True):
            self._made[place] = one
        self._numbers[places] = numbers
        self._latents[torch.from_numpy(places)] = latents.half()
