"""A look inside one step of a saved picture: what the network answers there, and which words it looks at where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.params import Range, param
from pipelines.requests.branch import PICTURES
from pipelines.requests.of_picture import OfPicture
from pipelines.requests.text_to_image import TextToImageRequest


@dataclass(frozen=True)
class InsideRequest(OfPicture):
    """The picture, and the step after which it is looked at."""

    step: int = param(1, Range(1, 150), "The step of that picture after which the network is asked once more.")

    def parent_request(self, recipe: Mapping[str, Any]) -> TextToImageRequest:
        """What painted the picture of that recipe. Raises BadRequest."""
        parent = super().parent_request(recipe)
        self.going_on(parent).parent_request(recipe)
        return parent

    def going_on(self, painted: TextToImageRequest) -> TextToImageRequest:
        """The request that goes on from that step without a change, as one pass."""
        alone = dict.fromkeys(PICTURES, "") | {"branch_noise": 0.0, "hires_scale": 1.0, "upscale": "none", "count": 1}
        return painted.changed(**alone | {"branch_from": self.picture, "branch_step": self.step})
