"""The extra networks that a prompt names, `<lora:name:0.8>`, taken out of its words."""

import math
import re
from dataclasses import dataclass

from pipelines.errors import BadRequest

MOST = 32
LARGEST = 10.0
_NETWORK = re.compile(r"<(lora|lyco|hypernet):([^<>:\r\n]{1,200})((?::[^<>:\r\n]{0,400}){0,8})>", re.IGNORECASE)
_NUMBER = re.compile(r"\s*[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*")


@dataclass(frozen=True)
class Lora:
    """A LoRA by its name, how strongly it acts in the UNet and in the text encoder, and what else was asked of it."""

    name: str
    unet: float = 1.0
    text_encoder: float = 1.0
    left_out: str = ""
    """Options that are not known here, as they were written: `lbw=1,0,0,0`."""


def taken_out(text: str, syntax: str) -> tuple[str, tuple[Lora, ...], tuple[str, ...]]:
    """The text without them, the LoRAs in their order, and those of other kinds as they were written."""
    loras: list[Lora] = []
    others: list[str] = []

    def take(found: re.Match[str]) -> str:
        if found[1].lower() == "hypernet":
            others.append(found[0])
        else:
            loras.append(_lora(found[2].strip(), found[3].split(":")[1:], syntax))
        return ""

    left = _NETWORK.sub(take, text)
    if len(loras) > MOST:
        raise BadRequest("a prompt may name at most {most} LoRAs; got {got}. Remove some.", most=MOST, got=len(loras))
    return left, tuple(loras), tuple(others)


def _lora(name: str, values: list[str], syntax: str) -> Lora:
    """One number is for both. Of two, A1111 means the text encoder by the first, all others the UNet; `te=` and
    `unet=` say it outright."""
    order = ("te", "unet") if syntax == "a1111" else ("unet", "te")
    named = dict(value.split("=", 1) for value in values if "=" in value)
    numbers = [value for value in values if "=" not in value]
    strengths = dict(zip(order, (_strength(name, value) for value in numbers[:2]), strict=False))
    first = strengths.get(order[0], 1.0)
    strengths = {which: strengths.get(which, first) for which in order}
    strengths |= {which: _strength(name, value) for which, value in named.items() if which in strengths}
    left_out = [value for value in values if value in numbers[2:] or value.partition("=")[0] in named.keys() - {*order}]
    return Lora(name, strengths["unet"], strengths["te"], ":".join(left_out))


def _strength(name: str, text: str) -> float:
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    if abs(value) > LARGEST:
        raise BadRequest(
            "the strength of the LoRA {name!r} must be -{most:g} to {most:g}; got {got!r}.",
            name=name[:40],
            most=LARGEST,
            got=text[:20],
        )
    return value
