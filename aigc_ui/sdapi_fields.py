"""A body of A1111's `/sdapi/v1/txt2img` or `/img2img` as a request of ours, and what of it has no place here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aigc_ui import sdapi_control
from aigc_ui.bodies import mapping
from aigc_ui.sdapi_echo import KNOWN, shortened
from aigc_ui.sdapi_pictures import decoded
from pipelines.errors import BadRequest
from pipelines.models import vaes
from pipelines.params import Choice, Field, Flag, Range, Request, Text, described
from pipelines.prompts import library, parameters
from pipelines.requests import hires
from pipelines.requests.limits import SIDE_STEP
from pipelines.requests.names import AUTOMATIC
from pipelines.store import infotext
from pipelines.store.foreign.names import named
from pipelines.store.inputs import InputStore
from pipelines.store.picture_files.roles import MASK
from pipelines.theory.sigmas import SIGMA_SCHEDULE_LABELS

PLAIN = {
    "prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "seed": "seed",
    "steps": "num_inference_steps",
    "cfg_scale": "guidance_scale",
    "width": "width",
    "height": "height",
    "eta": "eta",
    "batch_size": "count",
    "subseed": "variation_seed",
    "subseed_strength": "variation_strength",
}
RESIZED = {"seed_resize_from_w": "seed_resize_width", "seed_resize_from_h": "seed_resize_height"}
OPTIONS = {"CLIP_stop_at_last_layers": "clip_skip", "sd_vae": "vae"}
"""What A1111 keeps among its options, and a client may set for one request."""
BATCHES = Range(1, 16)
MOST_STYLES = 20
LONGEST_STYLE = 100
MOST_PICTURES = 16
"""In `init_images`; only the first is used."""
HIRES = {
    "hr_scale": ("hires_scale", 2.0),
    "hr_second_pass_steps": ("hires_steps", 0),
    "denoising_strength": ("hires_strength", 0.75),
}
"""What a second pass is asked for with, our field, and what A1111 takes where nothing is said."""
WHY = {
    "mask_blur_x": "a mask fades as far in both directions (mask_blur)",
    "mask_blur_y": "a mask fades as far in both directions (mask_blur)",
    "resize_mode": "a picture of another shape is always cut to the size (1, crop and resize)",
    "init_images": "only the first picture is used",
    "do_not_save_samples": "every picture is kept, so that a lost connection loses none",
    "mask": "a mask needs a picture that it masks",
    "styles": "styles.csv has no such style",
}
NO_SUCH = "this studio has no such setting"
_TARGET = ("hr_resize_x", "hr_resize_y")
_READ = {
    *_TARGET,
    *PLAIN,
    *RESIZED,
    "styles",
    "sampler_name",
    "sampler_index",
    "scheduler",
    "n_iter",
    "enable_hr",
    "send_images",
    "hr_upscaler",
    "alwayson_scripts",
    *HIRES,
}
_HARMLESS = {
    "override_settings", "override_settings_restore_afterwards", "save_images", "force_task_id", "do_not_save_grid",
    "denoising_strength", "refiner_switch_at", "script_args", "s_tmax",
}  # fmt: skip
_OF_PICTURES = {"init_images", "mask", "inpainting_mask_invert"}
FILLED = ("fill", "original", "noise", "nothing")
"""Our names for A1111's `inpainting_fill`, by its number."""
_OF_MASKS = {
    "mask_blur", "mask_blur_x", "mask_blur_y", "inpainting_fill", "inpaint_full_res", "inpaint_full_res_padding",
}  # fmt: skip
_NEUTRAL = {"s_noise": 1, "initial_noise_multiplier": 1, "inpainting_fill": 1, "resize_mode": 1, "image_cfg_scale": 1.5}


@dataclass(frozen=True)
class SdapiRequest:
    """Values for a request of ours, how many such requests one after the other, and what was left out, with why."""

    values: dict[str, Any]
    batches: int = 1
    send_images: bool = True
    ignored: dict[str, str] = field(default_factory=dict)


