"""A sheet of what a saved picture would have been, had it been stopped earlier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pipelines.params import Choice, Range, param
from pipelines.requests.film import LANGUAGES
from pipelines.requests.of_picture import OfPicture

GENERATOR = "guesses"


@dataclass(frozen=True)
class GuessesRequest(OfPicture):
    """The picture, and how many of its steps are shown."""

    most: int = param(8, Range(2, 24), "Of so many steps at most the guess is shown, evenly, the last one among them.")
    language: str = param("en", Choice(LANGUAGES), "The language of what is written on the sheet.")
    parent_kind: ClassVar[str] = "earlier"
