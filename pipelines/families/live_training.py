"""Any family learns points or digits before your eyes, and may go wrong: the widths, the rate and beta are yours.

Each snapshot has samples from the same base noise, what the family itself thinks of every place, and how good it is.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipelines import libs
from pipelines.data import sets
from pipelines.events import Event, Loss, Progress, Snapshot, StopEarly, nothing_to_keep
from pipelines.families import Sampling
from pipelines.families.learning import Learner, base_noise
from pipelines.families.manifold import plane
from pipelines.families.measures import bits, distance, distance_of_data, modes, told_apart
from pipelines.families.pictures import pixels
from pipelines.families.request import FamilyTrainingRequest
from pipelines.learning.pace import SnapshotPace
from pipelines.store.film import sheet

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.device.manager import DeviceManager
    from pipelines.theory.ideal import Distribution

EVERY_STEPS = 20
"""Between two points of the loss curve."""
POINTS_SHOWN, DIGITS_SHOWN = 500, 40
REACH, PLACES = 2.6, 33
"""Half the side of the square that is asked about, and places to a side."""
MANIFOLD = 12
"""Pictures to a side of the manifold of a two-dimensional z."""


class FamilyTraining:
    """The generator of losses and snapshots. Stopped, it ends with what it has learned so far."""

    name = "family-training"
    request_type = FamilyTrainingRequest

    def stream(self, request: FamilyTrainingRequest, devices: DeviceManager) -> Iterator[Event]:
        request.check()
        yield Progress("loading")
        libs.torch()
        learner = Learner(request.family, sets.get(request.data), request.plan(), request.options())
        view, pace = View(request, learner), SnapshotPace()
        yield pace.take(view.snapshot)
        try:
            yield from lessons(learner, view, pace)
        except StopEarly:
            pass
        yield view.snapshot(last=True)
        yield nothing_to_keep()


def lessons(learner: Learner, view: View, pace: SnapshotPace) -> Iterator[Event]:
    """The training itself, between its first snapshot and its last."""
    recent: list[dict[str, float]] = []
    wanted = learner.plan.training_steps
    while learner.step < wanted:
        recent.append(learner.learn())
        if learner.step % EVERY_STEPS == 0:
            yield Loss(learner.step, _means(recent))
            yield Progress("training", learner.step, wanted)
            recent.clear()
        if pace.due() and learner.step < wanted:
            yield pace.take(view.snapshot)


def _means(recent: list[dict[str, float]]) -> dict[str, float]:
    """Of each loss that all of the recent steps had: a stage of the training may have just changed."""
    shared = set.intersection(*(set(losses) for losses in recent))
    return {name: sum(losses[name] for losses in recent) / len(recent) for name in sorted(shared)}


class View:
    """What is shown of a learner: always the same base noise, so that what moves is what was learned."""

    def __init__(self, request: FamilyTrainingRequest, learner: Learner) -> None:
        torch = libs.torch()
        self.learner, self.data = learner, sets.get(request.data)
        self.how = Sampling(request.num_inference_steps)
        count = POINTS_SHOWN if self.data.exact else DIGITS_SHOWN
        self.z = base_noise(learner.averaged, request.seed, count)
        self.labels = torch.arange(count) % self.data.classes if self.data.classes else torch.full((count,), -1)
        x, labels = self.data.held_out()
        self.held_out = (x[:count], labels[:count])
        self.band = distance_of_data(count, self.data.exact) if self.data.exact else []
        self.seconds = time.monotonic()

    def snapshot(self, last: bool = False) -> Snapshot:
        with libs.torch().no_grad():
            x = self._samples()
            values = self._points(x, self.data.exact) if self.data.exact else self._digits(x)
            values["figures"] |= bits(self.learner.averaged, self.data, self.held_out, last)
            if self.learner.family == "gan":
                values |= self._judged(x, values["figures"])
        values["seconds"] = round(time.monotonic() - self.seconds, 2)
        return Snapshot(self.learner.step, values)

    def _samples(self) -> Tensor:
        *_, state = self.learner.averaged.states(self.z, self.labels, self.how)
        return state.x

    def _points(self, x: Tensor, exact: Distribution) -> dict[str, Any]:
        real = self.held_out[0]
        return {
            "samples": _rounded(x),
            "real": _rounded(real),
            "thinks": self._thinks(),
            "reach": REACH,
            "figures": {"distance": distance(x, exact), "distance_of_data": self.band} | modes(x, exact),
        }

    def _digits(self, x: Tensor) -> dict[str, Any]:
        values: dict[str, Any] = {"sheet": sheet(pixels(x), columns=10)[None], "figures": {}}
        if (manifold := self._manifold()) is not None:
            values["manifold"] = manifold
        return values

    def _judged(self, x: Tensor, figures: dict[str, Any]) -> dict[str, Any]:
        """What the discriminator says of the samples and of as much held-out data; of pictures each one's score."""
        made, real = (self.learner.averaged.judge(*seen) for seen in ((x, self.labels), self.held_out))
        figures["told_apart"] = told_apart(real, made)
        if self.data.exact:
            return {}
        scores = {"made": [_figure(v) for v in made.tolist()], "real": [_figure(v) for v in real.tolist()]}
        return {"judged": scores, "real_sheet": sheet(pixels(self.held_out[0]), columns=10)[None]}

    def _thinks(self) -> list[list[float]] | None:
        """A GAN's discriminator or a flow's log-density over the square, row by row from above; None for the others."""
        torch = libs.torch()
        axis = torch.linspace(-REACH, REACH, PLACES)
        places = torch.cartesian_prod(-axis, axis).flip(1)  # (x, y), y falling from row to row
        nothing = torch.full((len(places),), -1)
        model = self.learner.averaged
        if self.learner.family == "gan":
            said = model.judge(places, nothing)
        elif self.learner.family == "flow":
            said = model.log_prob(places, nothing).clamp(min=-8)
        else:
            return None
        return [[_figure(v) for v in row] for row in said.view(PLACES, PLACES).tolist()]

    def _manifold(self) -> Any:
        """What lies at each place of a two-dimensional z, evenly by probability; of the class 3 where there are any."""
        torch = libs.torch()
        model = self.learner.averaged
        if model.z_shape != (2,):
            return None
        z = plane(MANIFOLD)
        *_, state = model.states(z, torch.full((len(z),), 3), self.how)
        return sheet(pixels(state.x), columns=MANIFOLD)[None]


def _rounded(x: Tensor) -> list[list[float]]:
    """Points within the square's wider surroundings, to three digits: a GAN may throw one anywhere."""
    return [[round(v, 3) for v in row] for row in x.clamp(-9, 9).nan_to_num(9.0).tolist()]


def _figure(value: float) -> float:
    return round(value, 3) if math.isfinite(value) else 0.0
