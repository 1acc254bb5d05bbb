"""What a ControlNet sees of a picture: the picture at the result's size, its edges, or its negative."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.diffusion.addons.canny import canny
from pipelines.diffusion.start import fitted


def hint(request: Any, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) -> uint8 (height, width, 3)."""
    picture = fitted(picture, request.width, request.height)
    if request.control_type == "canny":
        return canny(picture, request.control_low, request.control_high)
    return 255 - picture if request.control_type == "inverted" else picture
