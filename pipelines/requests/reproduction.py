"""A saved picture that is to be made once more, to see whether it comes out the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pipelines.errors import BadRequest
from pipelines.params import Request, Text, param
from pipelines.requests.branch import Descendant
from pipelines.requests.text_to_image import TextToImageRequest


@dataclass(frozen=True)
class ReproductionRequest(Descendant):
    """The picture."""

    source: str = param("", Text(64), "The id of the saved picture to make again.")
    repeats_parent: ClassVar[bool] = True

    def check(self) -> None:
        if not self.source:
            raise BadRequest("source must be the id of a saved picture; got none. Choose the picture to make again.")

    def parent_id(self) -> str:
        return self.source

    def parent_request(self, recipe: Mapping[str, Any]) -> Request:
        return TextToImageRequest.painted_by(recipe)
