"""A recipe as the one text that other tools read and write (the "parameters" of AUTOMATIC1111), and back.

    portrait of a fox
    Negative prompt: blurry
    Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 42, Size: 512x512, ..., Version: ...

"Size" is what was painted; an enlarged picture says "Hires upscale: 4" besides.

`parse(write(recipe))` gives every field of the request back that changes something: what the plain pairs cannot carry
exactly (a prompt with a line "Negative prompt:", a sampler nobody else knows) goes as JSON into one more pair, "Exact
settings".
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from pipelines.params import Curve
from pipelines.requests import hires, names
from pipelines.requests.limits import FACTORS, OWN_UPSCALER
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.samplers import SAMPLER_LABELS
from pipelines.theory.sigmas import SIGMA_SCHEDULE_LABELS

_FIELDS = TextToImageRequest.fields()
_DEFAULTS = TextToImageRequest.defaults()
_BY_NAME = {field.name: field for field in _FIELDS}
# Our own keys, of letters, digits, spaces and "-" only, for other readers know nothing else, stand on the fields.
# "Training noise ..." is the schedule of beta_t; A1111's "Beta" is a spacing of the steps after the beta distribution.
_BY_KEY = {field.infotext: field for field in _FIELDS if field.infotext}
_ETA_KEYS = {"ddim": "Eta DDIM", "euler_ancestral": "Eta", "dpmpp_2m_sde": "Eta"}
_OTHER_ETA = "Sampler eta"
_BY_KEY |= {key: _BY_NAME["eta"] for key in (*_ETA_KEYS.values(), _OTHER_ETA)}
EMPHASIS_LABELS = {"original": "Original", "no_norm": "No norm"}
FILL_LABELS = {"original": "original", "fill": "fill", "noise": "latent noise", "nothing": "latent nothing"}
OWN_UPSCALER_LABEL = "AIGC flat art"
_HIRES_UPSCALERS = {"latent": "Latent", "ours": OWN_UPSCALER_LABEL, "lanczos": "Lanczos"}
_EXACT = "Exact settings"
_SIZES = {"Size": ("width", "height"), "Seed resize from": ("seed_resize_width", "seed_resize_height")}
_CURVE = "CFG curve"  # position in the run and scale: "0 9; 0.5 4; 1 1"
_TEMPLATES = {"prompt": "Template", "negative_prompt": "Negative Template", "style": "Template style"}
"""The prompts before a style and choices made these of them, as the extension for dynamic prompts writes them."""
_SAID_ELSEWHERE = (_EXACT, "Model hash", "TI hashes", "Version", "Generator", "Recipe version")
_NEGATIVE = "Negative prompt:"
# A1111's own pattern, with keys of at most 64 characters: without that bound a long line takes quadratic time. A value
# without quotation marks ends with its line.
_PAIR = re.compile(r'(\w[\w \-/]{1,63}):[ \t]*("(?:\\.|[^\\"])+"|[^,\n]*)(?:,|$)', re.MULTILINE)
_FIRST_PAIR = re.compile(r"Steps: \d+, ")


def write(recipe: Mapping[str, Any]) -> str:
    """The infotext of a recipe."""
    text = _compose(recipe, {})
    back = parse(text)["request"]
    request = recipe.get("request", {})
    lost = {n: v for n, v in request.items() if not _same(back.get(n), v) and not _idle(n, request)}
    return _compose(recipe, lost) if lost else text


def parse(text: str) -> dict[str, Any]:
    """The recipe that an infotext holds, as far as we know its words; never raises.

    Keys of the result: version, generator, request (fields that were understood, unchecked), other (pairs that were
    not, by their key), and model_hash and software where given. Text without a line of pairs is all prompt.
    """
    foreign = _from_json(text)
    if foreign is not None:
        return _recipe(foreign, {})
    lines, pairs = _lines_and_pairs(text.strip().split("\n"))
    prompt, negative = _prompts(lines)
    return _recipe({"prompt": prompt, "negative_prompt": negative}, pairs)


def _lines_and_pairs(lines: list[str]) -> tuple[list[str], dict[str, str]]:
    """The lines of the prompts, and the pairs behind them: from the last line that begins with A1111's first pair to
    the end, as a quoted value may hold line ends and extensions add lines; else the last line, if it is pairs."""
    begins = [i for i, line in enumerate(lines) if _FIRST_PAIR.match(line)]
    start = begins[-1] if begins else len(lines) - 1
    found = _PAIR.findall("\n".join(lines[start:]))
    if len(found) < 3:
        return lines, {}
    return lines[:start], {key.strip(): _unquote(value.strip()) for key, value in found}


def json_object(text: str) -> dict[str, Any] | None:
    """A JSON object that can be handed on as JSON again; None for anything else (NaN, half characters, too deep)."""
    try:
        value = json.loads(text) if text.lstrip().startswith("{") else None
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _compose(recipe: Mapping[str, Any], exact: Mapping[str, Any]) -> str:
    request = recipe.get("request", {})
    negative = request.get("negative_prompt")
    params = ", ".join(f"{key}: {_quote(value)}" for key, value in _pairs(recipe, exact).items() if value is not None)
    parts = [str(request.get("prompt", "")), f"{_NEGATIVE} {negative}" if negative else "", params]
    return "\n".join(part for part in parts if part).strip()


def _pairs(recipe: Mapping[str, Any], exact: Mapping[str, Any]) -> dict[str, Any]:
    """All pairs in A1111's order, ours behind, Version last."""
    request = recipe.get("request", {})
    sampler, spacing = request.get("sampler"), request.get("sigma_schedule")
    factor = FACTORS.get(str(request.get("upscale")))
    model_hash = str(recipe.get("model_hash") or "")
    unfinished = recipe.get("unfinished")
    pairs = {
        "Steps": request.get("num_inference_steps"),
        "Sampler": SAMPLER_LABELS.get(str(sampler), sampler),
        "Schedule type": SIGMA_SCHEDULE_LABELS.get(str(spacing), "Automatic") if spacing is not None else None,
        "CFG scale": request.get("guidance_scale"),
        "Seed": request.get("seed"),
        "Size": _size(request, "Size"),
        "Model hash": model_hash[:10] or None,
        "Model": request.get("model"),
        "VAE": _active("vae", request),
        "Clip skip": _active("clip_skip", request),
        "Denoising strength": _strength(request),
        _ETA_KEYS.get(str(sampler), _OTHER_ETA): request.get("eta"),
        "Sigma spacing": None if spacing in SIGMA_SCHEDULE_LABELS else spacing,
        "Emphasis": EMPHASIS_LABELS.get(str(_active("emphasis", request))),
        "Lora hashes": _hashes(recipe.get("lora_hashes")),
        "TI hashes": _hashes(recipe.get("ti_hashes")),
        "Masked content": FILL_LABELS.get(str(_active("mask_fill", request))),
        "Inpaint area": "Only masked" if _active("only_masked", request) else None,
        "Upscale": None,  # below
    }
    for key, field in _BY_KEY.items():
        if field.name != "eta" and key not in pairs:
            pairs[key] = _active(field.name, request)
    pairs |= {"Seed resize from": _size(request, "Seed resize from"), _CURVE: _curve(request.get("guidance_curve"))}
    upscaler = request.get("upscaler", OWN_UPSCALER)
    if _hires(request):
        pairs |= {"Hires upscale": request["hires_scale"], "Upscale": request.get("upscale")}
        by = str(request.get("hires_upscaler"))
        pairs["Hires upscaler"] = _HIRES_UPSCALERS.get(by, by)
    elif factor:
        pairs |= {
            "Hires upscale": factor,
            "Hires upscaler": OWN_UPSCALER_LABEL if upscaler == OWN_UPSCALER else upscaler,
        }
    else:
        pairs["Upscale"] = request.get("upscale")
    if isinstance(unfinished, Mapping):
        pairs["Unfinished"] = f"step {unfinished.get('step')} of {unfinished.get('of')}"
    template = recipe.get("template")
    if isinstance(template, Mapping):
        pairs |= {key: template.get(name) or None for name, key in _TEMPLATES.items() if _active(name, template)}
    pairs |= _enlarged(recipe.get("enlarged"))
    if exact:
        pairs[_EXACT] = json.dumps(dict(exact), ensure_ascii=False, default=str)
    if sum(value is not None for value in pairs.values()) < 2:  # readers want three pairs, or all is prompt
        pairs |= {"Generator": recipe.get("generator", "text-to-image"), "Recipe version": recipe.get("version", 1)}
    return pairs | {"Version": recipe.get("software") or "AIGC Studio"}


