"""One's own picture into base noise and back, by every family: what each can hold of it.

The VAE encodes, the flow inverts its layers, diffusion and flow matching go their way backwards, the vector-quantised
one writes it in tokens, and the GAN, which has no way back, searches.
"""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines import libs
from pipelines.data import sets
from pipelines.diffusion.start import fitted
from pipelines.families import Sampling
from pipelines.families.pictures import pixels
from pipelines.families.request import RoundTripRequest, lease

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.device.manager import DeviceManager

STEPS = 50
"""Of diffusion and flow matching on the way back; as many as on the way there."""


def answer(request: RoundTripRequest, devices: DeviceManager) -> dict[str, Any]:
    """`source` and `again`, pictures; `error`, root mean square on [-1, 1]; `z_length`, |z| / sqrt(d), 1 for noise.

    `error_in_double` is that of a flow in double precision: its inverse is exact, but where a picture is unlike all
    that it learned, z is so far out that single precision loses it on the way.
    """
    x, labels = given(request)
    with lease(request.family, request.data, devices) as shipped:
        model = shipped.model
        x, labels = x.to(shipped.device), labels.to(shipped.device)
        began = time.perf_counter()
        with libs.torch().no_grad():
            z = model.encode(x, labels)
            *_, last = model.states(z, labels, Sampling(steps=STEPS))
        seconds = time.perf_counter() - began
        exact = error_in_double(model, x, labels) if request.family == "flow" else None
    return {
        "source": pixels(x),
        "again": pixels(last.x),
        "error": float((last.x - x).square().mean().sqrt()),
        "error_in_double": exact,
        "largest": float((last.x - x).abs().max()),
        "z_length": round(float(z.square().mean().sqrt()), 3),
        "numbers": z[0].numel(),
        "of": x[0].numel(),
        "label": int(labels[0]),
        "seconds": round(seconds, 4),
    }


def error_in_double(flow: Any, x: Tensor, labels: Tensor) -> float:
    """The flow's own error, there and back, on the CPU in float64."""
    torch = libs.torch()
    x, labels = x.cpu().double(), labels.cpu()
    with torch.no_grad():
        model = copy.deepcopy(flow).cpu().double()
        again = model.inverse(model(x, labels)[0], labels)
    return float((again - x).square().mean().sqrt())


def given(request: RoundTripRequest) -> tuple[Tensor, Tensor]:
    """(1, *shape) in [-1, 1] and its label (1,)."""
    data = sets.get(request.data)
    own = request.picture("image")
    if own is None:
        held_out, labels = data.held_out()
        place = request.index % len(held_out)
        x, label = held_out[place : place + 1], int(labels[place])
    else:
        x, label = as_data(own, data.shape), 0
    label = label if request.label < 0 else request.label
    return x, libs.torch().tensor([label])


def as_data(picture: np.ndarray, shape: tuple[int, ...]) -> Tensor:
    """uint8 (H, W, 3) -> (1, *shape) in [-1, 1]; where there is one channel, dark is ink, which is 1."""
    channels, side, _ = shape
    small = fitted(picture, side, side).astype(np.float32)
    values = libs.torch().from_numpy(small).permute(2, 0, 1) / 127.5 - 1
    if channels == 1:
        values = -values.mean(0, keepdim=True)
    return values[None]
