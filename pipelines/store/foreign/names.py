"""What other tools' files call a sampler, a schedule and a model, as fields of ours."""

from collections.abc import Callable
from typing import Any

from pipelines.requests import names

SHORT_IN_COMFYUI = ("uni_pc", "uni_pc_bh2")
"""What ComfyUI runs without the last level before 0, besides the DPM2s, and A1111 does not."""


def named_by_comfyui(sampler: object, schedule: object = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same of ComfyUI and what is built on it, where some names mean other levels."""
    fields, other = named(sampler, schedule, names.comfyui_spacing)
    return fields | ({"discard_penultimate": True} if sampler in SHORT_IN_COMFYUI else {}), other


def named(
    sampler: object, schedule: object = None, spacing_of: Callable[[str], str | None] = names.spacing
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(fields, what is not known here) of a sampler's and a schedule's name, whichever tool wrote them."""
    fields: dict[str, Any] = {}
    other: dict[str, Any] = {}
    if isinstance(sampler, str) and sampler.strip():
        fields |= names.sampler(sampler)
        other |= {} if fields else {"Sampler": sampler}
    if isinstance(schedule, str) and schedule.strip():
        spacing = spacing_of(schedule)
        if spacing is None:
            other["Schedule type"] = schedule
        elif "sigma_schedule" not in fields:
            fields["sigma_schedule"] = spacing
    return names.settled(fields), other
