"""What other tools' files call a sampler, a schedule and a model, as fields of ours."""

from typing import Any

from pipelines.requests import names


def named(sampler: object, schedule: object = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """(fields, what is not known here) of a sampler's and a schedule's name, whichever tool wrote them."""
    fields: dict[str, Any] = {}
    other: dict[str, Any] = {}
    if isinstance(sampler, str) and sampler.strip():
        fields |= names.sampler(sampler)
        other |= {} if fields else {"Sampler": sampler}
    if isinstance(schedule, str) and schedule.strip():
        spacing = names.spacing(schedule)
        if spacing is None:
            other["Schedule type"] = schedule
        elif "sigma_schedule" not in fields:
            fields["sigma_schedule"] = spacing
    return names.settled(fields), other


def model_name(file: object) -> str:
    """`folder/v1-5.safetensors` -> `v1-5`: other tools name a model by its file."""
    name = str(file).replace("\\", "/").rpartition("/")[2]
    stem, dot, ending = name.rpartition(".")
    return stem if dot and ending.lower() in ("safetensors", "ckpt", "pt", "pth", "bin", "sft", "gguf") else name