def text_to_image(
    body: Mapping[str, Any], request_type: type[Request], model: str | None, store: InputStore
) -> SdapiRequest:
    """`model` is the one that the client has chosen before; pictures that ControlNets follow are kept in `store`.
    Raises BadRequest, in the other tool's own names."""
    asked = _values(body, request_type, model)
    units = sdapi_control.values(body.get("alwayson_scripts"), request_type, store)
    return replace(asked, values=asked.values | units)


def _values(body: Mapping[str, Any], request_type: type[Request], model: str | None) -> SdapiRequest:
    given = {name: value for name, value in body.items() if value is not None}
    if given.get("script_name"):
        raise BadRequest(
            "script_name names {script}, and this studio runs no scripts; a grid is a generator of /api/v1/jobs. "
            "Leave it out.",
            script=described(given["script_name"]),
        )
    known = fields_of(request_type)
    values: dict[str, Any] = {"upscale": "none"} if "upscale" in known else {}
    given, rounded = _rounded(given)
    for theirs, ours in PLAIN.items():
        if theirs in given:
            values[ours] = known[ours].spec.check(theirs, given[theirs], known[ours].kind)
    said, unknown = _styled(given)
    values |= _resized(given, known) | _sampling(given, known) | said
    override = mapping(given.get("override_settings", {}), "override_settings")
    values |= _overridden(override, known)
    chosen = override.get("sd_model_checkpoint") or model
    if chosen:
        values["model"] = checkpoint(chosen, request_type)
    if Flag().check("enable_hr", given.get("enable_hr", False), bool):
        values |= _second_pass(given, known)
    told = ("sd_model_checkpoint", *OPTIONS)
    others = {f"override_settings.{name}": value for name, value in override.items() if name not in told}
    if unknown:
        others["styles"] = ", ".join(unknown)
    return SdapiRequest(
        values,
        int(BATCHES.check("n_iter", given.get("n_iter", 1), int)),
        Flag().check("send_images", given.get("send_images", True), bool),
        shortened(
            _replaced(given, values)
            | rounded
            | {name: _why(name, value) for name, value in others.items()}
            | _ignored(given, _READ | _HARMLESS)
        ),
    )


def image_to_image(
    body: Mapping[str, Any], request_type: type[Request], model: str | None, store: InputStore
) -> SdapiRequest:
    """The same with a start picture and a mask, which are kept in `store`. Raises BadRequest, BadFile."""
    asked = _values({k: v for k, v in body.items() if k not in _OF_PICTURES | _OF_MASKS}, request_type, model)
    pictures = body.get("init_images")
    if not isinstance(pictures, list) or not pictures:
        raise BadRequest(
            "init_images must be a list with a picture in base64; got none. Add the picture to start from."
        )
    if len(pictures) > MOST_PICTURES:
        raise BadRequest(
            "init_images must be at most {most} pictures; got {got}. Send the first.",
            most=MOST_PICTURES,
            got=len(pictures),
        )
    strength = fields_of(request_type)["strength"]
    given = body.get("denoising_strength")
    values = asked.values | {
        "strength": strength.spec.check("denoising_strength", 0.75 if given is None else given, float)
    }
    kept = store.add(decoded("init_images", pictures[0]))
    values["image"] = kept.id
    ignored = dict(asked.ignored)
    if len(pictures) > 1:
        ignored["init_images"] = f"{len(pictures)} pictures: {WHY['init_images']}"
    if body.get("mask"):
        values["mask_image"] = store.add(
            decoded("mask", body["mask"]), MASK, bool(body.get("inpainting_mask_invert"))
        ).id
        of_mask = {k: body[k] for k in _OF_MASKS if body.get(k) is not None}
        values |= _masking(of_mask, fields_of(request_type))
        ignored |= {k: _why(k, v) for k, v in of_mask.items() if k in ("mask_blur_x", "mask_blur_y") and v}
    width, height = (values.get(name, fields_of(request_type)[name].default) for name in ("width", "height"))
    if kept.width * height == kept.height * width:
        ignored.pop("resize_mode", None)  # the same shape: all modes are one
    elif "resize_mode" not in body:
        ignored["resize_mode"] = _why("resize_mode", 0)
    values |= sdapi_control.values(body.get("alwayson_scripts"), request_type, store, start=kept.id)
    return SdapiRequest(values, asked.batches, asked.send_images, ignored)


