"""SwarmUI: JSON with "sui_image_params" where others have their infotext."""

from collections.abc import Mapping

from pipelines.store.foreign.found import ForeignSettings, left, picked
from pipelines.store.foreign.json_text import json_object
from pipelines.store.foreign.names import model_name, named

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
_SAID = {*NAMES, "model", "sampler", "scheduler", "swarm_version", "images", "aspectratio"}


def read(texts: Mapping[str, str]) -> ForeignSettings | None:
    params = (json_object(texts.get("parameters")) or {}).get("sui_image_params")
    if not isinstance(params, dict):
        return None
    fields, unnamed = named(params.get("sampler"), params.get("scheduler"))
    values = picked(params, NAMES) | fields
    if params.get("model"):
        values["model"] = model_name(params["model"])
    version = params.get("swarm_version") or ""
    return ForeignSettings(f"SwarmUI {version}".strip(), values, unnamed | left(params, _SAID))
