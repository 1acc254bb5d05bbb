"""What lies beside the models for prompts: lists of words, `wildcards/*.txt`, and ready styles, `styles.csv`.

Both are A1111's. A list is named by its place in the folder, `animals/small` for `wildcards/animals/small.txt`; the
name is an id of word characters, so that no name leads out of the folder. Whoever wrote the files is a stranger.
"""

import csv
import functools
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines import places
from pipelines.errors import BadFile, BadRequest, NotFound, Sentence
from pipelines.files import disk, plain

NAME = r"[^\W_][\w-]{0,63}(?:/[^\W_][\w-]{0,63}){0,4}"
NO_STYLE = "none"
MOST_BYTES = 2**20
MOST_LINES = 20_000
MOST_STYLES = 1000
LONGEST_LINE = 2000
_NAME = re.compile(NAME)
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


def words_of(name: str) -> list[str]:
    """The lines of a list, without empty ones and comments. Raises NotFound, BadFile, BadRequest."""
    if not _NAME.fullmatch(name):
        raise BadRequest(
            "a wildcard is named by letters, digits, - and /, like __animals/small__; got {got!r}.", got=name[:40]
        )
    for folder in _wildcard_folders():
        file = folder / f"{name}.txt"
        if file.is_file() and file.resolve().is_relative_to(folder.resolve()):
            return _lines(file, name)
    raise NotFound(
        "there is no wildcard {name!r}. Put its words, one a line, into wildcards/{file}.txt beside "
        "the folder of models.",
        name=name[:60],
        file=name[:60],
    )


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


def _wildcard_folders() -> Iterator[Path]:
    for home in homes():
        yield home / "wildcards"
        for extension in disk.children(home / "extensions"):
            yield home / "extensions" / extension / "wildcards"


def _lines(file: Path, name: str) -> list[str]:
    lines = [
        line.strip()
        for line in _text(file, Sentence("the wildcard {name!r}", name=name[:60])).splitlines()[:MOST_LINES]
    ]
    words = [line for line in lines if line and not line.startswith("#")]
    if not words:
        raise BadFile("the wildcard {name!r} has no words. Write some into its file, one a line.", name=name[:60])
    if any(len(line) > LONGEST_LINE for line in words):
        raise BadFile(
            "the wildcard {name!r} has a line of more than {most} characters. Shorten it.",
            name=name[:60],
            most=LONGEST_LINE,
        )
    return words


def _text(file: Path, what: Sentence) -> str:
    try:
        with file.open("rb") as opened:
            raw = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadFile("{what} cannot be read: {problem}.", what=what, problem=error.strerror) from None
    if len(raw) > MOST_BYTES:
        raise BadFile("{what} is larger than {most} bytes. Take a smaller file.", what=what, most=MOST_BYTES)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile("{what} is not text in UTF-8. Save it as UTF-8.", what=what) from None


@functools.lru_cache(maxsize=16)
def _styles_of(file: Path, state: tuple[int, ...]) -> tuple[tuple[str, Style], ...]:
    """All of a file in this state."""
    return tuple(_rows(file))


def _rows(file: Path) -> Iterator[tuple[str, Style]]:
    try:
        rows = csv.DictReader(io.StringIO(_text(file, Sentence("styles.csv")), newline=""))
        for row in rows:
            name, prompt = row.get("name") or "", row.get("prompt") or ""
            negative = row.get("negative_prompt") or ""
            said = bool(prompt or negative) and max(len(prompt), len(negative)) <= LONGEST_LINE
            if said and name != NO_STYLE and _STYLE_NAME.fullmatch(name):  # others are headings of a long list
                yield name, Style(prompt, negative)
    except (BadFile, csv.Error):
        return