def fields_of(request_type: type[Request]) -> dict[str, Field]:
    return {field.name: field for field in request_type.fields()}


def names_of(request_type: type[Request], name: str) -> tuple[str, ...]:
    """What a field can be chosen from; empty for a request without it."""
    found = fields_of(request_type).get(name)
    return found.spec.names() if found and isinstance(found.spec, Choice) else ()


def checkpoint(title: object, request_type: type[Request]) -> str:
    """The model that a title names: `v1-5`, `folder/v1-5.safetensors [6ce0161689]`. Raises BadRequest."""
    name = re.sub(r" \[[0-9a-f]{6,64}\]$", "", title) if isinstance(title, str) else title
    return str(fields_of(request_type)["model"].spec.check("sd_model_checkpoint", name, str))


def _sampling(given: Mapping[str, Any], known: Mapping[str, Field]) -> dict[str, Any]:
    sampler = given.get("sampler_name") or given.get("sampler_index")
    values, unknown = named(sampler, given.get("scheduler") or AUTOMATIC)
    for key, theirs, labels in (
        ("Sampler", "sampler_name", infotext.SAMPLER_LABELS),
        ("Schedule type", "scheduler", SIGMA_SCHEDULE_LABELS),
    ):
        if key in unknown:
            raise BadRequest(
                "{theirs} must be one of {known}; got {got!r}.",
                theirs=theirs,
                known=", ".join(labels.values())[:200],
                got=unknown[key][:40],
            )
    theirs = {"sampler": "sampler_name", "sigma_schedule": "scheduler"}
    return {n: known[n].spec.check(theirs[n], value, str) for n, value in values.items() if n in known}


