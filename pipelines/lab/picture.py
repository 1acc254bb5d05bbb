"""The picture that an experiment works on, and its latents in the embedded model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from pipelines import models
from pipelines.data.scenes import panda
from pipelines.device.manager import DeviceManager
from pipelines.diffusion.start import fitted
from pipelines.params import Request

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.diffusion.bundle import Bundle

SIDE = 128
"""Of the pictures that are shown, in pixels."""


def picture_of(request: Request) -> np.ndarray:
    """(SIDE, SIDE, 3) uint8: the middle square of the given one, a drawn scene where none is given."""
    given = request.picture("image")
    return panda() if given is None else fitted(given, SIDE, SIDE)


@contextmanager
def in_latents(request: Request, model: str, devices: DeviceManager) -> Iterator[tuple[Bundle, np.ndarray, Tensor]]:
    """The model of that name on its device, the request's picture at the model's own size, uint8 (H, W, 3), and its
    latents (C, h, w) in the network's scale."""
    from pipelines.diffusion.leases import lease

    info = models.inspect(models.find(model))
    with lease(info, devices) as bundle:
        side = models.native_size(info)
        source = fitted(picture_of(request), side, side)
        yield bundle, source, bundle.encode_picture(source)