def _enlarged(steps: object) -> dict[str, Any]:
    """A1111's pairs of a picture that was enlarged after it was made."""
    if not isinstance(steps, list) or not steps or not all(isinstance(one, Mapping) for one in steps):
        return {}
    by = str(steps[-1].get("upscaler"))
    return {
        "Postprocess upscale by": math.prod(FACTORS.get(str(one.get("factor")), 1) for one in steps),
        "Postprocess upscaler": OWN_UPSCALER_LABEL if by == OWN_UPSCALER else by,
    }


def _recipe(request: dict[str, Any], pairs: dict[str, str]) -> dict[str, Any]:
    other = {}
    passed, pairs = _second_pass(pairs)
    request.update(passed)
    for key, value in pairs.items():
        fields = _fields(key, value)
        request.update(fields)
        said = key in _SAID_ELSEWHERE or (key == "Lora hashes" and "Loras" in pairs)
        if not fields and not said and (key, value) != ("Hires upscaler", OWN_UPSCALER_LABEL):
            other[key] = value
    request = names.settled(request)
    exact = json_object(pairs.get(_EXACT, ""))
    request.update(exact or {})
    recipe = {"version": 1, "generator": pairs.get("Generator", "text-to-image"), "request": request, "other": other}
    named = {"model_hash": pairs.get("Model hash"), "software": pairs.get("Version")}
    return recipe | {name: value for name, value in named.items() if value}


