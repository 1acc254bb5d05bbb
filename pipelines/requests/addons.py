"""The fields in which a request names add-ons, read: "foxstyle:0.8, ink:1:0.5" -> names and weights."""

import math
from typing import Any, NamedTuple

from pipelines import prompts
from pipelines.errors import BadRequest

LARGEST_WEIGHT = 10
MOST_LORAS = 16


NO_CONTROL = "none"
NO_REFERENCE = "none"
CONTROL_TYPES = ("plain", "canny", "inverted")
"""What a ControlNet sees of the picture: the picture itself, its edges, or its negative, for black lines on white."""


class Wanted(NamedTuple):
    """A LoRA by name, with its weight in the network and in the text encoders."""

    name: str
    weight: float = 1.0
    text_weight: float = 1.0


def wanted_loras(text: str) -> tuple[Wanted, ...]:
    """ "name", "name:weight" or "name:weight:text weight", with commas between. Raises BadRequest."""
    wanted = tuple(_wanted(part.strip()) for part in text.split(",") if part.strip())
    if len(wanted) > MOST_LORAS:
        raise BadRequest("loras may name at most {most}; got {got}.", most=MOST_LORAS, got=len(wanted))
    return wanted


def all_loras(request: Any) -> tuple[Wanted, ...]:
    """Those of the field and those that the prompt names. Raises BadRequest where the pictures of a job differ."""
    named = [prompts.loras(prompt, request.prompt_syntax) for prompt, _ in request.every_words()]
    if len(set(named)) > 1:
        raise BadRequest("the seeds chose different LoRAs for the pictures of one job. Make them one by one.")
    in_prompt = (Wanted(lora.name, lora.unet, lora.text_encoder) for lora in named[0])
    return (*wanted_loras(request.loras), *in_prompt)


def _wanted(text: str) -> Wanted:
    name, *numbers = (part.strip() for part in text.split(":"))
    try:
        weights = [float(number) for number in numbers]
    except ValueError:
        weights = [math.nan]
    if not name or len(weights) > 2 or not all(abs(weight) <= LARGEST_WEIGHT for weight in weights):
        raise BadRequest(
            "loras must be like name:0.8, other:0.5, with weights from -{most} to {most}; got {got!r}.",
            most=LARGEST_WEIGHT,
            got=text[:60],
        )
    weight = weights[0] if weights else 1.0
    return Wanted(name, weight, weights[1] if len(weights) > 1 else weight)


def controlled(request: Any) -> bool:
    return request.control_model != NO_CONTROL


def referenced(request: Any) -> bool:
    return request.ip_model != NO_REFERENCE


def check_control(request: Any) -> None:
    """Raises BadRequest where the fields of a ControlNet do not go together."""
    _check_together(request, controlled(request), "control_model", "control_image")
    _check_order(request, ("control_start", "control_end"), ("control_low", "control_high"))


def check_reference(request: Any) -> None:
    """Raises BadRequest where the fields of an IP-Adapter do not go together."""
    _check_together(request, referenced(request), "ip_model", "ip_image")
    _check_order(request, ("ip_start", "ip_end"))


def _check_together(request: Any, wanted: bool, model: str, image: str) -> None:
    if wanted != bool(getattr(request, image)):
        missing = image if wanted else model
        raise BadRequest(
            "{model} and {image} go together; {missing} is missing. Add it or drop the other.",
            model=model,
            image=image,
            missing=missing,
        )


def _check_order(request: Any, *pairs: tuple[str, str]) -> None:
    for low, high in pairs:
        if getattr(request, low) > getattr(request, high):
            raise BadRequest(
                "{low} must be at most {high}; got {low_value:g} and {high_value:g}.",
                low=low,
                high=high,
                low_value=getattr(request, low),
                high_value=getattr(request, high),
            )
