"""What small models answer with LoRAs beside them, and with the same changes merged into their weights."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion import loading
from pipelines.diffusion.addons import lora
from pipelines.diffusion.bundle import Bundle
from pipelines.diffusion.conditions import PictureContext
from pipelines.prompts import plain
from pipelines.requests.loras import Wanted
from tests import tiny, tiny_zoo

SIDE = 64
PROMPT = "a red circle"


def models_in(folder: Path, kinds: Iterable[str]) -> None:
    """Small models of these kinds, each in a folder of that name."""
    for kind in kinds:
        if kind == "sd":
            tiny.tiny_model(folder / kind)
        else:
            tiny_zoo.tiny_model(folder / kind, kind)


def load(home: Path, kind: str) -> Bundle:
    return loading.load(models.inspect(home / kind))


def with_loras(bundle: Bundle, wanted: list[Wanted]) -> Bundle:
    """The variant alone, which outlives what counted it."""
    devices = DeviceManager("cpu", threads=1)
    try:
        with lora.leased(wanted, bundle, devices) as loras:
            return loras.adapted(bundle)
    finally:
        devices.close()


def parts_of(bundle: Bundle) -> dict[str, Any]:
    names = ("unet", "transformer", "text_encoder", "text_encoder_2")
    parts = {name: bundle.part(name) for name in names if bundle.part(name) is not None}
    if bundle.info.architecture == "flux":
        parts.pop("text_encoder_2")  # T5, which has other names
    return parts


def answer(bundle: Bundle) -> torch.Tensor:
    """What the network says to one noisy picture with the prompt, which goes through the text encoders."""
    shape = bundle.latent_shape(SIDE, SIDE)
    network = bundle.network(shape)
    x = torch.randn(1, *shape, generator=torch.Generator().manual_seed(1))
    told = bundle.condition(plain(PROMPT), "original", PictureContext(SIDE, SIDE, 3.0)).condition
    with torch.inference_mode():
        return network(x, torch.tensor([500.0]), {name: tensor[None] for name, tensor in told.items()})


def close(a: torch.Tensor, b: torch.Tensor) -> bool:
    return float((a - b).abs().max()) <= 1e-5 * max(1.0, float(b.std()))
