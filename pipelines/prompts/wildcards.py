"""Lists of words that a prompt draws from, beside the models: `wildcards/*.txt` with a word a line, and lists inside
`*.yaml` and `*.json`, as A1111's extension for dynamic prompts reads them.

A list is named by its place: `animals/small` is `animals/small.txt`, or the list under `small` of a mapping `animals`
in a YAML file of any name; a YAML file that is one list is named by itself. `*` stands for any part of names. No name
leads out of the folders. Whoever wrote the files is a stranger.
"""

import functools
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.errors import BadFile, BadRequest, Sentence, StudioError
from pipelines.files import bounded_json, bounded_yaml, disk, plain
from pipelines.prompts import library

log = logging.getLogger(__name__)

MOST_BYTES = 2**20
MOST_LINES = 20_000
LONGEST_LINE = 2000
MOST_FILES, DEEPEST = 5000, 6
MOST_STARS = 8
STRUCTURED = (".yaml", ".yml", ".json")
_PART = r"[^\W_](?:[\w .&'+-]{0,62}[\w])?"
_NAME = re.compile(rf"{_PART}(?:/{_PART}){{0,5}}")
_GLOB = re.compile(r"[\w*][\w*/ .&'+-]{0,200}")
_WEIGHT = re.compile(r"\s*([0-9]{1,6}(?:\.[0-9]{0,6})?)::")

Options = list[tuple[str, float]]
"""Words, and how often each is taken relative to the others."""
State = tuple[int, ...]


def options(name: str) -> Options | None:
    """What the lists of that name hold, without empty lines and comments; None where there is none.

    Raises BadFile for a list that cannot be read, BadRequest for names that take in too much.
    """
    if "*" not in name and not _NAME.fullmatch(name):
        return None
    if "*" in name and (not _GLOB.fullmatch(name) or ".." in name or name.count("*") > MOST_STARS):
        return None
    if "*" not in name and (file := _text_file(name)):
        return list(_lines(file, _state(file), name))
    sources = _sources()
    names = [one for one in sources if _matches(name, one)] or [one for one in sources if _matches(f"*/{name}", one)]
    if not names:
        return None
    found: dict[str, float] = {}
    for one in names:
        found |= dict(_lines(sources[one], _state(sources[one]), one))
        if len(found) > MOST_LINES:
            raise BadRequest(
                "the wildcard {name!r} takes in more than {most} lines. Name fewer lists.",
                name=name[:60],
                most=MOST_LINES,
            )
    return sorted(found.items())


def unreadable() -> Iterator[Sentence]:
    """Why files among the lists cannot be read, one sentence a file."""
    for _, file in _files():
        if file.suffix.lower() in STRUCTURED:
            why = _structured(file, _state(file))[1]
            if why is not None:
                yield why


def _matches(pattern: str, name: str) -> bool:
    """Whether `name` is the pattern with anything for each `*`; in linear time, whoever wrote either."""
    if "*" not in pattern:
        return pattern == name
    first, *middle, last = pattern.split("*")
    if not name.startswith(first) or not name.endswith(last) or len(name) < len(first) + len(last):
        return False
    at, end = len(first), len(name) - len(last)
    for part in middle:
        at = name.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def _folders() -> Iterator[Path]:
    for home in library.homes():
        yield home / "wildcards"
        for extension in disk.children(home / "extensions"):
            yield home / "extensions" / extension / "wildcards"


def _text_file(name: str) -> Path | None:
    for folder in _folders():
        file = folder / f"{name}.txt"
        if file.is_file() and _is_inside(file, folder):
            return file
    return None


def _is_inside(file: Path, folder: Path) -> bool:
    """Not by a link that leads out."""
    return file.resolve().is_relative_to(folder.resolve())


def _files() -> Iterator[tuple[str, Path]]:
    """Every file with the place of its folder among the lists."""
    for folder in _folders():
        for inside in disk.walk(folder, DEEPEST, MOST_FILES):
            within = inside.path.relative_to(folder).as_posix().removeprefix(".")
            for file in sorted(inside.path / name for name in inside.names):
                if _is_inside(file, folder):
                    yield within, file


def _sources() -> dict[str, Path]:
    """Every list's name and its file; the first of a name counts."""
    found: dict[str, Path] = {}
    for within, file in _files():
        for name in _names_in(file):
            found.setdefault(f"{within}/{name}".lstrip("/"), file)
    return found


def _names_in(file: Path) -> list[str]:
    kind = file.suffix.lower()
    if kind == ".txt":
        return [file.stem]
    if kind in STRUCTURED and plain.is_regular(file):
        return list(_structured(file, _state(file))[0])
    return []


def _state(file: Path) -> State:
    try:
        status = file.stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino


@functools.lru_cache(maxsize=512)
def _lines(file: Path, state: State, name: str) -> tuple[tuple[str, float], ...]:
    """Of the file in this state. Raises BadFile."""
    if file.suffix.lower() in STRUCTURED:
        lists = _structured(file, state)[0]
        words = next((lists[own] for own in lists if name == own or name.endswith(f"/{own}")), [])
    else:
        lines = [line.strip() for line in _text(file, name).splitlines()[:MOST_LINES]]
        words = [(line, 1.0) for line in lines if line and not line.startswith("#")]
    if not words:
        raise BadFile("the wildcard {name!r} has no words. Write some into its file, one a line.", name=name[:60])
    if any(len(line) > LONGEST_LINE for line, _ in words):
        raise BadFile(
            "the wildcard {name!r} has a line of more than {most} characters. Shorten it.",
            name=name[:60],
            most=LONGEST_LINE,
        )
    return tuple(words)


def _text(file: Path, name: str) -> str:
    return library.text_of(file, Sentence("the wildcard {name!r}", name=name[:60]), MOST_BYTES)


@functools.lru_cache(maxsize=128)
def _structured(file: Path, state: State) -> tuple[Mapping[str, Options], Sentence | None]:
    """The lists in a YAML or JSON file by their names, or why it cannot be read."""
    label = Sentence("the wildcards in {file}", file=file.name[:60])
    try:
        text = library.text_of(file, label, MOST_BYTES)
        if file.suffix.lower() == ".json":
            value = bounded_json.loads(text.encode(), label=label)
        else:
            value = bounded_yaml.loads(text, label)
    except StudioError as error:
        log.warning("%s", error)
        return {}, error.sentence
    return dict(_lists(value, file.stem)), None


def _lists(value: Any, name: str) -> Iterator[tuple[str, Options]]:
    if not isinstance(value, dict):
        value = {name: value}
    waiting = [(str(key), one) for key, one in reversed(value.items()) if isinstance(key, str)]
    while waiting:
        name, one = waiting.pop()
        if isinstance(one, dict):
            waiting += [(f"{name}/{key}", inner) for key, inner in reversed(one.items()) if isinstance(key, str)]
        elif words := [option for item in (one if isinstance(one, list) else [one]) if (option := _option(item))]:
            yield name, words[:MOST_LINES]


def _option(item: Any) -> tuple[str, float] | None:
    """`3::red`, or a mapping with `weight` and `text` or `content`."""
    if isinstance(item, dict):
        words, weight = item.get("text") or item.get("content"), item.get("weight", 1)
        if not isinstance(words, str) or not isinstance(weight, int | float) or not 0 <= weight < 10**6:
            return None
        return words, float(weight)
    if not isinstance(item, str) or not item.strip():
        return None
    weighted = _WEIGHT.match(item)
    return (item[weighted.end() :].strip(), float(weighted[1])) if weighted else (item.strip(), 1.0)
