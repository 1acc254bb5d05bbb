"""The units that programs put into `alwayson_scripts.controlnet`, as fields of ours: ControlNets and IP-Adapters.

The names are those of A1111's extension (Mikubill/sd-webui-controlnet): `image` or `input_image`, `module`, `model`,
`weight`, `guidance_start`, `guidance_end`, `threshold_a`, `threshold_b`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aigc_ui.sdapi_pictures import decoded
from pipelines.errors import BadRequest
from pipelines.models.addons import files
from pipelines.params import Flag, Range, Request, described
from pipelines.params.fields import Unit
from pipelines.requests.choices import NO_CONTROL
from pipelines.store.inputs import InputStore

SCRIPTS = ("controlnet", "control_net")
MODULES = {"none": "plain", "canny": "canny", "invert": "inverted", "invert (from white bg & black line)": "inverted"}
"""What prepares the picture, by the extension's names, and what we call it."""
CONTROL, REFERENCE = "control", "ip"
"""How the fields of a unit begin."""
_NUMBERS = {
    "weight": ("scale", Range(0, 2), 1.0),
    "guidance_start": ("start", Range(0, 1), 0.0),
    "guidance_end": ("end", Range(0, 1), 1.0),
}
_EDGES = {"threshold_a": ("low", 100), "threshold_b": ("high", 200)}


def values(scripts: object, request_type: type[Request], store: InputStore, start: str = "") -> dict[str, Any]:
    """Fields for the units that are enabled; `start` is the id of the picture that is painted over, which a unit
    without one of its own follows. Raises BadRequest for any other script, and for a unit that cannot be run here."""
    found: dict[str, Any] = {}
    if not isinstance(scripts, Mapping):
        return found
    counts = {CONTROL: 0, REFERENCE: 0}
    for name, script in scripts.items():
        given = script.get("args") if isinstance(script, Mapping) else script
        if str(name).casefold() not in SCRIPTS:
            if given:
                raise BadRequest(
                    "alwayson_scripts holds {name}, which this studio has not; it has controlnet. Leave it out.",
                    name=str(name)[:40],
                )
            continue
        for unit in given if isinstance(given, list) else ():
            if isinstance(unit, Mapping) and _enabled(unit):
                found |= _unit(unit, counts, request_type, store, start)
    return found


def _enabled(unit: Mapping[str, Any]) -> bool:
    return Flag().check("enabled", unit.get("enabled", True), bool) and unit.get("model") not in (None, "", "None")


def _unit(
    unit: Mapping[str, Any], counts: dict[str, int], request_type: type[Request], store: InputStore, start: str
) -> dict[str, Any]:
    kind, model = _model(unit["model"])
    counts[kind] += 1
    if counts[kind] > Unit.MOST:
        raise BadRequest("controlnet has more than {most} units of one kind. Send fewer.", most=Unit.MOST)
    prefix = kind if counts[kind] == 1 else f"{kind}{counts[kind]}"
    known = {field.name for field in request_type.fields()}
    if f"{prefix}_model" not in known:
        raise BadRequest("this studio's pictures follow no ControlNet. Leave controlnet out.")
    numbers = {
        f"{prefix}_{ours}": bounds.check(theirs, unit.get(theirs, default), float)
        for theirs, (ours, bounds, default) in _NUMBERS.items()
    }
    seen = _seen(unit, prefix) if kind == CONTROL else {}
    return {f"{prefix}_model": model, **numbers, **seen, f"{prefix}_image": _picture(unit, store, start)}


def _model(title: object) -> tuple[str, str]:
    """Which kind of unit, and our name of the file that a title like `canny [d14c016b]` names."""
    name = re.sub(r" \[[0-9a-f]{4,64}\]$", "", title) if isinstance(title, str) else ""
    for kind, place in ((CONTROL, files.CONTROL), (REFERENCE, files.IP_ADAPTER)):
        here = {known.casefold(): known for known in files.installed(place)}
        if name.casefold() in here and here[name.casefold()] != NO_CONTROL:
            return kind, here[name.casefold()]
    raise BadRequest(
        "controlnet's model {model} is not here. See /controlnet/model_list for those that are.", model=described(title)
    )


def _picture(unit: Mapping[str, Any], store: InputStore, start: str) -> str:
    given = unit.get("image") or unit.get("input_image")
    given = given.get("image") if isinstance(given, Mapping) else given
    if given:
        return store.add(decoded("controlnet's image", given)).id
    if not start:
        raise BadRequest("a unit of controlnet has no image to follow. Send one in base64.")
    return start


def _seen(unit: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    module = str(unit.get("module") or "none").casefold()
    if module not in MODULES:
        raise BadRequest(
            "controlnet's module must be one of {names}; got {got}. Send a picture that is prepared already.",
            names="none, canny, invert",
            got=described(unit.get("module")),
        )
    edges = {}
    for theirs, (ours, default) in _EDGES.items():
        value = unit.get(theirs, default)
        unset = isinstance(value, int | float) and value < 0  # the extension's word for "the module's own"
        edges[f"{prefix}_{ours}"] = Range(0, 1000).check(theirs, default if unset else value, int)
    return {f"{prefix}_type": MODULES[module], **edges}
