"""A body of OpenAI's `/v1/images/...` as a request of ours. A field or a value that has no meaning here is refused."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aigc_ui.openai_errors import UnknownField, UnknownModel
from aigc_ui.sdapi_fields import fields_of, names_of
from pipelines import models
from pipelines.diffusion.suited import suited
from pipelines.errors import BadRequest
from pipelines.params import Choice, Field, Range, Request, Text, described
from pipelines.prompts import library
from pipelines.requests.limits import SIDE_STEP
from pipelines.store.inputs import InputStore, Kept

MOST_PICTURES = Range(1, 10)
QUALITIES = {"auto": 1.0, "standard": 1.0, "medium": 1.0, "low": 0.5, "high": 2.0, "hd": 2.0}
"""How many steps are taken, of those that suit the model."""
FIDELITIES = {"low": 0.75, "high": 0.4}
"""How much of a picture without a mask is made anew."""
FORMATS = {"png": "png", "jpeg": "jpg", "webp": "webp"}
"""Of the answer's pictures, and the endings of their addresses."""
USUAL_COMPRESSION = 90
NATURAL = "natural"
MEANINGLESS = {"user": Text(512), "moderation": Choice(("auto", "low"))}
"""What says nothing about the picture: who asks, and how strictly somebody else would look at the prompt."""
FIXED = {
    "background": Choice(("auto", "opaque")),
    "response_format": Choice(("b64_json", "url")),
    "output_format": Choice(tuple(FORMATS)),
    "quality": Choice(tuple(QUALITIES)),
    "input_fidelity": Choice(tuple(FIDELITIES)),
}
MAKING = (
    "prompt", "model", "n", "size", "quality", "style", "background", "output_format", "output_compression",
    "response_format", "seed", "stream", "partial_images", *MEANINGLESS,
)  # fmt: skip
EDITING = (*MAKING, "input_fidelity")


@dataclass(frozen=True)
class Wanted:
    """Values for a request of ours, and how its pictures are handed out: by an address, or in base64."""

    values: dict[str, Any]
    by_address: bool
    output_format: str
    compression: int
    size: str
    quality: str


def made(body: Mapping[str, Any], request_type: type[Request], first_model: str) -> Wanted:
    """From pure noise. `first_model` is taken where the body names none. Raises BadRequest, NotFound, BadFile."""
    given = _known(body, MAKING)
    return _wanted(given, request_type, first_model, None)


def edited(
    body: Mapping[str, Any],
    picture: bytes,
    mask: bytes | None,
    request_type: type[Request],
    first_model: str,
    store: InputStore,
) -> Wanted:
    """From a picture; the mask, or the picture itself where none is sent, is transparent where it is painted anew.

    Without any transparency all of it is made anew, in part. Raises BadRequest, NotFound, BadFile.
    """
    given = _known(body, EDITING)
    kept = store.add(picture)
    wanted = _wanted(given, request_type, first_model, kept)
    clear = kept.clear
    if mask is not None:
        clear = store.add(mask).clear
        if not clear:
            raise BadRequest(
                "{name} must be transparent where the picture is painted anew; it is nowhere.", name="mask"
            )
    fidelity = _fixed("input_fidelity", given.get("input_fidelity", "low"))
    start = {"image": kept.id, "mask_image": clear, "strength": 1.0 if clear else FIDELITIES[fidelity]}
    return Wanted(**{**vars(wanted), "values": wanted.values | start})


def _known(body: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    for name in body:
        if name not in names:
            raise UnknownField(
                "{name} is no field of this studio; known are {known}.", name=name[:40], known=", ".join(names)
            )
    return {name: value for name, value in body.items() if value is not None}


def _wanted(given: Mapping[str, Any], request_type: type[Request], first_model: str, start: Kept | None) -> Wanted:
    known = fields_of(request_type)
    if "prompt" not in given:
        raise BadRequest("{name} must be text; got none. Say what the picture should show.", name="prompt")
    for name, spec in MEANINGLESS.items():
        spec.check(name, given.get(name, "auto"), str)
    _fixed("background", given.get("background", "auto"))
    for name in ("stream", "partial_images"):
        if str(given.get(name, 0)).lower() not in ("0", "false"):
            raise BadRequest("{name} must be left out: pictures come whole. See /api/v1/jobs for steps.", name=name)
    model = _model(given.get("model", first_model) or known["model"].default, request_type)
    fitting = suited(models.inspect(models.find(model)))
    quality = _fixed("quality", given.get("quality", "auto"))
    steps = round(fitting["num_inference_steps"] * QUALITIES[quality])
    width, height = _size(given.get("size", "auto"), known, (fitting["width"], fitting["height"]), start)
    output = _fixed("output_format", given.get("output_format", "png"))
    values = fitting | {
        "prompt": known["prompt"].spec.check("prompt", given["prompt"], str),
        "model": model,
        "count": MOST_PICTURES.check("n", given.get("n", 1), int),
        "width": width,
        "height": height,
        "num_inference_steps": min(max(steps, 1), 150),
        "seed": known["seed"].spec.check("seed", given.get("seed", -1), int),
        "style": _style(given.get("style", NATURAL)),
        "upscale": "none",
    }
    address = _fixed("response_format", given.get("response_format", "b64_json")) == "url"
    return Wanted(values, address, output, _compression(given, output), f"{width}x{height}", quality)


def _fixed(name: str, value: object) -> str:
    return FIXED[name].check(name, value, str)


def _model(name: object, request_type: type[Request]) -> str:
    try:
        return str(fields_of(request_type)["model"].spec.check("model", name, str))
    except BadRequest:
        here = ", ".join(names_of(request_type, "model"))[:200]
        raise UnknownModel(
            "{name} {got} is not here; there are {here}.", name="model", got=described(name), here=here
        ) from None


def _style(name: object) -> str:
    """Of the studio's styles.csv; "natural" is none."""
    names = (NATURAL, *(style for style in library.style_names() if style != library.NO_STYLE))
    chosen = Choice(names).check("style", name, str)
    return library.NO_STYLE if chosen == NATURAL else chosen


def _compression(given: Mapping[str, Any], output: str) -> int:
    level = int(Range(1, 100).check("output_compression", given.get("output_compression", 0) or USUAL_COMPRESSION, int))
    if output == "png" and given.get("output_compression", 100) not in (100, "100"):
        raise BadRequest("{name} is for jpeg and webp; a png loses nothing. Leave it out.", name="output_compression")
    return level


def _size(size: object, known: Mapping[str, Field], native: tuple[int, int], start: Kept | None) -> tuple[int, int]:
    """Width and height; "auto" is what suits the model, in the shape of the picture that it starts from."""
    if size == "auto":
        return native if start is None else _shaped(native, start)
    sides = re.fullmatch(r"(\d{1,5})x(\d{1,5})", size, re.ASCII) if isinstance(size, str) else None
    if sides is None:
        raise BadRequest(
            "{name} must be auto or WIDTHxHEIGHT, such as 512x512; got {got}.", name="size", got=described(size)
        )
    wide, high = map(int, sides.groups())
    known["width"].spec.check("size", wide, int)
    known["height"].spec.check("size", high, int)
    return wide, high


def _shaped(native: tuple[int, int], start: Kept) -> tuple[int, int]:
    """As many pixels as the native size has, in the shape of the picture."""
    scale = math.sqrt(native[0] * native[1] / (start.width * start.height))
    step = 4 * SIDE_STEP  # what every kind of model can take
    wide, high = (max(64, round(side * scale / step) * step) for side in (start.width, start.height))
    return wide, high
