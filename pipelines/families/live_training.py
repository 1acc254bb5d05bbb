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
from pipelines.events import Event, Progress, Snapshot
from pipelines.families import Sampling
from pipelines.families.learning import base_noise, training_of
from pipelines.families.manifold import plane
from pipelines.families.measures import bits, distance, distance_of_data, modes, told_apart
from pipelines.families.pictures import pixels
from pipelines.families.request import FamilyTrainingRequest
from pipelines.learning import live
from pipelines.learning.pace import SnapshotPace
from pipelines.store.film import sheet

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.device.manager import DeviceManager
    from pipelines.learning.training import Training
    from pipelines.theory.ideal import Distribution

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
        training = training_of(request.family, sets.get(request.data), request.plan(), request.options())
        view, pace = View(request, training), SnapshotPace()
        yield pace.take(view.snapshot)
        yield from live.stream(training, view.snapshot, view.last_snapshot, pace)


class View:
    """What is shown of a training: always the same base noise, so that what moves is what was learned."""

    def __init__(self, request: FamilyTrainingRequest, training: Training) -> None:
        torch = libs.torch()
        self.training, self.data, self.family = training, sets.get(request.data), request.family
        self.model: Any = training.averaged
        self.how = Sampling(request.num_inference_steps)
        count = POINTS_SHOWN if self.data.exact else DIGITS_SHOWN
        self.z = base_noise(self.model, request.seed, count)
        self.labels = torch.arange(count) % self.data.classes if self.data.classes else torch.full((count,), -1)
        x, labels = self.data.held_out()
        self.held_out = (x[:count], labels[:count])
        self.band = distance_of_data(count, self.data.exact) if self.data.exact else []
        self.seconds = time.monotonic()

    def snapshot(self, last: bool = False) -> Snapshot:
        with libs.torch().no_grad():
            x = self._samples()
            values = self._points(x, self.data.exact) if self.data.exact else self._digits(x)
            values["figures"] |= bits(self.model, self.data, self.held_out, last)
            if self.family == "gan":
                values |= self._judged(x, values["figures"])
        values["seconds"] = round(time.monotonic() - self.seconds, 2)
        return Snapshot(self.training.step, values)

    def last_snapshot(self) -> Snapshot:
        return self.snapshot(last=True)

    def _samples(self) -> Tensor:
        *_, state = self.model.states(self.z, self.labels, self.how)
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
        made, real = (self.model.judge(*seen) for seen in ((x, self.labels), self.held_out))
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
        model = self.model
        if self.family == "gan":
            said = model.judge(places, nothing)
        elif self.family == "flow":
            said = model.log_prob(places, nothing).clamp(min=-8)
        else:
            return None
        return [[_figure(v) for v in row] for row in said.view(PLACES, PLACES).tolist()]

    def _manifold(self) -> Any:
        """What lies at each place of a two-dimensional z, evenly by probability; of the class 3 where there are any."""
        torch = libs.torch()
        model = self.model
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
