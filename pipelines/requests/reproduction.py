"""A saved picture that is to be made once more, to see whether it comes out the same."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pipelines.errors import BadRequest
from pipelines.params import Request, Text, param
from pipelines.requests.branch import Parent
from pipelines.requests.text_to_image import GENERATOR, TextToImageRequest


@dataclass(frozen=True)
class ReproductionRequest(Request):
    """The picture; with what painted it, attached right before it runs."""

    source: str = param("", Text(64), "The id of the saved picture to make again.")
    parent: Parent | None = dataclasses.field(default=None, compare=False, repr=False, kw_only=True)
    repeats_parent: ClassVar[bool] = True

    def check(self) -> None:
        if not self.source:
            raise BadRequest("source must be the id of a saved picture; got none. Choose the picture to make again.")

    def parent_id(self) -> str:
        return self.source

    def parent_request(self, recipe: Mapping[str, Any]) -> Request:
        if recipe.get("generator") != GENERATOR:
            raise BadRequest(
                "only a picture that was painted step by step from a prompt can be checked. Choose another picture."
            )
        try:
            return TextToImageRequest.parse(recipe.get("request") or {})
        except BadRequest as error:
            raise BadRequest("the recipe of this picture cannot be used: {why}", why=error.sentence) from None

    def with_parent(self, parent: Parent) -> Self:
        return dataclasses.replace(self, parent=parent)
