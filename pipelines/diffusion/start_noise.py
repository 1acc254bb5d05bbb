"""The noise that a picture starts from, turned towards another seed's or taken from another size.

Only the start is varied; what stochastic samplers draw on the way stays the seed's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines import libs

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.diffusion.bundle import Bundle
    from pipelines.requests.text_to_image import TextToImageRequest

NEARLY_PARALLEL = 1e-4  # sine of the angle below which there is no arc to walk along


def varied(noise: Tensor, request: TextToImageRequest, model: Bundle) -> Tensor:
    """The plain noise (n, C, h, w) of a request's seeds as its variation and seed resize want it; itself without them.

    Each picture by itself and on the CPU, as the plain noise is drawn: neither its company nor the device matters.
    """
    width, height = request.seed_resize.width or request.width, request.seed_resize.height or request.height
    shape = model.latent_shape(width, height)
    strength = request.variation.strength
    if not strength and shape == noise.shape[1:]:
        return noise
    pictures = (_varied(plain, shape, *request.seeds(i), strength) for i, plain in enumerate(noise))
    return libs.torch().stack(list(pictures))


def _varied(plain: Tensor, shape: tuple[int, int, int], seed: int, other: int, strength: float) -> Tensor:
    noise = plain.cpu() if shape == plain.shape else _drawn(seed, shape)
    if strength:
        noise = slerp(noise, _drawn(other, shape), strength)
    return noise.to(plain.device) if shape == plain.shape else pasted(plain, noise.to(plain.device))


def _drawn(seed: int, shape: tuple[int, int, int]) -> Tensor:
    torch = libs.torch()
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))


def slerp(start: Tensor, end: Tensor, share: float) -> Tensor:
    """Along the arc from start (share 0) to end (share 1), so that what lies between is as long as noise is.

    A straight line would pass through noise of less than unit variance, which a model answers with a dull picture.
    """
    if share in (0, 1):
        return end if share else start
    torch = libs.torch()
    cosine = (start * end).sum() / (start.norm() * end.norm())
    angle = torch.acos(cosine.clamp(-1, 1))
    if angle.sin() < NEARLY_PARALLEL:
        return torch.lerp(start, end, share)
    return (torch.sin((1 - share) * angle) * start + torch.sin(share * angle) * end) / torch.sin(angle)


def pasted(plain: Tensor, noise: Tensor) -> Tensor:
    """`noise` (C, h, w) laid on the middle of `plain` (C, H, W); what lies beyond the edges is cut off."""
    result = plain.clone()
    (rows, from_rows), (columns, from_columns) = (
        _middle(of, size) for of, size in zip(plain.shape[1:], noise.shape[1:], strict=True)
    )
    result[:, rows, columns] = noise[:, from_rows, from_columns]
    return result


def _middle(outer: int, inner: int) -> tuple[slice, slice]:
    """Where the middles of two lengths lie on each other: in the outer one, in the inner one."""
    length, shift = min(outer, inner), (outer - inner) // 2
    return slice(max(shift, 0), max(shift, 0) + length), slice(max(-shift, 0), max(-shift, 0) + length)
