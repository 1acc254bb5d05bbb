"""Which learned words a prompt mentions: the names of the files in `embeddings`, as whole words.

A word is called as its file, with or without the folders before it; ComfyUI's `embedding:name` is the same word.
"""

import re
from collections.abc import Iterable

from pipelines.files import naming
from pipelines.models.addons import files

READERS = {"sd": ("text_encoder",), "sdxl": ("text_encoder", "text_encoder_2")}
READERS |= {"sd3": READERS["sdxl"], "flux": ("text_encoder",)}
"""By architecture, the text encoders that can learn words: CLIP's. T5 beside them reads a name as it is written."""
PREFIX = "embedding:"
_UNKNOWN = re.compile(rf"(?<![\w-]){PREFIX}\s*([^\s,:()\[\]<>|{{}}]{{1,120}})", re.IGNORECASE)


def mentioned(texts: Iterable[str]) -> tuple[str, ...]:
    """Names of files that are in these texts, in order. Case does not matter, as no CLIP tokenizer minds it."""
    here = by_word(files.installed(files.EMBEDDING))
    if not here:
        return ()
    every = pattern(here)
    found = {here[found[1].casefold()] for text in texts for found in every.finditer(naming.key(text))}
    return tuple(sorted(found))


def by_word(names: Iterable[str]) -> dict[str, str]:
    """How each of these files is written in a prompt, in small letters -> its name; of one word the first file's."""
    known = list(names)
    last = {naming.key(name.rpartition("/")[2]).casefold(): name for name in reversed(known)}
    return last | {naming.key(name).casefold(): name for name in reversed(known)}


def pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Finds the words, group 1, as whole ones, the longest first, in a text of NFC."""
    longest = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{PREFIX}\s*)?({'|'.join(map(re.escape, longest))})(?![\w-])", re.IGNORECASE)


def unknown(text: str) -> tuple[str, ...]:
    """What follows an `embedding:` and is no learned word that is here."""
    here = by_word(files.installed(files.EMBEDDING))
    left = pattern(here).sub("", naming.key(text)) if here else text
    return tuple(dict.fromkeys(_UNKNOWN.findall(left)))
