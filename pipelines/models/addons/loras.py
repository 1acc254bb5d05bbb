"""Which file the name of a LoRA means: by its place, by the file's name alone, or by what its trainer called it."""

from __future__ import annotations

import functools
from pathlib import Path

from pipelines.errors import BadFile, NotFound, Sentence
from pipelines.files import naming
from pipelines.models.addons import files
from pipelines.models.library import header

OUTPUT_NAME = "ss_output_name"
"""Where kohya's trainer writes what the file was called when it was made."""


def find(name: str) -> tuple[Path | None, Sentence]:
    """(the file, what is to be said of the choice or ""); no file where none can be meant. Raises BadFile."""
    meant = files.alike(files.LORA, name) or _by_output_name(name)
    if not meant:
        try:
            return files.find(files.LORA, name), Sentence("")
        except NotFound:
            return None, Sentence("The LoRA {name} is not installed; the picture was made without it.", name=name[:60])
    path = files.find(files.LORA, meant[0])
    if len(meant) == 1:
        return path, Sentence("")
    others = ", ".join(meant[1:4])
    return path, Sentence("The LoRA {name} can be {first} or {others}; {first} was used.", name=name[:60],
                          first=meant[0], others=others)  # fmt: skip


def _by_output_name(name: str) -> tuple[str, ...]:
    wanted = naming.key(name.strip())
    named = ((here, files.find(files.LORA, here)) for here in files.installed(files.LORA))
    return tuple(here for here, path in named if wanted and _output_name(path, files.identity(path)) == wanted)


@functools.lru_cache(maxsize=20_000)
def _output_name(path: Path, state: str) -> str:
    try:
        return naming.key(header.read(path).metadata.get(OUTPUT_NAME, "").strip())
    except (BadFile, OSError):
        return ""
