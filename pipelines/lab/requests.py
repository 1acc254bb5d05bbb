"""What may be asked of the lab's experiments on points and digits: fields and their bounds, before torch is loaded.

The page names these fields when it is built, seconds before the modules that answer could be imported.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines import libs
from pipelines.errors import BadRequest
from pipelines.lab.schedule import ScheduleRequest
from pipelines.params import Choice, Curve, Flag, Range, Request, param
from pipelines.requests.choices import sampler_names, sigma_schedule_names
from pipelines.requests.limits import LARGEST_SHORT_SEED
from pipelines.theory.path import LOG_SIGMA_MAX
from pipelines.theory.reverse import VARIANCES

if TYPE_CHECKING:
    from pipelines.theory.ideal import Distribution

DRAWN = "drawn"
NO_LABEL = -1
FAR = 1000
ANCESTRAL, DDIM = SAMPLERS = ("ancestral", "ddim")
NETWORKS = ("fixed", "learned")
"""Of digits, by the variance of their reverse steps."""
IDEAL = "ideal"
MODELS = (*NETWORKS, IDEAL)
ALL = -1
"""The label that asks for one digit of each."""
DIGITS = "digits"
MOST_TERMS = 1000


def point_sets() -> tuple[str, ...]:
    libs.torch()  # before the module that imports it at its top: through the one locked door
    from pipelines.data import points

    return tuple(points.POINTS)


def data_names() -> tuple[str, ...]:
    return (*point_sets(), DRAWN)


def bounded_names() -> tuple[str, ...]:
    return (DIGITS, *point_sets())


def check_variance(model: str, variance: str) -> None:
    """Raises BadRequest where the model has no such variance."""
    if variance == "learned_range" and model != "learned":
        raise BadRequest("only the model 'learned' has a learned variance; got {got!r}. Take a fixed one.", got=model)


@dataclass(frozen=True)
class DataRequest(Request):
    """A distribution in the plane, and which class of it is wanted how strongly."""

    data: str = param("gaussians", Choice(data_names), "The distribution, or a drawing of one's own.")
    strokes: tuple = param((), Curve(2000), "The points (x, y) of a drawn distribution.")
    label: int = param(NO_LABEL, Range(NO_LABEL, 24), "The class that is asked for; -1 takes all of the data.")
    guidance_scale: float = param(1.0, Range(0, 10), "How far the class is overdone; 1 is off, 0 ignores it.")

    def check(self) -> None:
        distribution = self.distribution()
        from pipelines.data import points

        points.part_of(distribution, self.label)

    def distribution(self) -> Distribution:
        """Raises BadRequest."""
        torch = libs.torch()
        from pipelines.data import points

        if self.data == DRAWN:
            return points.drawn(torch.tensor(self.strokes, dtype=torch.float64).reshape(-1, 2))
        return points.get(self.data)


@dataclass(frozen=True)
class PointsRequest(DataRequest, ScheduleRequest):
    """A schedule, and how the points are taken back."""

    sampler: str = param("ddim", Choice(sampler_names), "How each step follows from the denoiser's guess.")
    num_inference_steps: int = param(20, Range(1, 200), "How many steps lead back.")
    sigma_schedule: str = param("path", Choice(sigma_schedule_names), "How the steps are spaced.")
    eta: float = param(0.0, Range(0, 1), "How much fresh noise DDIM adds at each step.")
    count: int = param(300, Range(1, 1000), "How many points.")
    seed: int = param(0, Range(0, LARGEST_SHORT_SEED), "Same seed, same points.")

    def check(self) -> None:
        DataRequest.check(self)
        ScheduleRequest.check(self)


@dataclass(frozen=True)
class PointsTrainingRequest(PointsRequest):
    """What to learn, by how many steps of which network; and how its samples are drawn."""

    num_train_timesteps: int = param(100, Range(10, 1000), "T, how many steps the process has.")
    training_steps: int = param(2000, Range(1, 20_000), "How many batches of 256 points are learned from.")
    learning_rate: float = param(2e-3, Range(1e-6, 10), "Of Adam; it falls along a half cosine.")
    width: int = param(128, Range(2, 512), "Of the network's three hidden layers.")

    def check(self) -> None:
        super().check()
        if self.label != NO_LABEL or self.guidance_scale != 1:
            raise BadRequest("the network trained here knows no classes. Set label to -1 and guidance_scale to 1.")


@dataclass(frozen=True)
class GuidanceRequest(DataRequest):
    """A place in the plane and its noise level."""

    x: float = param(0.0, Range(-FAR, FAR), "The place in the variance-preserving form, to the right.")
    y: float = param(0.0, Range(-FAR, FAR), "The place, upwards.")
    sigma: float = param(1.0, Range(1e-9, math.exp(LOG_SIGMA_MAX) * 1.001), "The noise level at which it lies.")


@dataclass(frozen=True)
class OrdersRequest(Request):
    """The data's deviation, and between which noise levels to walk; never to 0, where the logarithm ends."""

    deviation: float = param(0.5, Range(0.05, 5), "Of the Gaussian data.")
    sigma_max: float = param(10.0, Range(1, 100), "Where the walk begins.")
    sigma_min: float = param(0.1, Range(0.001, 0.9), "Where it ends.")


@dataclass(frozen=True)
class DigitsRequest(Request):
    """Which model draws which digits, and how it is sampled."""

    model: str = param("fixed", Choice(MODELS), "A network (its variance fixed or learned) or the ideal denoiser.")
    sampler: str = param(ANCESTRAL, Choice(SAMPLERS), "Draws from p(x_{t-1} | x_t), or the steps of DDIM.")
    variance: str = param("fixed_small", Choice(VARIANCES), "Of each reverse step; DDIM has its own.")
    eta: float = param(0.0, Range(0, 1), "How much fresh noise DDIM adds at each step; 1 is as much as fixed_small.")
    num_inference_steps: int = param(50, Range(1, 100), "How many of the 100 timesteps are visited.")
    guidance_scale: float = param(1.0, Range(0, 8), "How strongly the label is followed; 0 ignores it.")
    label: int = param(ALL, Range(ALL, 9), "The digit that is asked for; -1 asks for one of each.")
    clip_denoised: bool = param(True, Flag(), "Hold each guess of the clean picture within black and white.")
    shift: int = param(0, Range(-50, 50), "Tell the network a timestep that is so much off: what the mapping is for.")
    seed: int = param(0, Range(0, LARGEST_SHORT_SEED), "Same seed, same digits.")

    def check(self) -> None:
        check_variance(self.model, self.variance)


@dataclass(frozen=True)
class BoundRequest(ScheduleRequest):
    """Whose bound. The schedule is that of the points; the digits' networks have their own."""

    num_train_timesteps: int = param(100, Range(10, MOST_TERMS), "T, how many terms the bound has.")
    data: str = param(DIGITS, Choice(bounded_names), "Pictures of digits, or points with a known distribution.")
    model: str = param("learned", Choice(MODELS), "Of the digits; points always have their ideal denoiser.")
    variance: str = param("fixed_small", Choice(VARIANCES), "Of each reverse step.")
    seed: int = param(0, Range(0, LARGEST_SHORT_SEED), "Of the noise.")

    def check(self) -> None:
        super().check()
        check_variance(self.model if self.data == DIGITS else IDEAL, self.variance)
