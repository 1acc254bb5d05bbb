"""A picture's own digest: what its pixels are, whatever file they are in, so that it is known again anywhere."""

import hashlib

import numpy as np
from numpy.typing import NDArray

LENGTH = 32


def digest(image: NDArray[np.uint8]) -> str:
    """Of the colours of uint8 (H, W, 3 or 4), as hexadecimal digits."""
    height, width, _ = image.shape
    colours = np.ascontiguousarray(image[:, :, :3])
    return hashlib.sha256(f"{width}x{height} ".encode() + colours.tobytes()).hexdigest()[:LENGTH]
