"""InvokeAI: "invokeai_metadata"; before version 3 "sd-metadata", and before that the words of its command, "Dream"."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.requests.names import file_stem
from pipelines.store.foreign.found import ForeignSettings, left, picked
from pipelines.store.foreign.json_text import json_object
from pipelines.store.foreign.loras import tagged
from pipelines.store.foreign.names import named

NAMES = {
    "positive_prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "seed": "seed",
    "steps": "num_inference_steps",
    "cfg_scale": "guidance_scale",
    "cfg_rescale_multiplier": "guidance_rescale",
    "width": "width",
    "height": "height",
    "strength": "strength",
}
OLD_NAMES = NAMES | {"prompt": "prompt"}
SWITCHES = {
    "s": "num_inference_steps",
    "S": "seed",
    "W": "width",
    "H": "height",
    "C": "guidance_scale",
    "f": "strength",
}
SAMPLERS = {
    "euler_a": "Euler a",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_3m": "DPM++ 3M",
    "dpmpp_2s": "DPM++ 2S",
    "dpmpp_sde": "DPM++ SDE",
    "kdpm_2": "DPM2",
    "kdpm_2_a": "DPM2 a",
    "dpm_2": "DPM2",
    "dpm_2_a": "DPM2 a",
}
_SAID = {
    *OLD_NAMES,
    "model",
    "loras",
    "scheduler",
    "sampler",
    "app_version",
    "generation_mode",
    "rand_device",
    "type",
    "orig_hash",
}


def read(texts: Mapping[str, str]) -> ForeignSettings | None:
    metadata = json_object(texts.get("invokeai_metadata"))
    if metadata is not None:
        return _metadata(metadata)
    old = json_object(texts.get("sd-metadata"))
    if old is not None:
        return _old(old)
    dream = texts.get("Dream") or texts.get("dream")
    return _command(dream) if dream else None


def _metadata(metadata: Mapping[str, Any]) -> ForeignSettings:
    fields, unnamed = _sampler(metadata.get("scheduler"))
    values = picked(metadata, NAMES) | fields
    model = metadata.get("model")
    if isinstance(model, dict):
        model = model.get("name") or model.get("model_name")
    if isinstance(model, str):
        values["model"] = file_stem(model)
    values = tagged(values, _loras(metadata.get("loras")))
    version = metadata.get("app_version") or ""
    return ForeignSettings(f"InvokeAI {version}".strip(), values, unnamed | left(metadata, _SAID))


def _loras(rows: object) -> Iterator[tuple[object, object]]:
    """Name and weight; the model is an object, or text in older pictures."""
    for row in rows if isinstance(rows, list) else ():
        model = row.get("model", row.get("lora")) if isinstance(row, dict) else None
        if isinstance(model, dict):
            model = model.get("name") or model.get("model_name")
        if isinstance(model, str):
            yield model, row.get("weight")


def _old(metadata: Mapping[str, Any]) -> ForeignSettings:
    image = metadata.get("image")
    image = image if isinstance(image, dict) else {}
    fields, unnamed = _sampler(image.get("sampler"))
    prompt = image.get("prompt")
    if isinstance(prompt, list):
        prompt = " ".join(str(part.get("prompt", "")) for part in prompt[:20] if isinstance(part, dict))
    values = picked(image, OLD_NAMES) | _split(str(prompt or "")) | fields
    if metadata.get("model_weights"):
        values["model"] = file_stem(metadata["model_weights"])
    return ForeignSettings(
        f"InvokeAI {metadata.get('app_version') or ''}".strip(), values, unnamed | left(image, _SAID)
    )


def _command(dream: str) -> ForeignSettings | None:
    """`"a fox [blurry]" -s 50 -S 42 -W 512 -H 512 -C 7.5 -A k_lms`"""
    command = re.match(r'\s*"((?:\\.|[^"\\])*)"(.{0,2000})', dream[:20_000], re.DOTALL)
    if command is None:
        return None
    values = _split(command[1])
    other: dict[str, Any] = {}
    for switch, value in re.findall(r"(?:^|\s)-([A-Za-z])\s?([\w.+-]+)", command[2]):
        if switch == "A":
            fields, unnamed = _sampler(value)
            values |= fields
            other |= unnamed
        elif switch in SWITCHES:
            values[SWITCHES[switch]] = value
        else:
            other[f"-{switch}"] = value
    return ForeignSettings("InvokeAI", values, other)


def _split(prompt: str) -> dict[str, Any]:
    """What stood in square brackets was not to be in the picture."""
    negative = ", ".join(re.findall(r"\[([^\[\]]*)\]", prompt))
    positive = " ".join(re.sub(r"\[[^\[\]]*\]", "", prompt).split()) if negative else prompt
    return {"prompt": positive} | ({"negative_prompt": negative} if negative else {})


def _sampler(scheduler: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Names like k_euler_a (old) or dpmpp_2m_k, whose tail says Karras."""
    name = str(scheduler or "").removeprefix("k_")
    spacing = "Karras" if name.endswith("_k") else None
    name = name.removesuffix("_k")
    return named(SAMPLERS.get(name, name), spacing)
