"""SwarmUI: JSON with "sui_image_params" where others have their infotext."""

from collections.abc import Mapping

from pipelines.requests.names import file_stem
from pipelines.store.foreign.found import ForeignSettings, left, picked
from pipelines.store.foreign.json_text import json_object
from pipelines.store.foreign.loras import tagged
from pipelines.store.foreign.names import named_by_comfyui

NAMES = {
    "prompt": "prompt",
    "negativeprompt": "negative_prompt",
    "seed": "seed",
    "steps": "num_inference_steps",
    "cfgscale": "guidance_scale",
    "width": "width",
    "height": "height",
    "initimagecreativity": "strength",
}
_SAID = {*NAMES, "model", "sampler", "scheduler", "swarm_version", "images", "aspectratio", "loras", "loraweights"}


def read(texts: Mapping[str, str]) -> ForeignSettings | None:
    params = (json_object(texts.get("parameters")) or {}).get("sui_image_params")
    if not isinstance(params, dict):
        return None
    fields, unnamed = named_by_comfyui(params.get("sampler"), params.get("scheduler"))
    values = picked(params, NAMES) | fields
    if params.get("model"):
        values["model"] = file_stem(params["model"])
    files, weights = (params.get(name) for name in ("loras", "loraweights"))
    if isinstance(files, list) and isinstance(weights, list):
        values = tagged(values, zip(files, weights, strict=False))
    version = params.get("swarm_version") or ""
    return ForeignSettings(f"SwarmUI {version}".strip(), values, unnamed | left(params, _SAID))
