"""What is asked about a saved picture that was painted from a prompt: its steps, or itself once more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.errors import BadRequest, NotFound
from pipelines.params import Text, param
from pipelines.requests.branch import Descendant, Parent
from pipelines.requests.text_to_image import TextToImageRequest


@dataclass(frozen=True)
class OfPicture(Descendant):
    """The picture."""

    picture: str = param("", Text(64), "The id of the saved picture.")

    def check(self) -> None:
        if not self.picture:
            raise BadRequest("picture must be the id of a saved picture; got none. Choose one.")

    def parent_id(self) -> str:
        return self.picture

    def parent_request(self, recipe: Mapping[str, Any]) -> TextToImageRequest:
        """What painted the picture of that recipe. Raises BadRequest."""
        return TextToImageRequest.painted_by(recipe)

    def making(self) -> tuple[Parent, TextToImageRequest]:
        """How the picture was made, and the request that painted it. Raises NotFound where nobody attached them."""
        if self.parent is None or not isinstance(self.parent.request, TextToImageRequest):
            raise NotFound("how the picture was made was not handed over. Choose it again.")
        return self.parent, self.parent.request
