"""The fields in which a request names add-ons, read: "foxstyle:0.8, ink:1:0.5" -> names and weights."""

import math
from typing import NamedTuple

from pipelines.errors import BadRequest

LARGEST_WEIGHT = 10
MOST_LORAS = 16


class Wanted(NamedTuple):
    """A LoRA by name, with its weight in the network and in the text encoders."""

    name: str
    weight: float = 1.0
    text_weight: float = 1.0


def wanted_loras(text: str) -> tuple[Wanted, ...]:
    """ "name", "name:weight" or "name:weight:text weight", with commas between. Raises BadRequest."""
    wanted = tuple(_wanted(part.strip()) for part in text.split(",") if part.strip())
    if len(wanted) > MOST_LORAS:
        raise BadRequest(f"loras may name at most {MOST_LORAS}; got {len(wanted)}.")
    return wanted


def _wanted(text: str) -> Wanted:
    name, *numbers = (part.strip() for part in text.split(":"))
    try:
        weights = [float(number) for number in numbers]
    except ValueError:
        weights = [math.nan]
    if not name or len(weights) > 2 or not all(abs(weight) <= LARGEST_WEIGHT for weight in weights):
        raise BadRequest(
            f"loras must be like name:0.8, other:0.5, with weights from -{LARGEST_WEIGHT} to {LARGEST_WEIGHT}; "
            f"got {text[:60]!r}."
        )
    weight = weights[0] if weights else 1.0
    return Wanted(name, weight, weights[1] if len(weights) > 1 else weight)
