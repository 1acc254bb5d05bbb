"""Other tools' names of samplers and schedules, by way of A1111's labels, which `infotext` knows."""

import json
from typing import Any

from pipelines import infotext

# How ComfyUI and SwarmUI (after it) call what A1111 labels otherwise.
COMFY_SAMPLERS = {
    "euler_ancestral": "Euler a",
    "dpm_2": "DPM2",
    "dpm_2_ancestral": "DPM2 a",
    "dpm_fast": "DPM fast",
    "dpm_adaptive": "DPM adaptive",
    "dpmpp_2s_ancestral": "DPM++ 2S a",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_sde_gpu": "DPM++ SDE",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_gpu": "DPM++ 2M SDE",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "dpmpp_3m_sde_gpu": "DPM++ 3M SDE",
    "uni_pc": "UniPC",
}
COMFY_SCHEDULES = {
    "normal": "Automatic",
    "sgm_uniform": "SGM Uniform",
    "ddim_uniform": "DDIM",
    "kl_optimal": "KL Optimal",
}


def named(sampler: object, schedule: object = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """(fields, what is not known here) of an A1111 label, or a name of ours, and of a schedule's."""
    fields: dict[str, Any] = {}
    other: dict[str, Any] = {}
    for key, label in (("Sampler", sampler), ("Schedule type", schedule)):
        if not isinstance(label, str) or not label.strip():
            continue
        understood = {name: value for name, value in _parsed(key, label.strip()).items() if name not in fields}
        fields |= understood
        if not understood:
            other[key] = label
    return fields, other


def named_by_comfy(sampler: object, schedule: object = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same of ComfyUI's names."""
    return named(COMFY_SAMPLERS.get(str(sampler), sampler), COMFY_SCHEDULES.get(str(schedule), schedule))


def model_name(file: object) -> str:
    """`folder/v1-5.safetensors` -> `v1-5`: other tools name a model by its file."""
    name = str(file).replace("\\", "/").rpartition("/")[2]
    stem, dot, ending = name.rpartition(".")
    return stem if dot and ending.lower() in ("safetensors", "ckpt", "pt", "pth", "bin", "sft", "gguf") else name


def _parsed(key: str, label: str) -> dict[str, Any]:
    quoted = json.dumps(label[:60], ensure_ascii=False)
    understood = infotext.parse(f"Steps: 1, {key}: {quoted}, Version: 1")["request"]
    return {name: understood[name] for name in ("sampler", "sigma_schedule") if name in understood}
