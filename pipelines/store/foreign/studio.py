"""Our own pictures: the recipe in the chunk "aigc"."""

from collections.abc import Mapping

from pipelines.store import infotext
from pipelines.store.foreign.found import ForeignSettings

TOOL = "AIGC Studio"


def read(texts: Mapping[str, str]) -> ForeignSettings | None:
    recipe = infotext.json_object(texts.get("aigc", "")) or {}
    request = recipe.get("request")
    return ForeignSettings(TOOL, dict(request)) if isinstance(request, dict) else None
