"""A picture to start from: under noise it takes the place of pure noise, and a mask may keep parts of it."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipelines import libs
from pipelines.diffusion.canvas import box_around, cut, filled, put_back
from pipelines.errors import BadRequest
from pipelines.requests.limits import FEATHER

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.diffusion.bundle import Bundle
    from pipelines.requests.text_to_image import TextToImageRequest
    from pipelines.theory.path import NoisePath
    from pipelines.theory.samplers import Denoiser

WHITE = 128  # a mask's level from which on it says: paint here
ROWS = 256


@dataclass(frozen=True, eq=False)
class Cutout:
    """Where in a larger picture, uint8 (H, W, 3), the start picture was cut out: (left, top, right, bottom)."""

    whole: NDArray[np.uint8]
    painted: NDArray[np.bool_]
    level: NDArray[np.float64]
    box: tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class StartPicture:
    """A picture of the result's size, uint8 (H, W, 3), and its latents (C, h, w) in the network's own scale.

    `painted`, bool (H, W), is what a mask gives free to be painted anew; None gives everything free. `level`, float
    (H, W) in [0, 1], says how much of the new picture shows there, where the mask is softer than white. `border` is
    what of it lies beyond the picture and is painted from the first step on; the rest of the mask from `sigma_masked`
    on.
    `knows_mask`: the network sees the mask itself, and need not be held to the picture.
    """

    picture: NDArray[np.uint8]
    latents: Tensor
    painted: NDArray[np.bool_] | None = None
    level: NDArray[np.float64] | None = None
    border: NDArray[np.bool_] | None = None
    sigma_masked: float = math.inf
    knows_mask: bool = False
    blur: int = FEATHER
    noisy: bool = False
    cutout: Cutout | None = None

    @classmethod
    def of(cls, request: TextToImageRequest, model: Bundle) -> StartPicture | None:
        """What the request says to start from; None for pure noise. Raises BadRequest, NotFound."""
        picture, mask = request.picture("image"), request.picture("mask_image")
        if picture is None:
            return None
        around, cutout, border, level = request.border, None, None, None
        if request.inpainting.only_masked and mask is not None:
            fit, painted, cutout = cut_out(picture, mask, request)
        else:
            fit = fitted(picture, request.width, request.height)
            painted, level = (None, None) if mask is None else masked(mask, request.width, request.height)
        if around:
            border = around.around(np.zeros(fit.shape[:2], np.bool_), True)
            painted = border if painted is None else around.around(painted, True)
            level = None if level is None else around.around(level, 1.0)
            fit = around.extended(fit)
        start = cls(fit, model.encode_picture(fit), painted, level, border)
        start = replace(start, blur=request.inpainting.blur, cutout=cutout, knows_mask=model.paints_into_masks)
        return start if mask is None else start._with_fill(request.inpainting.fill, model)

    def _with_fill(self, fill: str, model: Bundle) -> StartPicture:
        """What is under the noise inside the mask, but not in the border, which has its own."""
        assert self.painted is not None
        masked = self.painted if self.border is None else self.painted & ~self.border
        if fill == "fill":
            return replace(self, latents=model.encode_picture(filled(self.picture, masked)))
        if fill == "nothing":
            free = self._tensor(pooled(masked, *self.latents.shape[1:]))
            return replace(self, latents=self.latents.masked_fill(free, 0))
        return replace(self, noisy=fill == "noise")

    def along(self, path: NoisePath, strength: float) -> tuple[StartPicture, NoisePath]:
        """The part of the path that is walked: as much as the strength says, all of it where a border is new."""
        walked = path.last(strength)
        if self.border is None:
            return self, walked
        return replace(self, sigma_masked=float(walked.sigmas[0])), path

    def noised(self, noise: Tensor, sigma: float) -> Tensor:
        """The samplers' state at that noise level, one for each of the draws (n, C, h, w)."""
        if not self.noisy:
            return self.latents + sigma * noise
        return libs.torch().where(self._tensor(self.free()), noise, self.latents) + sigma * noise

    def free(self, sigma: float = 0.0) -> NDArray[np.bool_]:
        """What is painted at that noise level, in latent pixels (h, w); `painted` must be there."""
        assert self.painted is not None
        only_border = self.border is not None and sigma > self.sigma_masked
        return pooled(self.border if only_border and self.border is not None else self.painted, *self.latents.shape[1:])

    def keeping(self, denoiser: Denoiser) -> Denoiser:
        """The denoiser with the picture itself as its guess wherever the mask keeps it.

        A sampler moves its state from x = x0 + sigma * eps towards the guess. Where that is the true x0, the state
        stays the picture under the very noise that it began with, less and less of it, and ends in the picture: the
        network always sees a true surrounding for what it paints. For deterministic samplers this equals putting the
        noised picture back after each step, as diffusers does it. Networks that know the mask are left alone, also as
        diffusers does it.
        """
        if self.painted is None or self.knows_mask:
            return denoiser
        where = libs.torch().where
        early, late = self._tensor(self.free(math.inf)), self._tensor(self.free())

        def kept(x: Tensor, sigma: float) -> Tensor:
            return where(early if sigma > self.sigma_masked else late, denoiser(x, sigma), self.latents)

        return kept

    def finished(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A decoded picture (H, W, 3) put into this one through the mask: outside of it not one bit changes."""
        if self.painted is None:
            return picture
        if self.cutout is None:
            return mixed(self.picture, picture, self.painted, self.blur, self.level)
        left, top, right, bottom = self.cutout.box
        part = Image.fromarray(picture).resize((right - left, bottom - top), Image.Resampling.LANCZOS)
        placed = put_back(self.cutout.whole, np.asarray(part), self.cutout.box)
        return mixed(self.cutout.whole, placed, self.cutout.painted, self.blur, self.cutout.level)

    def _tensor(self, mask: NDArray[np.bool_]) -> Tensor:
        return libs.torch().from_numpy(mask).to(self.latents.device)


def mixed(
    picture: NDArray[np.uint8],
    new: NDArray[np.uint8],
    painted: NDArray[np.bool_],
    blur: int,
    level: NDArray[np.float64] | None = None,
) -> NDArray[np.uint8]:
    """The new picture inside the mask, fading in from its edge over `blur` pixels, as much as the mask's level says;
    (H, W, 3)."""
    result, (depth, deepest) = picture.copy(), _depths(painted, blur)
    for top in range(0, len(picture), ROWS):  # in float64 all at once, a photo would take a gigabyte
        rows = slice(top, top + ROWS)
        share = (depth[rows] / deepest[rows] * (1.0 if level is None else level[rows]))[..., None]  # (ROWS, W, 1)
        result[rows] = (picture[rows] + share * (new[rows].astype(np.float64) - picture[rows])).round()
    return result


def cut_out(
    picture: NDArray[np.uint8], mask: NDArray[np.uint8], request: TextToImageRequest
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], Cutout]:
    """Only what lies around the mask, enlarged to the request's size (A1111's "Only masked"), and its mask."""
    height, width = picture.shape[:2]
    painted, level = masked(mask, width, height)
    box = box_around(painted, request.inpainting.padding, request.width, request.height)
    size = (request.width, request.height)
    part = Image.fromarray(cut(picture, box)).resize(size, Image.Resampling.LANCZOS)
    seen = Image.fromarray(cut(painted, box).astype(np.float32)).resize(size, Image.Resampling.BOX)
    return np.array(part), np.array(seen) > 0, Cutout(picture, painted, level, box)


def fitted(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Scaled until it covers width x height, then cut evenly on both sides of what is left over."""
    return np.array(ImageOps.fit(Image.fromarray(picture), (width, height), Image.Resampling.LANCZOS))


