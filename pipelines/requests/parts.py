"""All steps of a saved picture taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.errors import BadRequest
from pipelines.params import Text, param
from pipelines.requests.branch import Descendant
from pipelines.requests.text_to_image import TextToImageRequest


@dataclass(frozen=True)
class PartsRequest(Descendant):
    """The picture."""

    picture: str = param("", Text(64), "The id of the saved picture.")

    def check(self) -> None:
        if not self.picture:
            raise BadRequest("picture must be the id of a saved picture; got none. Choose one.")

    def parent_id(self) -> str:
        return self.picture

    def parent_request(self, recipe: Mapping[str, Any]) -> TextToImageRequest:
        return TextToImageRequest.painted_by(recipe)
