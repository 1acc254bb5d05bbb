"""Latents that were kept because decoding them had found no room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class KeptLatents:
    """Latents (C, h, w) of one picture in the network's own scale, and the recipe of the picture."""

    latents: NDArray[np.float32]
    recipe: dict[str, Any]

    def picture_ids(self) -> dict[str, str]:
        """The kept pictures that finishing this one needs: what a mask or a border had left alone is put back."""
        asked = self.recipe.get("request")
        around = ("mask_image", *(f"outpaint_{side}" for side in ("left", "right", "top", "bottom")))
        named = asked if isinstance(asked, dict) and any(asked.get(name) for name in around) else {}
        return {name: str(named[name]) for name in ("image", "mask_image") if named.get(name)}
