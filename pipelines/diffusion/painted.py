"""The recipe of a picture that a model painted, by a loop of ours or by its pipeline's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipelines import models
from pipelines.diffusion.addons.marks import recipe_words
from pipelines.models.info import ModelInfo
from pipelines.requests.text_to_image import GENERATOR, TextToImageRequest
from pipelines.store import recipe


def recipe_of(
    request: TextToImageRequest,
    index: int,
    info: ModelInfo,
    notes: Iterable[str],
    unfinished: tuple[int, int] | None,
    made: Mapping[str, Any],
) -> dict[str, Any]:
    """Of picture `index` of the request's; `unfinished`: after which step of how many it was stopped; `made`: on which
    machine, and its steps."""
    one = request.of_picture(index)
    more: dict[str, Any] = {"model_hash": models.model_hash(info), "notes": list(notes), "made": dict(made)}
    if template := request.template():
        more["template"] = template
    if unfinished:
        more["unfinished"] = {"step": unfinished[0], "of": unfinished[1]}
    return recipe.new(GENERATOR, one.json_values(), **more, **recipe_words(one, info.architecture))
