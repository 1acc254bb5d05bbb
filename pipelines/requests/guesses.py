"""A sheet of what a saved picture would have been, had it been stopped earlier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pipelines.errors import BadRequest
from pipelines.params import Choice, Range, Text, param
from pipelines.requests.branch import Descendant
from pipelines.requests.film import LANGUAGES
from pipelines.requests.text_to_image import TextToImageRequest

GENERATOR = "guesses"


@dataclass(frozen=True)
class GuessesRequest(Descendant):
    """The picture, and how many of its steps are shown."""

    picture: str = param("", Text(64), "The id of the saved picture.")
    most: int = param(8, Range(2, 24), "Of so many steps at most the guess is shown, evenly, the last one among them.")
    language: str = param("en", Choice(LANGUAGES), "The language of what is written on the sheet.")
    parent_kind: ClassVar[str] = "earlier"

    def check(self) -> None:
        if not self.picture:
            raise BadRequest("picture must be the id of a saved picture; got none. Choose one.")

    def parent_id(self) -> str:
        return self.picture

    def parent_request(self, recipe: Mapping[str, Any]) -> TextToImageRequest:
        return TextToImageRequest.painted_by(recipe)
