"""What may be asked of the families: fields and their bounds, before torch is loaded.

The page names these fields when it is built, seconds before the modules that answer could be imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines import families, libs
from pipelines.errors import BadRequest
from pipelines.families import Sampling
from pipelines.params import Choice, Picture, Range, Request, param
from pipelines.requests.limits import LARGEST_SHORT_SEED

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.device.manager import DeviceManager
    from pipelines.families.learning import Plan
    from pipelines.families.shelf import Shipped

ALL = -1
"""The label that asks for one of each class."""
LERP, SLERP = WAYS = ("lerp", "slerp")
GAMES = ("relativistic", "classic")
BOTH = "both"
TURNS = (BOTH, "discriminator", "generator")


def shipped() -> tuple[tuple[str, str], ...]:
    """(data, family) of every trained model that is here."""
    libs.torch()  # before the modules that import it at their top: through the one locked door
    from pipelines.families import shelf

    return shelf.available()


def data_names() -> tuple[str, ...]:
    """Data sets that shipped models were trained on."""
    return tuple(dict.fromkeys(data for data, _ in shipped()))


def learnable_names() -> tuple[str, ...]:
    """Data sets that are small enough to be learned while one watches."""
    libs.torch()
    from pipelines.data import sets

    return tuple(name for name in sets.names() if name != "icons")


@dataclass(frozen=True)
class FamilyRequest(Request):
    """Which data, which class, and how samples are to come about; a family leaves aside what it does not heed."""

    data: str = param("icons", Choice(data_names), "What the families were trained on.")
    label: int = param(ALL, Range(ALL, 9), "The class that is asked for; -1 asks for one of each.")
    num_inference_steps: int = param(20, Range(1, 100), "Steps of diffusion and of flow matching.")
    guidance_scale: float = param(1.0, Range(0, 8), "How far these two overdo the class; 1 is off, 0 ignores it.")
    temperature: float = param(1.0, Range(0, 1.5), "The deviation of z: truncation of a GAN, temperature of a flow.")
    seed: int = param(0, Range(0, LARGEST_SHORT_SEED), "Same seed, same base noise, of each family's own size.")

    def sampling(self) -> Sampling:
        return Sampling(self.num_inference_steps, self.guidance_scale, self.temperature)

    def labels(self, count: int) -> Tensor:
        """(count,): the class that is asked for, or each in turn."""
        torch = libs.torch()
        if self.label == ALL:
            from pipelines.data import sets

            return torch.arange(count) % sets.get(self.data).classes
        return torch.full((count,), self.label)


def check_family(family: str, data: str) -> None:
    """Raises BadRequest where no such model is shipped."""
    if (data, family) not in shipped():
        known = ", ".join(f for d, f in shipped() if d == data)
        raise BadRequest(
            "no {family!r} trained on {data!r} is shipped; there are {known}.", family=family, data=data, known=known
        )


def families_of(data: str) -> tuple[str, ...]:
    """In the order of the page."""
    return tuple(family for family in families.names() if (data, family) in shipped())


@dataclass(frozen=True)
class LatentsRequest(FamilyRequest):
    """A place on the square whose corners are the base noise of seed, seed + 1, seed + 2 and seed + 3."""

    family: str = param("gan", Choice(families.names), "Whose.")
    across: float = param(0.5, Range(0, 1), "From the left corners, 0, to the right ones, 1.")
    down: float = param(0.5, Range(0, 1), "From the upper corners, 0, to the lower ones, 1.")
    interpolation: str = param(SLERP, Choice(WAYS), "Straight, or along the sphere on which base noise lies.")
    label: int = param(0, Range(0, 9), "The class, the same everywhere on the square.")

    def check(self) -> None:
        check_family(self.family, self.data)


@dataclass(frozen=True)
class ManifoldRequest(Request):
    """A place of the plane of z, by the share of base noise to its left and above it."""

    label: int = param(0, Range(0, 9), "The digit.")
    across: float = param(0.5, Range(0, 1), "From the left, 0, to the right, 1.")
    down: float = param(0.5, Range(0, 1), "From above, 0, to below, 1.")


@dataclass(frozen=True)
class RoundTripRequest(Request):
    """A picture: one's own, or one that no family was trained on."""

    data: str = param("icons", Choice(data_names), "What the families were trained on.")
    family: str = param("vae", Choice(families.names), "Which goes there and back.")
    image: str = param("", Picture(), "One's own picture; without one a held-out picture is taken.")
    index: int = param(0, Range(0, 299), "Which held-out picture.")
    label: int = param(-1, Range(-1, 9), "The class that the family is told; -1 takes the held-out picture's own.")

    def check(self) -> None:
        check_family(self.family, self.data)


