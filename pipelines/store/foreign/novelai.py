"""NovelAI: JSON in the text "Comment", with "Software: NovelAI" beside it."""

from collections.abc import Mapping

from pipelines.store.foreign.found import ForeignSettings, left, picked
from pipelines.store.foreign.json_text import json_object
from pipelines.store.foreign.names import named

NAMES = {
    "prompt": "prompt",
    "uc": "negative_prompt",
    "seed": "seed",
    "steps": "num_inference_steps",
    "scale": "guidance_scale",
    "cfg_rescale": "guidance_rescale",
    "width": "width",
    "height": "height",
    "strength": "strength",
}
_SAID = {*NAMES, "sampler", "noise_schedule", "n_samples", "request_type", "signed_hash", "v4_prompt"}
_SAID |= {"v4_negative_prompt", "version"}
# "native" is what the sampler does by itself.
_SCHEDULES = {"native": "Automatic"}


def read(texts: Mapping[str, str]) -> ForeignSettings | None:
    if not texts.get("Software", "").startswith("NovelAI"):
        return None
    comment = json_object(texts.get("Comment"))
    if comment is None:
        return ForeignSettings("NovelAI", {"prompt": texts["Description"]} if texts.get("Description") else {})
    sampler = str(comment.get("sampler") or "").removeprefix("k_").removesuffix("_v3")
    schedule = str(comment.get("noise_schedule") or "")
    fields, unnamed = named(sampler, _SCHEDULES.get(schedule, schedule))
    values = {"prompt": texts.get("Description", "")} | picked(comment, NAMES) | fields
    other = unnamed | left(comment, _SAID)
    return ForeignSettings("NovelAI", values, other | ({"Source": texts["Source"]} if texts.get("Source") else {}))
