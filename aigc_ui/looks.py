"""What the control of a field looks like, decided once: Gradio's components and the benches' own controls only draw it.

Words are keys of the table of words; what the table does not know stands there as it is.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from aigc_ui import words
from pipelines.params import Choice, Curve, Field, Flag, Picture, Range, Text
from pipelines.params.specs import LARGEST_OF_JAVASCRIPT

SLIDER_STEPS = 100_000  # a range with more whole numbers than this is typed, not slid
LOGARITHMIC = ("beta_start", "beta_end")


@dataclass(frozen=True)
class Look:
    """`kind`: slider, number, digits, choice, flag, text, or script for what no control holds: a picture, a drawn
    curve. Digits are a whole number in text, as a number of JavaScript would round it.

    A slider moves by `step`, or, where `log`, by equal ratios.
    """

    kind: str
    label: str
    info: str = ""
    placeholder: str = ""
    step: float | None = None
    log: bool = False
    choices: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def look(field: Field, bench: str = "") -> Look:
    """On the Create page, or on a `bench`, which has words of its own for some fields."""
    match field.spec:
        case Range():
            log = bool(bench) and field.name in LOGARITHMIC
            kind = _kind(field.kind, field.spec)
            return replace(_in_words(kind, field, bench), step=_step(field.kind, field.spec), log=log)
        case Choice():
            choices = {option: _choice(field.declared, option) for option in field.spec.names()}
            return replace(_in_words("choice", field, bench), choices=choices)
        case Flag():
            return _in_words("flag", field, bench)
        case Text():
            return _in_words("text", field, bench)
        case Picture() | Curve():
            return replace(_in_words("script", field, bench), info="", placeholder="")  # the script says more


def _kind(kind: type, spec: Range) -> str:
    if kind is not int or spec.high - spec.low <= SLIDER_STEPS:
        return "slider"
    return "number" if spec.high <= LARGEST_OF_JAVASCRIPT else "digits"


def _step(kind: type, spec: Range) -> float:
    if spec.step:
        return spec.step
    if kind is int:
        return 1
    return 0.01 if spec.high - spec.low <= 2 else 0.1


def _in_words(kind: str, field: Field, bench: str) -> Look:
    """With label, help and placeholder; a field that the table does not know keeps its own English."""
    name = field.declared  # units of one kind have the same words
    own = "lab." if bench and words.has(f"lab.field.{name}") else ""
    label, placeholder = f"{own}field.{name}", f"placeholder.{name}"
    known = words.has(label)
    infos = (f"lab.{bench}.info.{name}", f"{own}info.{name}")
    return Look(
        kind,
        label if known else name.replace("_", " ").capitalize(),
        next(filter(words.has, infos), "" if known else field.help),
        placeholder if not bench and words.has(placeholder) else "",
    )


def _choice(name: str, option: str) -> str:
    keys = (f"choice.{name}.{option}", f"field.{option}")  # an option may be the name of a setting
    return next(filter(words.has, keys), option)
