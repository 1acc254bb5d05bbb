"""Which learned words a prompt mentions: the names of the files in `embeddings`, as whole words."""

import re
from collections.abc import Iterable

from pipelines.models.addons import files

READERS = {"sd": ("text_encoder",), "sdxl": ("text_encoder", "text_encoder_2")}
READERS |= {"sd3": READERS["sdxl"], "flux": ("text_encoder",)}
"""By architecture, the text encoders that can learn words: CLIP's. T5 beside them reads a name as it is written."""


def mentioned(texts: Iterable[str]) -> tuple[str, ...]:
    """Names of files that are in these texts, in order. Case does not matter, as no CLIP tokenizer minds it."""
    here = {name.casefold(): name for name in reversed(files.installed(files.EMBEDDING))}
    if not here:
        return ()
    found = {here[word.casefold()] for text in texts for word in pattern(here.values()).findall(text)}
    return tuple(sorted(found))


def pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Finds the names as whole words, the longest first."""
    longest = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest))})(?![\w-])", re.IGNORECASE)
