"""A picture to start from: under noise it takes the place of pure noise, and a mask may keep parts of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from pipelines import libs
from pipelines.errors import BadRequest

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.diffusion.bundle import Bundle
    from pipelines.diffusion.samplers import Denoiser
    from pipelines.requests import TextToImageRequest

WHITE = 128  # a mask's level from which on it says: paint here
FEATHER = 4  # pixels inside the mask over which the new picture fades in


@dataclass(frozen=True, eq=False)
class StartPicture:
    """A picture of the result's size, uint8 (H, W, 3), and its latents (C, h, w) in the network's own scale.

    `painted`, bool (H, W), is what a mask gives free to be painted anew; None gives everything free.
    """

    picture: NDArray[np.uint8]
    latents: Tensor
    painted: NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, request: TextToImageRequest, model: Bundle) -> StartPicture | None:
        """What the request says to start from; None for pure noise. Raises BadRequest, NotFound."""
        picture, mask = request.picture("image"), request.picture("mask_image")
        if picture is None:
            return None
        fit = fitted(picture, request.width, request.height)
        painted = None if mask is None else painted_part(mask, request.width, request.height)
        return cls(fit, model.encode_picture(fit), painted)

    def noised(self, noise: Tensor, sigma: float) -> Tensor:
        """The samplers' state at that noise level, one for each of the draws (n, C, h, w)."""
        return self.latents + sigma * noise

    def keeping(self, denoiser: Denoiser) -> Denoiser:
        """The denoiser with the picture itself as its guess wherever the mask keeps it.

        A sampler moves its state from x = x0 + sigma * eps towards the guess. Where that is the true x0, the state
        stays the picture under the very noise that it began with, less and less of it, and ends in the picture: the
        network always sees a true surrounding for what it paints. For deterministic samplers this equals putting the
        noised picture back after each step, as diffusers does it.
        """
        if self.painted is None:
            return denoiser
        free = libs.torch().from_numpy(pooled(self.painted, *self.latents.shape[1:])).to(self.latents.device)
        return lambda x, sigma: libs.torch().where(free, denoiser(x, sigma), self.latents)

    def finished(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A decoded picture (H, W, 3) put into this one through the mask: outside of it not one bit changes."""
        if self.painted is None:
            return picture
        share = feathered(self.painted)[..., None]  # (H, W, 1)
        mixed = self.picture + share * (picture.astype(np.float64) - self.picture)
        return mixed.round().astype(np.uint8)


def fitted(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Scaled until it covers width x height, then cut evenly on both sides of what is left over."""
    return np.array(ImageOps.fit(Image.fromarray(picture), (width, height), Image.Resampling.LANCZOS))


def painted_part(mask: NDArray[np.uint8], width: int, height: int) -> NDArray[np.bool_]:
    """A mask (H, W, 3), fitted as the picture is: True (height, width) wherever it is white in any point.

    Raises BadRequest for a mask without white in the part that is used.
    """
    white = Image.fromarray((mask.mean(axis=2) >= WHITE).astype(np.float32))
    share = ImageOps.fit(white, (width, height), Image.Resampling.BOX)
    painted = np.array(share).astype(np.bool_)
    if not painted.any():
        raise BadRequest("mask_image has nothing to paint: it is black all over. Make white what should change.")
    return painted


def pooled(painted: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    """The mask in latent pixels, (height, width): each is free as soon as one of its pixels is."""
    rows, columns = painted.shape[0] // height, painted.shape[1] // width
    return painted.reshape(height, rows, width, columns).max(axis=(1, 3))


def feathered(painted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How much of the new picture shows in each pixel, (H, W) in [0, 1]: none outside the mask, all in its middle.

    It rises from the mask's edge inwards over FEATHER pixels, or as far as the mask is thick there, so that a thin
    stroke shows too. The edge of the picture is no edge of the mask.
    """
    layer = Image.fromarray(painted.astype(np.uint8))
    depth = np.zeros(painted.shape, np.uint8)  # 0 outside, then 1, 2, ... FEATHER
    for _ in range(FEATHER):
        depth += np.asarray(layer)
        layer = layer.filter(ImageFilter.MinFilter(3))
    deepest = Image.fromarray(depth).filter(ImageFilter.MaxFilter(2 * FEATHER - 1))
    return depth / np.maximum(np.asarray(deepest), 1)