@dataclass(frozen=True)
class FamilyTrainingRequest(Request):
    """Which family learns what, and how."""

    family: str = param("gan", Choice(families.names), "Which family learns.")
    data: str = param("gaussians", Choice(learnable_names), "What it learns: points in the plane, or digits.")
    training_steps: int = param(1500, Range(1, 20_000), "How many batches it learns from.")
    learning_rate: float = param(0.0, Range(0, 10), "Of Adam; 0 takes the family's own.")
    width: int = param(64, Range(8, 256, 8), "Of the networks' hidden layers.")
    generator_width: int = param(0, Range(0, 256), "Of a GAN's generator alone; 0 takes the same width.")
    game: str = param("relativistic", Choice(GAMES), "A GAN's loss: today's stable one, or the first GANs'.")
    only: str = param(BOTH, Choice(TURNS), "Of a GAN: which of the two learns alone for a while.")
    only_from: int = param(300, Range(0, 20_000), "The step from which it learns alone.")
    only_steps: int = param(200, Range(1, 20_000), "For how many steps.")
    latent: int = param(2, Range(1, 64), "Dimensions of z, of a GAN and a VAE.")
    beta: float = param(1.0, Range(0, 100), "How much a VAE's KL term weighs.")
    prior_couplings: int = param(0, Range(0, 16), "Of the flow that is a VAE's learned prior; 0 is N(0, I).")
    num_inference_steps: int = param(20, Range(1, 100), "Steps of diffusion and flow matching when they are shown.")
    seed: int = param(0, Range(0, LARGEST_SHORT_SEED), "Same seed, same training.")

    def check(self) -> None:
        if self.family == "vq" and self.data != "digits":
            raise BadRequest(
                "a vector-quantised autoencoder needs a grid of places, and points have none. Take digits."
            )

    def options(self) -> dict[str, Any]:
        """What the family's class takes of all this."""
        chosen: dict[str, dict[str, Any]] = {
            "gan": {"latent": self.latent, "generator_width": self.generator_width, "game": self.game},
            "vae": {"latent": self.latent, "beta": self.beta, "couplings": self.prior_couplings},
            "vq": {"grid": 4, "codes": 64, "prior_width": 48},
        }
        width = max(8, self.width // 32 * 8) if self.family == "vq" else self.width  # its layers are convolutions
        return {"width": width, **chosen.get(self.family, {})}

    def plan(self) -> Plan:
        libs.torch()
        from pipelines.families.learning import Plan

        batch = 256 if self.data != "digits" else 64
        only = self.only if self.family == "gan" and self.only != BOTH else ""
        return Plan(
            self.training_steps,
            batch,
            self.learning_rate or None,
            decay=0.99,
            seed=self.seed,
            only=only,
            only_from=self.only_from,
            only_steps=self.only_steps,
        )


@contextmanager
def lease(family: str, data: str, devices: DeviceManager) -> Iterator[Shipped]:
    """The trained model on the device, for the block's time."""
    libs.torch()  # before the modules that import it at their top: through the one locked door
    from pipelines.families import shelf

    with devices.lease(f"{data}-{family}", lambda: shelf.load(data, family)) as model:
        yield model
