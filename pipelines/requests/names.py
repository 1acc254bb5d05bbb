"""What other tools call our samplers and spacings, and back: the one table of names.

AUTOMATIC1111 says "DPM++ 2M" and "Karras", its older files "DPM++ 2M Karras", ComfyUI dpmpp_2m and karras, InvokeAI
dpmpp_2m_k. What is written is A1111's; what is read is any of them, in any case, with spaces or underscores.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.files import naming
from pipelines.theory.samplers import SAMPLER_LABELS
from pipelines.theory.sigmas import SIGMA_SCHEDULE_LABELS

_SAMPLERS_ELSEWHERE = {
    "dpm_2": ("kdpm_2",),
    "dpm_2_ancestral": ("kdpm_2_a", "dpm_2_a"),
    "dpmpp_2s_ancestral": ("dpmpp_2s", "dpmpp_2s_a"),
    "dpmpp_sde": ("dpmpp_sde_gpu",),
    "dpmpp_2m_sde": ("dpmpp_2m_sde_gpu",),
    "dpmpp_3m_sde": ("dpmpp_3m_sde_gpu",),
    "unipc": ("uni_pc", "uni_pc_bh2"),
}
_SPACINGS_ELSEWHERE = {
    "linspace": ("normal",),
    "exponential": ("polyexponential",),  # with rho = 1, as it is run everywhere, it is the same
    "karras": ("k", "ka"),
    "path": ("turbo",),
    "align_your_steps": ("ays",),
    "align_your_steps_xl": ("ays xl",),
}
_OF_COMFYUI = {"beta": "beta_quantiles"}  # what A1111 calls by the same name has other levels
AUTOMATIC = "automatic"
"""A1111's word for the spacing that a sampler is used to: see `automatic_spacing`."""
_AUTOMATIC = {
    **dict.fromkeys(("dpmpp_2m", "dpmpp_sde", "dpmpp_2s_ancestral", "dpm_2", "dpm_2_ancestral"), "karras"),
    **dict.fromkeys(("dpmpp_2m_sde", "dpmpp_3m_sde"), "exponential"),
    **dict.fromkeys(("ddim", "unipc"), "ddim_uniform"),
}


def _plain(text: str) -> str:
    return re.sub(r"[\s_/-]+", " ", text.casefold()).strip()


def _of_sampler(text: str) -> str:
    """A sampler's plain name, without the "k_" of A1111's and InvokeAI's older names."""
    return _plain(text).removeprefix("k ")


def _table(labels: Mapping[str, str], elsewhere: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Any known name, in its plain form, to ours."""
    known = {_plain(other): name for name, others in elsewhere.items() for other in others}
    return known | {_plain(label): name for name, label in labels.items()} | {_plain(name): name for name in labels}


_SAMPLERS = _table(SAMPLER_LABELS, _SAMPLERS_ELSEWHERE)
_SPACINGS = _table(SIGMA_SCHEDULE_LABELS, _SPACINGS_ELSEWHERE)


def spacing(text: str) -> str | None:
    """Our name of a spacing that may be called as other tools call it, or AUTOMATIC; None for an unknown one."""
    plain = _plain(text)
    return AUTOMATIC if plain == AUTOMATIC else _SPACINGS.get(plain)


def comfyui_spacing(text: str) -> str | None:
    """The same of a name as ComfyUI and what is built on it mean it."""
    return _OF_COMFYUI.get(_plain(text)) or spacing(text)


def automatic_spacing(sampler: object) -> str:
    """What A1111 1.10 takes for its "Automatic" with that sampler of ours."""
    return _AUTOMATIC.get(str(sampler), "linspace")


def settled(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with AUTOMATIC as the spacing that their sampler is used to; nothing where there is no sampler."""
    if values.get("sigma_schedule") != AUTOMATIC:
        return dict(values)
    rest = {name: value for name, value in values.items() if name != "sigma_schedule"}
    return rest | ({"sigma_schedule": automatic_spacing(values["sampler"])} if "sampler" in values else {})


def file_stem(file: object) -> str:
    """`folder/v1-5.safetensors` -> `v1-5`: other tools name a model by its file."""
    return naming.without_ending(str(file).replace("\\", "/").rpartition("/")[2])


def sampler(text: str) -> dict[str, str]:
    """The fields that a sampler's name says: `sampler`, and `sigma_schedule` where it ends in one, as in "DPM++ 2M
    Karras". Empty for an unknown one."""
    plain = _of_sampler(text)
    if plain in _SAMPLERS:
        return {"sampler": _SAMPLERS[plain]}
    words = plain.split(" ")
    for cut in range(1, min(len(words), 12)):
        first, rest = " ".join(words[:cut]), " ".join(words[cut:])
        if first in _SAMPLERS and rest in _SPACINGS:
            return {"sampler": _SAMPLERS[first], "sigma_schedule": _SPACINGS[rest]}
    return {}


def resolved(values: Mapping[str, Any]) -> dict[str, Any]:
    """A request's loose values with other tools' names as ours; what no table knows stays, to be refused by name.

    A spacing given by itself goes before the one at the end of a sampler's name.
    """
    known = dict(values)
    if isinstance(name := values.get("sigma_schedule"), str):
        known["sigma_schedule"] = spacing(name) or name
    if isinstance(name := values.get("sampler"), str):
        known = sampler(name) | {n: v for n, v in known.items() if n != "sampler" or not sampler(name)}
    return settled(known)
