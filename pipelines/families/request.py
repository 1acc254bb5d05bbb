"""What may be asked of a trained family: shared by the race, the latents and the round trip."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines import families, libs
from pipelines.data import sets
from pipelines.device.manager import DeviceManager
from pipelines.errors import BadRequest
from pipelines.families import Sampling, shelf
from pipelines.params import Choice, Range, Request, param
from pipelines.requests.limits import LARGEST_SHORT_SEED

if TYPE_CHECKING:
    from torch import Tensor

ALL = -1
"""The label that asks for one of each class."""


def data_names() -> tuple[str, ...]:
    """Data sets that shipped models were trained on."""
    return tuple(dict.fromkeys(data for data, _ in shelf.available()))


@dataclass(frozen=True)
class FamilyRequest(Request):
    """Which data, which class, and how samples are to come about; a family leaves aside what it does not heed."""

    data: str = param("icons", Choice(data_names), "What the families were trained on.")
    label: int = param(ALL, Range(ALL, 9), "The class that is asked for; -1 asks for one of each.")
    num_inference_steps: int = param(20, Range(1, 100), "Steps of diffusion and of flow matching.")
    guidance_scale: float = param(1.0, Range(0, 8), "How far these two overdo the class; 1 is without guidance.")
    temperature: float = param(1.0, Range(0, 1.5), "The deviation of z: truncation of a GAN, temperature of a flow.")
    seed: int = param(0, Range(0, LARGEST_SHORT_SEED), "Same seed, same base noise for every family.")

    def sampling(self) -> Sampling:
        return Sampling(self.num_inference_steps, self.guidance_scale, self.temperature)

    def labels(self, count: int) -> Tensor:
        """(count,): the class that is asked for, or each in turn."""
        torch = libs.torch()
        if self.label == ALL:
            return torch.arange(count) % sets.get(self.data).classes
        return torch.full((count,), self.label)


def check_family(family: str, data: str) -> None:
    """Raises BadRequest where no such model is shipped."""
    if (data, family) not in shelf.available():
        known = ", ".join(f for d, f in shelf.available() if d == data)
        raise BadRequest(
            "no {family!r} trained on {data!r} is shipped; there are {known}.", family=family, data=data, known=known
        )


def families_of(data: str) -> tuple[str, ...]:
    """In the order of the page."""
    return tuple(family for family in families.names() if (data, family) in shelf.available())


@contextmanager
def lease(family: str, data: str, devices: DeviceManager) -> Iterator[shelf.Shipped]:
    """The trained model on the device, for the block's time."""
    libs.torch()  # before the modules that import it at their top: through the one locked door
    with devices.lease(f"{data}-{family}", lambda: shelf.load(data, family)) as shipped:
        yield shipped
