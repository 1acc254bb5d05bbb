"""Parameters in a prompt as the settings that they are: `--ar 3:2` is a width and a height, `--no people` a negative
prompt. Read in one place, wherever prompts come in, before the request is checked; the recipe has the settings.

| in the prompt            | the setting                                                                              |
|--------------------------|------------------------------------------------------------------------------------------|
| `--ar 3:2`, `--aspect`   | width and height of that shape with as many pixels as were asked for, multiples of 32     |
| `--seed 5`               | seed                                                                                     |
| `--no people, text`      | added to the negative prompt                                                             |
| `--steps 30`             | num_inference_steps                                                                      |
| `--stylize 250`, `--s`   | guidance_scale g becomes 1 + (g - 1) * 2 / (1 + s / 100): 100 keeps it, 0 follows the    |
|                          | words most, 1000 leaves most to the model                                                |
| `--repeat 3`, `--r`      | count, times that                                                                        |
| `--stop 60`              | stop_at: the picture is the guess after 60 % of the steps                                |
"""

import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn, Self

from pipelines.errors import BadRequest, Sentence
from pipelines.params import Request
from pipelines.prompts import parameters
from pipelines.prompts.parameters import Parameter
from pipelines.requests.limits import LARGEST_SCALE

STEP = 32
"""Pixels of a side: what every kind of model takes."""
CLOSER = 0.25
"""How much the number of pixels counts beside the shape."""
SMALLEST_SIDE = 64
MOST_SHAPE = 8
"""Times as wide as high, or as high as wide."""
MOST_PICTURES = 16
MOST_STYLIZED = 1000


def applied(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A request's loose values with what their prompt says at its end, and the parameters that nothing answers to.

    `defaults` are the request's. Under prompt_syntax "plain" every character is itself. Raises BadRequest.
    """
    said = dict(values)
    prompt = said.get("prompt")
    if not isinstance(prompt, str) or said.get("prompt_syntax") == "plain":
        return said, ()
    words, found = parameters.taken_out(prompt)
    if not found:
        return said, ()
    said["prompt"] = words
    unknown = []
    for one in found:
        apply = _MEANINGS.get(one.name)
        if apply is None:
            unknown.append(str(one))
        else:
            said |= apply(one, {**defaults, **said})
    return said, tuple(unknown)


class WordsAlone(Request):
    """A request that asks for the words of a prompt and passes over the settings at its end."""

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> Self:
        prompt = values.get("prompt")
        if isinstance(prompt, str) and values.get("prompt_syntax") != "plain":
            values = {**values, "prompt": parameters.words(prompt)}
        return super().parse(values)


def unknown_note(unknown: tuple[str, ...]) -> Sentence:
    return Sentence(
        "{unknown} in the prompt is not known here and was left out; known are {known}.",
        unknown=", ".join(one[:60] for one in unknown[:6]),
        known="--ar, --seed, --no, --steps, --stylize, --repeat, --stop",
    )


def _shape(one: Parameter, values: Mapping[str, Any]) -> dict[str, Any]:
    sides = re.fullmatch(r"(\d{1,4}(?:\.\d{1,3})?) ?[:/x] ?(\d{1,4}(?:\.\d{1,3})?)", one.value, re.ASCII)
    wide, high = (float(side) for side in sides.groups()) if sides else (0.0, 0.0)
    if not wide or not high or max(wide / high, high / wide) > MOST_SHAPE:
        _refuse(one, Sentence("two numbers such as 3:2, at most {most}:1 or 1:{most}", most=MOST_SHAPE))
    area = _whole(values["width"]) * _whole(values["height"])
    if area <= 0:
        return {}  # no size that could be shaped: the request refuses it by name
    width, height = _sides(area, wide / high)
    return {"width": width, "height": height}


def _seed(one: Parameter, values: Mapping[str, Any]) -> dict[str, Any]:
    if not re.fullmatch(r"\d{1,20}", one.value, re.ASCII):
        _refuse(one, Sentence("a whole number"))
    return {"seed": one.value}  # the request says how large it may be


def _negative(one: Parameter, values: Mapping[str, Any]) -> dict[str, Any]:
    if not one.value:
        _refuse(one, Sentence("words"))
    before = values["negative_prompt"]
    if not isinstance(before, str):
        return {}
    return {"negative_prompt": f"{before}, {one.value}" if before.strip() else one.value}


def _steps(one: Parameter, values: Mapping[str, Any]) -> dict[str, Any]:
    return {"num_inference_steps": int(_number(one, 1, 150))}


def _stylize(one: Parameter, values: Mapping[str, Any]) -> dict[str, Any]:
    style = _number(one, 0, MOST_STYLIZED)
    try:
        own = float(values["guidance_scale"])
    except (TypeError, ValueError, OverflowError):
        return {}  # the request refuses it by name
    return {"guidance_scale": round(min(LARGEST_SCALE, 1 + (own - 1) * 2 / (1 + style / 100)), 2)}


def _repeat(one: Parameter, values: Mapping[str, Any]) -> dict[str, Any]:
    times, count = int(_number(one, 1, MOST_PICTURES)), _whole(values["count"])
    if times * count > MOST_PICTURES:
        raise BadRequest(
            "--{name} {times} of {count} pictures are {number}; at most {most} go in one job. Write a smaller number.",
            name=one.name,
            times=times,
            count=count,
            number=times * count,
            most=MOST_PICTURES,
        )
    return {"count": times * count} if count > 0 else {}


def _stop(one: Parameter, values: Mapping[str, Any]) -> dict[str, Any]:
    return {"stop_at": int(_number(one, 10, 100)) / 100}


_MEANINGS = {
    **dict.fromkeys(("ar", "aspect"), _shape),
    "seed": _seed,
    "no": _negative,
    "steps": _steps,
    **dict.fromkeys(("stylize", "s"), _stylize),
    **dict.fromkeys(("repeat", "r"), _repeat),
    "stop": _stop,
}


def _number(one: Parameter, low: int, high: int) -> int:
    """Raises BadRequest."""
    number = int(one.value) if re.fullmatch(r"\d{1,6}", one.value, re.ASCII) else -1
    if not low <= number <= high:
        _refuse(one, Sentence("a whole number from {low} to {high}", low=low, high=high))
    return number


def _refuse(one: Parameter, wanted: Sentence) -> NoReturn:
    raise BadRequest(
        "--{name} in the prompt must be {wanted}; got {got}. Parameters stand at the end of the prompt.",
        name=one.name,
        wanted=wanted,
        got=repr(one.value[:40]) if one.value else Sentence("nothing"),
    )


def _whole(value: object) -> int:
    """0 for what is no sound number: the request refuses it by name."""
    try:
        return int(str(value)[:20])
    except ValueError:
        return 0


def _sides(area: int, shape: float) -> tuple[int, int]:
    """Width and height, multiples of STEP, whose shape is nearest, with about so many pixels."""
    exact = math.sqrt(area * shape)
    columns = range(max(SMALLEST_SIDE // STEP, int(0.8 * exact / STEP)), int(1.25 * exact / STEP) + 2)
    rows = {n: max(SMALLEST_SIDE // STEP, round(n / shape)) for n in columns}

    def amiss(pair: tuple[int, int]) -> float:
        wide, high = pair
        return abs(math.log(wide / high / shape)) + CLOSER * abs(math.log(wide * high * STEP**2 / area))

    wide, high = min(rows.items(), key=amiss)
    return wide * STEP, high * STEP
