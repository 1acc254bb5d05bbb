"""A picture through an autoencoder of one's own: there and back, on the way to another; and what its prior gives."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pipelines import libs
from pipelines.data.scenes import panda
from pipelines.errors import BadRequest
from pipelines.families.latents import lerp, slerp
from pipelines.families.own.autoencoders import OwnVae, OwnVq
from pipelines.families.own.loading import lease
from pipelines.families.own.pictures import taken, to_pixels
from pipelines.families.own.request import OwnRequest
from pipelines.families.own.samples import own_noise
from pipelines.families.request import SLERP

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.device.manager import DeviceManager


def answer(request: OwnRequest, devices: DeviceManager) -> dict[str, Any]:
    """Pictures by name, and figures; see the three views below."""
    request.check()
    with lease(request.model, devices) as model, libs.torch().inference_mode():
        began = time.perf_counter()
        if isinstance(model, OwnVq):
            if request.view != "there-and-back":
                raise BadRequest("a vector-quantised autoencoder alone has no prior and no way between. Take another.")
            told = _with_codes(request, model)
        elif isinstance(model, OwnVae):
            told = {"there-and-back": _there_and_back, "between": _between, "prior": _prior}[request.view](
                request, model
            )
        else:
            raise BadRequest("this model is a diffusion: it takes no picture. Ask it for samples.")
        return {**told, "seconds": round(time.perf_counter() - began, 4)}


def _there_and_back(request: OwnRequest, model: OwnVae) -> dict[str, Any]:
    """`source`, `again`; `error`, root mean square on [-1, 1]; `deviation` of the latents, 1 where N(0, I) holds."""
    x = _given(request, model, "image")
    z = model.encode(x)
    return {**_compared(x, model.decode(z), z), "deviation": round(float(z.std()), 3)}


def _with_codes(request: OwnRequest, model: OwnVq) -> dict[str, Any]:
    """The same, and `codes`, the map with a colour for each code; `used` of `known` codes stand in it."""
    x = _given(request, model, "image")
    z = model.encode(x)
    codes = model.codes(z)
    told = _compared(x, model.decode(z), codes[:, None])
    return {
        **told,
        "codes": to_pixels(model.colours()[codes].permute(0, 3, 1, 2)),
        "used": len(codes.unique()),
        "known": len(model.codebook),
    }


def _compared(x: Tensor, again: Tensor, z: Tensor) -> dict[str, Any]:
    error = float((again - x).square().mean().sqrt())
    return {
        "source": to_pixels(x),
        "again": to_pixels(again),
        "error": error,
        "numbers": z[0].numel(),
        "of": x[0].numel(),
    }


def _between(request: OwnRequest, model: OwnVae) -> dict[str, Any]:
    """`between`: what lies at `share` of the way in the latents, and `faded`, the same share of plain pixels."""
    x = _given(request, model, "image")
    other = _given(request, model, "other") if request.other else x.flip(3)
    mix = slerp if request.interpolation == SLERP else lerp
    z = mix(model.encode(x), model.encode(other), request.share)
    return {"between": to_pixels(model.decode(z)), "faded": to_pixels(lerp(x, other, request.share))}


def _prior(request: OwnRequest, model: OwnVae) -> dict[str, Any]:
    """`prior`: pictures of z ~ N(0, temperature^2), which the autoencoder alone was hardly trained to make good."""
    side = _side(request, model)
    shape = (request.samples, *model.z_shape_of(side, side))
    z = own_noise(request.seed, request.samples)(libs.torch().zeros(shape, device=model.device))
    return {"prior": to_pixels(model.decode(z * request.temperature))}


def _given(request: OwnRequest, model: OwnVae | OwnVq, field: str) -> Tensor:
    side = _side(request, model)
    picture = request.picture(field)
    return taken(panda() if picture is None else picture, model.shape[0], side, side).to(model.device)


def _side(request: OwnRequest, model: OwnVae | OwnVq) -> int:
    """The side asked for, as a multiple of what the autoencoder makes of a pixel of its latents."""
    return max(1, request.size // model.factor) * model.factor
