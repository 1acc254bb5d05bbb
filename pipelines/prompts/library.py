"""Ready styles beside the models, A1111's `styles.csv`. Whoever wrote the file is a stranger."""

import csv
import functools
import io
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines import places
from pipelines.errors import BadFile, BadRequest, Sentence
from pipelines.files import encodings, plain

log = logging.getLogger(__name__)

NO_STYLE = "none"
MOST_BYTES = 2**20
MOST_STYLES = 1000
LONGEST_LINE = 2000
_STYLE_NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,100}")
_SLOT = "{prompt}"


@dataclass(frozen=True)
class Style:
    """Words around a prompt: they take it in where they say {prompt}, else they follow it."""

    prompt: str
    negative_prompt: str

    def around(self, prompt: str, negative_prompt: str) -> tuple[str, str]:
        return _around(self.prompt, prompt), _around(self.negative_prompt, negative_prompt)


def homes() -> tuple[Path, ...]:
    """The folders beside the models: where a studio, a ComfyUI or an A1111 is installed."""
    found = []
    for folder in places.roots():
        found.append(folder.parent)
        if folder.parent.name == "models":  # A1111's own are in models/Stable-diffusion
            found.append(folder.parent.parent)
    return tuple(dict.fromkeys(found))


def text_of(file: Path, what: Sentence, most_bytes: int = MOST_BYTES) -> str:
    """A stranger's text file in whatever encoding it is. Raises BadFile."""
    try:
        with file.open("rb") as opened:
            raw = opened.read(most_bytes + 1)
    except OSError as error:
        raise BadFile("{what} cannot be read: {problem}.", what=what, problem=error.strerror) from None
    if len(raw) > most_bytes:
        raise BadFile("{what} is larger than {most} bytes. Take a smaller file.", what=what, most=most_bytes)
    try:
        return encodings.decoded(raw)
    except ValueError:
        raise BadFile("{what} is no text. Save it as text in UTF-8.", what=what) from None


def styles() -> dict[str, Style]:
    """All styles by name; the first of a name counts. A file that cannot be read has none."""
    found: dict[str, Style] = {}
    for home in homes():
        file = home / "styles.csv"
        if plain.is_regular(file):
            status = file.stat()
            for name, one in _styles_of(file, (status.st_mtime_ns, status.st_size, status.st_ino)):
                found.setdefault(name, one)
    return dict(list(found.items())[:MOST_STYLES])


def style_names() -> tuple[str, ...]:
    """No style, and all that are here."""
    return (NO_STYLE, *styles())


def known_style(name: str) -> str | None:
    """The name, where it is one of `style_names()`."""
    return name if name == NO_STYLE or name in styles() else None


def style(name: str) -> Style:
    """The style of that name. Raises BadRequest."""
    if name == NO_STYLE:
        return Style("", "")
    found = styles().get(name)
    if found is None:
        raise BadRequest("there is no style {name!r} in styles.csv. Choose another one.", name=name[:60])
    return found


def _around(words: str, prompt: str) -> str:
    if _SLOT in words:
        return words.replace(_SLOT, prompt)
    return ", ".join(part for part in (prompt.strip(), words.strip()) if part) if words.strip() else prompt


@functools.lru_cache(maxsize=16)
def _styles_of(file: Path, state: tuple[int, ...]) -> tuple[tuple[str, Style], ...]:
    """All of a file in this state."""
    return tuple(_rows(file))


def _rows(file: Path) -> Iterator[tuple[str, Style]]:
    """What cannot be read is told in the log, as nobody has asked for it by name."""
    try:
        text = text_of(file, Sentence("styles.csv"))
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
        if not {"name", "prompt"} <= set(rows.fieldnames or ()):
            log.warning("styles.csv has no styles: its first line must be name,prompt,negative_prompt")
            return
        for row in rows:
            name, prompt = row.get("name") or "", row.get("prompt") or ""
            negative = row.get("negative_prompt") or ""
            said = bool(prompt or negative) and max(len(prompt), len(negative)) <= LONGEST_LINE
            if said and name != NO_STYLE and _STYLE_NAME.fullmatch(name):  # others are headings of a long list
                yield name, Style(prompt, negative)
    except (BadFile, csv.Error) as error:
        log.warning("styles.csv cannot be read: %s", error)


def _delimiter(text: str) -> str:
    """What stands between the names of the columns: a semicolon or tabulator where some Excel wrote the file."""
    heading = text.partition("\n")[0]
    return max(",;\t", key=heading.count)
