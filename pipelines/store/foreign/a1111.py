"""The infotext of AUTOMATIC1111, Forge, SD.Next and all who write as they do: under "parameters", or in UserComment."""

import re
from collections.abc import Mapping

from pipelines.requests.names import file_stem
from pipelines.store import infotext
from pipelines.store.foreign.found import ForeignSettings
from pipelines.store.foreign.loras import tagged

_WEIGHTS = "Lora weights"  # of Fooocus, "name: 0.8, other: 1", beside a prompt without tags


def read(texts: Mapping[str, str]) -> ForeignSettings | None:
    text = texts.get("parameters", "")
    recipe = infotext.parse(text)
    request = recipe["request"]
    if not (recipe["other"] or recipe.get("software") or set(request) - {"prompt", "negative_prompt"}):
        return None  # a prompt at most, and nobody says whose
    if isinstance(request.get("model"), str):
        request = request | {"model": file_stem(request["model"])}
    version = str(recipe.get("software") or "")
    rows = (row.rpartition(": ") for row in recipe["other"].pop(_WEIGHTS, "").split(", "))
    values = tagged(request, ((name, weight) for name, _, weight in rows))
    return ForeignSettings(_tool(version, text), values, recipe["other"])


def _tool(version: str, text: str) -> str:
    """Who wrote it: versions look like v1.10.1 (AUTOMATIC1111), f2.0.1v1.10.1 (Forge), Fooocus v2.5.5, neo, ..."""
    if "App: SD.Next" in text:
        return "SD.Next"
    if re.match(r"f\d|neo|classic", version):
        return f"Forge {version}"
    if re.match(r"v?\d", version):
        return f"AUTOMATIC1111 {version}"
    return version or "AUTOMATIC1111"
