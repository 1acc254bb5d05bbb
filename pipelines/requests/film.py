"""A film of how a saved picture came about, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pipelines.params import Choice, Flag, Range, Request, param
from pipelines.requests.of_picture import OfPicture
from pipelines.requests.text_to_image import TextToImageRequest

GENERATOR = "film"
KINDS = ("webp", "gif", "mp4")
RESULT, NOISE, BOTH, EPSILON = "result", "noise", "both", "epsilon"
SHOWS = (RESULT, NOISE, BOTH, EPSILON)
LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class FilmRequest(OfPicture):
    """The picture, what the film shows of each step, and what file it becomes."""

    kind: str = param("webp", Choice(KINDS), "The file's format.")
    shows: str = param(
        BOTH, Choice(SHOWS), "The result so far, the noisy picture, both, or both and the noise that is seen in it."
    )
    captions: bool = param(True, Flag(), "Write the step, its noise level and the prompt below the pictures.")
    curve: bool = param(True, Flag(), "Draw below them how far each step's guess is from the last one.")
    language: str = param("en", Choice(LANGUAGES), "The language of the captions.")
    fps: float = param(8.0, Range(1, 30), "Steps a second.")
    hold: float = param(1.5, Range(0, 10), "For how many seconds the last step stays.")
    size: int = param(384, Range(128, 1024), "The longer side of each picture in the film, in pixels.")
    shows_parent: ClassVar[bool] = True

    def needs_all_of(self, parent: Request) -> bool:
        """A second pass is not among the steps that are kept."""
        return isinstance(parent, TextToImageRequest) and parent.hires.wanted
