"""A look inside one step of a saved picture: what the network answers there, and which words it looks at where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.errors import BadRequest
from pipelines.params import Range, Text, param
from pipelines.requests.branch import PICTURES, Descendant
from pipelines.requests.text_to_image import TextToImageRequest


@dataclass(frozen=True)
class InsideRequest(Descendant):
    """The picture, and the step after which it is looked at."""

    picture: str = param("", Text(64), "The id of the saved picture.")
    step: int = param(1, Range(1, 150), "The step of that picture after which the network is asked once more.")

    def check(self) -> None:
        if not self.picture:
            raise BadRequest("picture must be the id of a saved picture; got none. Choose one.")

    def parent_id(self) -> str:
        return self.picture

    def parent_request(self, recipe: Mapping[str, Any]) -> TextToImageRequest:
        """What painted the picture of that recipe. Raises BadRequest."""
        parent = TextToImageRequest.painted_by(recipe)
        self.going_on(parent).parent_request(recipe)
        return parent

    def going_on(self, painted: TextToImageRequest) -> TextToImageRequest:
        """The request that goes on from that step without a change, as one pass."""
        alone = dict.fromkeys(PICTURES, "") | {"branch_noise": 0.0, "hires_scale": 1.0, "upscale": "none", "count": 1}
        return painted.changed(**alone | {"branch_from": self.picture, "branch_step": self.step})