def painted_part(mask: NDArray[np.uint8], width: int, height: int, name: str = "mask_image") -> NDArray[np.bool_]:
    """A mask (H, W, 3), fitted as the picture is: True (height, width) wherever it is white in any point.

    Raises BadRequest, with the field's name, for a mask without white in the part that is used.
    """
    white = Image.fromarray((mask.mean(axis=2) >= WHITE).astype(np.float32))
    share = ImageOps.fit(white, (width, height), Image.Resampling.BOX)
    painted = np.array(share).astype(np.bool_)
    if not painted.any():
        raise BadRequest("{name} has nothing to paint: it is black all over. Make white what should change.", name=name)
    return painted


def masked(
    mask: NDArray[np.uint8], width: int, height: int, name: str = "mask_image"
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """`painted_part`, and how white the mask is there: 1 for white, 0.5 for the darkest grey that is painted."""
    painted = painted_part(mask, width, height, name)
    levels = mask.mean(axis=2)
    white = levels >= WHITE
    light, share = (
        np.array(ImageOps.fit(Image.fromarray(part.astype(np.float32)), (width, height), Image.Resampling.BOX))
        for part in (np.where(white, levels / 255, 0), white)
    )
    return painted, np.divide(light, share, out=np.zeros(share.shape), where=painted).clip(0, 1)


def pooled(painted: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    """The mask in latent pixels, (height, width): each is free as soon as one of its pixels is."""
    rows, columns = painted.shape[0] // height, painted.shape[1] // width
    return painted.reshape(height, rows, width, columns).max(axis=(1, 3))


def feathered(painted: NDArray[np.bool_], blur: int = FEATHER) -> NDArray[np.float64]:
    """How much of the new picture shows in each pixel, (H, W) in [0, 1]: none outside the mask, all in its middle.

    It rises from the mask's edge inwards over `blur` pixels, or as far as the mask is thick there, so that a thin
    stroke shows too. The edge of the picture is no edge of the mask.
    """
    depth, deepest = _depths(painted, blur)
    return depth / deepest


def _depths(painted: NDArray[np.bool_], blur: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """How far from the mask's edge each pixel is, 0 outside and `blur` at most, and the most of that nearby."""
    layer = painted.astype(np.uint8)
    depth = layer.copy()  # 0 outside, then 1, 2, ... blur
    for _ in range(blur - 1):
        layer = _over_neighbours(np.minimum, layer)
        depth += layer
    deepest = depth
    for _ in range(blur - 1):
        deepest = _over_neighbours(np.maximum, deepest)
    return depth, np.maximum(deepest, 1)


def _over_neighbours(choose: np.ufunc, levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The least or the greatest of each pixel and its eight neighbours, those beyond the edges left out."""
    for axis in (0, 1):
        padded = np.pad(levels, [(int(axis == i),) * 2 for i in (0, 1)], mode="edge")
        shifted = (np.take(padded, range(i, i + levels.shape[axis]), axis) for i in range(3))
        levels = functools.reduce(choose, shifted)
    return levels