def _second_pass(pairs: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What the pairs say of a second pass, and the other pairs. Without a strength there was none: then the picture
    was only enlarged. Upscalers that are not here are told apart by whether they work on latents or on the picture."""
    scale = _number(pairs.get("Hires upscale", ""), float) or _resized(pairs)
    strength = _number(pairs.get("Denoising strength", ""), float)
    if not scale or not strength or "Start picture" in pairs:
        return {}, pairs
    name = pairs.get("Hires upscaler", "Latent")
    known = {_HIRES_UPSCALERS.get(ours, ours).casefold(): ours for ours in hires.upscalers()}
    found = known.get(name.casefold()) or ("latent" if name.casefold().startswith("latent") else "ours")
    said = ("Hires upscale", "Hires resize", "Denoising strength") + (
        ("Hires upscaler",) if name.casefold() in known else ()
    )
    fields = {"hires_scale": scale, "hires_strength": strength, "hires_upscaler": found}
    return fields, {key: value for key, value in pairs.items() if key not in said}


def _resized(pairs: Mapping[str, str]) -> float | None:
    """The scale of "Hires resize"; None where there is none that makes it."""
    sizes = [re.fullmatch(r"([0-9]{1,6})x([0-9]{1,6})", pairs.get(key, "")) for key in ("Size", "Hires resize")]
    if not all(sizes):
        return None
    (width, height), (wide, high) = ((int(size[1]), int(size[2])) for size in sizes if size)
    return hires.scale_to(width, height, wide, high)


def _hires(request: Mapping[str, Any]) -> bool:
    scale = request.get("hires_scale", 1)
    return isinstance(scale, int | float) and scale > 1


def _strength(request: Mapping[str, Any]) -> Any:
    """A1111's one "Denoising strength": of a start picture, or of the second pass."""
    if request.get("image"):
        return request.get("strength")
    return request.get("hires_strength") if _hires(request) else None


def _fields(key: str, value: str) -> dict[str, Any]:
    """The fields of a request that one pair says; empty where its key or value is not known here."""
    if (field := _BY_KEY.get(key)) is not None:
        if field.kind is bool:
            return {field.name: value == "True"} if value in ("True", "False") else {}
        number = _number(value, field.kind) if field.kind in (int, float) else value
        return {} if number is None else {field.name: number}
    if key in _SIZES:
        size = re.fullmatch(r"([0-9]{1,6})x([0-9]{1,6})", value)
        return dict(zip(_SIZES[key], (int(size[1]), int(size[2])), strict=True)) if size else {}
    if key == _CURVE:
        points = [[_number(n, float) for n in point.split()] for point in value.split(";")]
        good = all(len(point) == 2 and None not in point for point in points)
        return {"guidance_curve": points} if good else {}
    if key == "Hires upscale":
        factor = _number(value, float)
        return next(({"upscale": name} for name, times in FACTORS.items() if times == factor), {})
    if key == "Masked content":
        return next(({"mask_fill": name} for name, label in FILL_LABELS.items() if value == label), {})
    if key == "Inpaint area":
        return {"only_masked": True} if value == "Only masked" else {}
    if key == "Emphasis":
        known = (name for name, label in EMPHASIS_LABELS.items() if value.casefold() in (label.casefold(), name))
        return next(({"emphasis": name} for name in known), {})
    if key == "Schedule type":
        spacing = names.spacing(value)
        return {"sigma_schedule": spacing} if spacing else {}
    return names.sampler(value) if key == "Sampler" else {}


def _size(request: Mapping[str, Any], key: str) -> str | None:
    width, height = (request.get(name) for name in _SIZES[key])
    return f"{width}x{height}" if width and height else None


def _curve(points: Any) -> str | None:
    if not isinstance(points, list | tuple) or not all(isinstance(p, list | tuple) and len(p) == 2 for p in points):
        return None
    return Curve.text(points) or None


def _prompts(lines: list[str]) -> tuple[str, str]:
    starts = (i for i, line in enumerate(lines) if line.strip().startswith(_NEGATIVE))
    at = next(starts, len(lines))
    negative = "\n".join(lines[at:]).strip().removeprefix(_NEGATIVE)
    return "\n".join(lines[:at]).strip(), negative.strip()


def _hashes(known: object) -> str | None:
    """`name: 12hex, other: 12hex`, as other tools look files up by."""
    return ", ".join(f"{name}: {mark}" for name, mark in known.items()) or None if isinstance(known, Mapping) else None


def _quote(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    text = str(value)
    plain = text and text == text.strip() and text[0] != '"' and not any(c in text for c in ",:\n")
    return text if plain else json.dumps(text, ensure_ascii=False)


def _unquote(text: str) -> str:
    if not (len(text) >= 2 and text[0] == text[-1] == '"'):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _number(text: str, kind: type) -> int | float | None:
    if kind is int:
        return int(text) if re.fullmatch(r"-?[0-9]{1,20}", text) else None
    if not re.fullmatch(r"-?[0-9.]{1,32}(e[+-]?[0-9]{1,3})?", text):
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _idle(name: str, request: Mapping[str, Any]) -> bool:
    """Whether the field changes nothing, so that it need not be said."""
    if name == "upscaler":
        enlarged = "factor" in request or request.get("upscale") in FACTORS
        return request.get("upscaler") == OWN_UPSCALER or not enlarged
    return name in _BY_NAME and _BY_NAME[name].idle(request, _DEFAULTS)


def _active(name: str, request: Mapping[str, Any]) -> Any:
    """The field, None where it changes nothing."""
    return None if _idle(name, request) else request.get(name)


def _same(read: object, written: object) -> bool:
    if isinstance(written, list | tuple):
        return isinstance(read, list) and json.dumps(read) == json.dumps(written, default=str)
    if isinstance(written, str) and type(read) is int:  # see pipelines.params.exact
        return str(read) == written
    return read == written and isinstance(read, bool) == isinstance(written, bool)


def _from_json(text: str) -> dict[str, Any] | None:
    """The request of a SwarmUI picture, whose text is JSON; empty for JSON of other tools; None for plain text."""
    value = json_object(text)
    if value is None:
        return None
    params = value.get("sui_image_params")
    names = {
        "prompt": "prompt",
        "negativeprompt": "negative_prompt",
        "model": "model",
        "seed": "seed",
        "steps": "num_inference_steps",
        "cfgscale": "guidance_scale",
        "width": "width",
        "height": "height",
    }
    known = params if isinstance(params, dict) else {}
    return {ours: known[theirs] for theirs, ours in names.items() if isinstance(known.get(theirs), str | int | float)}
