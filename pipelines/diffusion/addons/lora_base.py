"""Whether a LoRA's file was made for the base of a model, by what the library knows of it."""

from __future__ import annotations

from pathlib import Path

from pipelines.diffusion.addons.lora_keys import Places
from pipelines.errors import BadFile, Sentence
from pipelines.models import strangers
from pipelines.models.library.adapters import text_context
from pipelines.models.library.denoisers import CONTEXTS
from pipelines.models.library.entry import base_name
from pipelines.models.library.kinds import NAMES, Recognised
from pipelines.models.library.recognise import recognise

ARCHITECTURE = {"sd1": "sd", "sd2": "sd", "sdxl-refiner": "sdxl"}
"""The library's name of a base -> ours, where they differ."""


def check_base(path: Path, places: Places) -> None:
    """Raises BadFile, with the library's own sentence where that calls the file unusable."""
    head = strangers.sound_header(path)
    known = recognise(head.shapes, head.metadata, head.dtypes, path.stem)
    if known.kind == "lora" and known.unusable:
        raise BadFile("{label}: {why}", label=path.name[:60], why=known.unusable.with_small_first())
    if _of_another(known, text_context(head.shapes), places):
        own = CONTEXTS.get(places.context, places.architecture)
        raise BadFile(
            "{file} was made for {base}, and this model is {own}. Choose another LoRA or model.",
            file=path.name[:60],
            base=NAMES.get(known.architecture, Sentence("another base")),
            own=base_name(own),
        )


def _of_another(known: Recognised, context: int, places: Places) -> bool:
    if context and places.context and context != places.context:
        return True
    base = known.architecture
    if base in ("unknown", places.architecture):
        return False
    own = CONTEXTS.get(places.context)
    if own and base in CONTEXTS.values():
        return base != own
    return ARCHITECTURE.get(base, base) != places.architecture
