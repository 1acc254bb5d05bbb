"""Fooocus: JSON under "parameters" (its other scheme is an infotext), keys in words or with underscores."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.requests.names import file_stem
from pipelines.store.foreign.found import ForeignSettings, left, picked
from pipelines.store.foreign.json_text import json_object
from pipelines.store.foreign.loras import tagged
from pipelines.store.foreign.names import named_by_comfyui

NAMES = {
    "prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "seed": "seed",
    "steps": "num_inference_steps",
    "guidance_scale": "guidance_scale",
}
_SAID = {*NAMES, "base_model", "sampler", "scheduler", "resolution", "version", "metadata_scheme", "vae", "loras"}
_COMBINED = "lora_combined_"
_EXPANDED = {"full_prompt", "full_negative_prompt", "created_by"}
_OURS_FIRST = ("base_model", "sampler", "resolution", "performance")


def read(texts: Mapping[str, str]) -> ForeignSettings | None:
    params = json_object(texts.get("parameters"))
    if params is None:
        return None
    params = {str(name).lower().replace(" ", "_"): value for name, value in params.items()}
    if "prompt" not in params or not any(name in params for name in _OURS_FIRST):
        return None
    fields, unnamed = named_by_comfyui(params.get("sampler"), params.get("scheduler"))
    values = picked(params, NAMES) | fields | _size(params.get("resolution"))
    if params.get("base_model"):
        values["model"] = file_stem(params["base_model"])
    if isinstance(params.get("vae"), str) and not params["vae"].startswith("Default"):
        values["vae"] = file_stem(params["vae"])
    values = tagged(values, _loras(params))
    version = str(params.get("version") or texts.get("Software") or "Fooocus")
    tool = version if "ooocus" in version else f"Fooocus {version}"
    other = {name: value for name, value in params.items() if not name.startswith(_COMBINED)}
    return ForeignSettings(tool, values, unnamed | left(other, _SAID | _EXPANDED))


def _loras(params: Mapping[str, Any]) -> Iterator[tuple[object, object]]:
    """File and weight of `loras`, rows of name, weight and hash, or else of lora_combined_1, ...: "name : weight"."""
    rows = params.get("loras")
    if not isinstance(rows, list) or not rows:
        texts = (str(value) for name, value in params.items() if name.startswith(_COMBINED))
        rows = [text.rsplit(" : ", 1) for text in texts]
    yield from ((row[0], row[1]) for row in rows if isinstance(row, list) and len(row) >= 2)


def _size(resolution: object) -> dict[str, Any]:
    """Of "(1152, 896)", "1152*896" or [1152, 896]."""
    numbers = re.findall(r"\d{1,6}", str(resolution)[:40]) if resolution else []
    return {"width": int(numbers[0]), "height": int(numbers[1])} if len(numbers) == 2 else {}
