"""What a ControlNet sees of a picture: the picture at the result's size, its edges, or its negative."""

import numpy as np
from numpy.typing import NDArray

from pipelines.diffusion.addons.canny import canny
from pipelines.diffusion.start import fitted
from pipelines.requests.control import ControlNet


def hint(unit: ControlNet, picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) -> uint8 (height, width, 3)."""
    picture = fitted(picture, width, height)
    if unit.type == "canny":
        return canny(picture, unit.low, unit.high)
    return 255 - picture if unit.type == "inverted" else picture
