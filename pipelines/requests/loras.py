"""The LoRAs that a request names, read: "foxstyle:0.8, ink:1:0.5" -> names and weights."""

import math
import re
from typing import Any, NamedTuple

from pipelines import prompts
from pipelines.errors import BadRequest

_PART = re.compile(r'(?:"[^"]*"|[^,])+')
_QUOTED = re.compile(r'"([^"]*)"\s*(|:.*)')
LARGEST_WEIGHT = 10
MOST_LORAS = 16


class Wanted(NamedTuple):
    """A LoRA by name, with its weight in the network and in the text encoders."""

    name: str
    weight: float = 1.0
    text_weight: float = 1.0


def wanted_loras(text: str) -> tuple[Wanted, ...]:
    """ "name", "name:weight" or "name:weight:text weight", with commas between; a name with commas in quotation marks.
    Raises BadRequest."""
    wanted = tuple(_wanted(part.strip()) for part in _PART.findall(text) if part.strip())
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
    quoted = _QUOTED.fullmatch(text)
    name, *numbers = (part.strip() for part in (quoted[2] if quoted else text).split(":"))
    name = quoted[1].strip() if quoted else name
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
