"""LoRAs that other tools load beside the prompt, as the tags that our prompt names them by."""

import math
import re
from collections.abc import Iterable
from typing import Any

from pipelines.requests.names import file_stem

MOST = 50


def tag(file: object, weight: float) -> str:
    """`<lora:name:weight>` of a LoRA's file."""
    name = re.sub(r"[<>:\s]+", " ", file_stem(file)).strip()
    return f"<lora:{name}:{weight:g}>"


def tagged(values: dict[str, Any], rows: Iterable[tuple[object, object]]) -> dict[str, Any]:
    """The values with a tag for each file and weight, which may be text, behind the prompt."""
    tags = [tag(file, weight) for file, text in rows if file and (weight := _number(text))]
    return values | {"prompt": " ".join([str(values.get("prompt", "")), *tags[:MOST]]).strip()} if tags else values


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