def _rounded(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Sides as A1111 takes them, down to a multiple of 8, and a note for each that was none."""
    sides = {n: v for n in ("width", "height") if type(v := given.get(n)) is int and v > SIDE_STEP and v % SIDE_STEP}
    whole = {name: side - side % SIDE_STEP for name, side in sides.items()}
    notes = {name: f"sides are multiples of {SIDE_STEP}: {whole[name]} is used" for name in sides}
    return {**given, **whole}, notes


def _resized(given: Mapping[str, Any], known: Mapping[str, Field]) -> dict[str, Any]:
    """The size whose noise is taken; not positive is A1111's "none"."""
    values = {ours: given.get(theirs, 0) for theirs, ours in RESIZED.items() if ours in known}
    none = {ours: 0 if isinstance(value, int) and value < 0 else value for ours, value in values.items()}
    return {ours: known[ours].spec.check(ours, value, int) for ours, value in none.items()}


def _styled(given: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """The prompts with the words of all styles that are here around them, in order; and the styles that are not."""
    named = given.get("styles", [])
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise BadRequest("styles must be a list of names of styles. See /sdapi/v1/prompt-styles.")
    if len(named) > MOST_STYLES or any(len(name) > LONGEST_STYLE for name in named):
        raise BadRequest(
            "styles must be at most {most} names of {longest_style} characters. Name fewer.",
            most=MOST_STYLES,
            longest_style=LONGEST_STYLE,
        )
    prompt, at_its_end = parameters.taken_out(str(given.get("prompt", "")))
    said = prompt, str(given.get("negative_prompt", ""))
    here = {library.NO_STYLE: library.Style("", "")} | (library.styles() if named else {})
    for name in (name for name in named if name in here):
        said = here[name].around(*said)
    written = " ".join([said[0], *map(str, at_its_end)])
    values = {"prompt": written, "negative_prompt": said[1]} if named else {}
    return values, [name for name in named if name not in here]


def _overridden(override: Mapping[str, Any], known: Mapping[str, Field]) -> dict[str, Any]:
    said = {ours: override[theirs] for theirs, ours in OPTIONS.items() if theirs in override and ours in known}
    if said.get("vae") in ("Automatic", "None", ""):
        said["vae"] = vaes.AUTOMATIC
    return {ours: known[ours].spec.check(ours, value, known[ours].kind) for ours, value in said.items()}


def _second_pass(given: Mapping[str, Any], known: Mapping[str, Field]) -> dict[str, Any]:
    """A1111's "hires fix". Upscalers that are not here are told apart by whether they work on latents or on the
    picture."""
    values: dict[str, Any] = {
        ours: known[ours].spec.check(theirs, given.get(theirs, default), known[ours].kind)
        for theirs, (ours, default) in HIRES.items()
    }
    if scale := _scale_to(given, known):
        values["hires_scale"] = known["hires_scale"].spec.check("hr_resize_x", scale, float)
    name = _upscaler(given).casefold()
    here = {ours.casefold(): ours for ours in hires.upscalers()}
    values["hires_upscaler"] = here.get(name) or ("latent" if name.startswith("latent") else "ours")
    return values


def _scale_to(given: Mapping[str, Any], known: Mapping[str, Field]) -> float | None:
    """The scale of `hr_resize_x` and `hr_resize_y`, which go before hr_scale where one of them is not 0."""
    side = Range(0, 10**5)
    wide, high = (int(side.check(name, given.get(name, 0), int)) for name in _TARGET)
    if not wide and not high:
        return None
    width, height = (int(given.get(name, known[name].default)) for name in ("width", "height"))
    scale = hires.scale_to(width, height, wide, high)
    if scale is None:
        raise BadRequest(
            "hr_resize_x and hr_resize_y must have the shape of {width} x {height}; got {wide} x {high}. Set one of "
            "them to 0, or use hr_scale.",
            width=width,
            height=height,
            wide=wide,
            high=high,
        )
    return scale


def _upscaler(given: Mapping[str, Any]) -> str:
    return Text(200).check("hr_upscaler", given.get("hr_upscaler") or "Latent", str)


def _replaced(given: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, str]:
    """A network that is asked for by name and is not here: ours does its work."""
    name, own = _upscaler(given), infotext.OWN_UPSCALER_LABEL
    if values.get("hires_upscaler") != "ours" or name.casefold() in ("ours", own.casefold()):
        return {}
    return {"hr_upscaler": f"{name[:60]} is not installed: {own} is used instead"}


def _ignored(given: Mapping[str, Any], read: set[str]) -> dict[str, str]:
    """What would have changed the picture and does not: neither read, nor empty, nor what it is here anyway."""
    hires = given.get("enable_hr")
    found = {}
    for name, value in given.items():
        idle = value in (0, -1, "", [], {}) and name not in ("inpainting_fill", "resize_mode")
        idle = idle or value == _NEUTRAL.get(name) or (name.startswith("hr_") and not hires)
        if name not in read and not idle:
            found[name] = _why(name, value)
    return found


def _why(name: str, value: object) -> str:
    """A field that A1111 does not have either is named only, without what a stranger put there."""
    what = f"{described(value)} is" if name in KNOWN or name in WHY or "." in name else "it is"
    return f"{what} not used: {WHY.get(name, NO_SUCH)}"


def _masking(given: Mapping[str, Any], known: Mapping[str, Field]) -> dict[str, Any]:
    """How a mask is softened, filled and cut around, with what A1111 takes where nothing is said."""
    fill = int(Range(0, len(FILLED) - 1).check("inpainting_fill", given.get("inpainting_fill", 0), int))
    theirs = {"mask_blur": ("mask_blur", 4), "inpaint_full_res_padding": ("masked_padding", 0)}
    values: dict[str, Any] = {
        ours: known[ours].spec.check(name, given.get(name, default), int) for name, (ours, default) in theirs.items()
    }
    whole = Flag().check("inpaint_full_res", given.get("inpaint_full_res", True), bool)
    return values | {"mask_fill": FILLED[fill], "only_masked": whole}
