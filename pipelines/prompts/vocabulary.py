"""The words that a model knows, where it knows no others: `vocabulary.json` in its folder, perhaps with small pictures.

    {"version": 1, "kinds": {"animal": {"names": {"en": "animals"}, "thing": true}, ...},
     "words": [{"kind": "animal", "names": {"en": ["cat", "kitten"], "zh": ["猫"]}, "plurals": {"en": ["cats"]}}, ...],
     "small": {"en": ["a", "the"]}, "joining": ["and"], "pictures": {"file": "x.webp", "cell": 48, "columns": 16}}

The pictures are a file beside it. A word may have `picture`, its cell in the sheet; `sign`, a character instead of one;
`colour`; `of`, the kinds that it can be said of; `also`, kinds of which it is besides its own; `near`, what means the
same and is not known; `say`, what is written for it. Whoever wrote the file is a stranger; one that cannot be read
counts as none.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pipelines.errors import BadRequest
from pipelines.files import bounded_json, plain
from pipelines.prompts.pieces import Pieces, pieces_of

log = logging.getLogger(__name__)

FILE = "vocabulary.json"
VERSION = 1
MOST_BYTES, MOST_PICTURE_BYTES = 2**21, 2**23
MOST_WORDS = 10_000
LONGEST = 80
LONGEST_SIGN = 4  # code points
PICTURES = {".webp": "image/webp", ".png": "image/png"}
_PLAIN_NAME = re.compile(r"[\w-]{1,60}\.(?:webp|png)")
_COLOUR = re.compile(r"#[0-9a-f]{6}")

Names = Mapping[str, tuple[str, ...]]
"""language -> names, the usual one first."""


@dataclass(frozen=True)
class Kind:
    """What a group of words is called in each language, and whether they are things that a picture can show."""

    names: Mapping[str, str]
    thing: bool = False


@dataclass(frozen=True)
class Word:
    """What the model knows by these names. `of`: the kinds of which it can be said; empty, of all. `also`: kinds of
    which it is besides its own."""

    kind: str
    names: Names
    plurals: Names = field(default_factory=dict)
    near: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    say: Mapping[str, str] = field(default_factory=dict)
    picture: int | None = None
    colour: str = ""
    sign: str = ""
    also: tuple[str, ...] = ()

    def is_of(self, kinds: Container[str]) -> bool:
        return self.kind in kinds or any(kind in kinds for kind in self.also)


@dataclass(frozen=True)
class Sheet:
    """A file of square pictures beside the vocabulary, `cell` pixels wide, in rows of `columns`."""

    file: str
    cell: int
    columns: int


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """All that a model's prompt may say. `digest` tells this description from any other."""

    kinds: Mapping[str, Kind]
    words: tuple[Word, ...]
    small: Names = field(default_factory=dict)
    joining: tuple[str, ...] = ()
    sheet: Sheet | None = None
    digest: str = ""

    @cached_property
    def known(self) -> Mapping[Pieces, Word | None]:
        """Every name as its pieces; None for words that are only small."""
        found: dict[Pieces, Word | None] = {pieces_of(name): None for some in self.small.values() for name in some}
        for word in self.words:
            for some in (*word.names.values(), *word.plurals.values()):
                for name in some:
                    found[pieces_of(name)] = word
        found.pop((), None)
        return found

    @cached_property
    def joins(self) -> frozenset[Pieces]:
        return frozenset(map(pieces_of, self.joining))

    def to_json(self) -> dict[str, Any]:
        """For the page: what it shows and searches, without what only the check needs."""
        return {
            "digest": self.digest,
            "sheet": self.sheet and {"cell": self.sheet.cell, "columns": self.sheet.columns},
            "kinds": {name: {"names": kind.names} for name, kind in self.kinds.items()},
            "words": [
                {
                    "kind": word.kind,
                    "names": word.names,
                    "say": word.say,
                    "picture": word.picture,
                    "colour": word.colour,
                    "sign": word.sign,
                }
                for word in self.words
            ],
        }


def of_model(place: Path) -> Vocabulary | None:
    """That of a model's folder; None for one that has none, as nearly all."""
    file = place / FILE
    if not plain.is_regular(file):
        return None
    status = file.stat()
    return _read(file, (status.st_mtime_ns, status.st_size, status.st_ino))


def pictures(place: Path) -> tuple[bytes, str] | None:
    """The file of the small pictures and its media type; None where there is none that can be read."""
    vocabulary = of_model(place)
    if vocabulary is None or vocabulary.sheet is None:
        return None
    file = place / vocabulary.sheet.file
    try:
        with plain.open_inside(file, [file.parent.resolve()]) as opened:
            return plain.read_all(opened, MOST_PICTURE_BYTES), PICTURES[file.suffix]
    except OSError as error:
        log.warning("the pictures of %s cannot be read: %s", FILE, error)
        return None


@functools.lru_cache(maxsize=8)
def _read(file: Path, state: tuple[int, ...]) -> Vocabulary | None:
    """Of the file in this state."""
    try:
        with plain.open_inside(file, [file.parent.resolve()]) as opened:
            raw = plain.read_all(opened, MOST_BYTES)
        vocabulary = parsed(bounded_json.loads(raw, label=FILE))
        return replace(vocabulary, digest=_digest(raw, file.parent, vocabulary.sheet))
    except (OSError, BadRequest, ValueError) as error:
        log.warning("%s of the model %s cannot be read: %s", FILE, file.parent.name, error)
        return None


def _digest(raw: bytes, folder: Path, sheet: Sheet | None) -> str:
    """Of the words and of this state of their pictures."""
    state = hashlib.sha256(raw)
    if sheet and plain.is_regular(folder / sheet.file):
        status = (folder / sheet.file).stat()
        state.update(f"{status.st_mtime_ns} {status.st_size}".encode())
    return state.hexdigest()[:16]


def parsed(value: Any) -> Vocabulary:
    """Raises ValueError for what is no such description."""
    value = _mapping(value)
    if value.get("version") != VERSION:
        raise ValueError(f"its version is not {VERSION}")
    kinds = {
        _text(name): Kind(_texts_by_language(one.get("names")), one.get("thing") is True)
        for name, one in ((name, _mapping(one)) for name, one in _mapping(value.get("kinds")).items())
    }
    sheet = _sheet(_mapping(value["pictures"])) if value.get("pictures") else None
    words = tuple(_word(_mapping(one), kinds) for one in _list(value.get("words")))
    if len(words) > MOST_WORDS:
        raise ValueError(f"it has more than {MOST_WORDS} words")
    return Vocabulary(kinds, words, _names(value.get("small", {})), _texts(value.get("joining", [])), sheet)


def _word(one: Mapping[str, Any], kinds: Mapping[str, Kind]) -> Word:
    picture, colour, sign = one.get("picture"), one.get("colour", ""), one.get("sign", "")
    if one.get("kind") not in kinds:
        raise ValueError("a word is of a kind that is not listed")
    if not (picture is None or (type(picture) is int and 0 <= picture < MOST_WORDS)):
        raise ValueError("a picture is no number")
    if colour and not (isinstance(colour, str) and _COLOUR.fullmatch(colour)):
        raise ValueError("a colour is not like #0f766e")
    if sign and len(_text(sign)) > LONGEST_SIGN:
        raise ValueError("a sign is no single character")
    return Word(
        one["kind"],
        _names(one.get("names")),
        _names(one.get("plurals", {})),
        _texts(one.get("near", [])),
        _texts(one.get("of", [])),
        _texts_by_language(one.get("say", {})),
        picture,
        colour,
        sign,
        _texts(one.get("also", [])),
    )


def _sheet(one: Mapping[str, Any]) -> Sheet:
    file, cell, columns = one.get("file"), one.get("cell"), one.get("columns")
    if not (isinstance(file, str) and _PLAIN_NAME.fullmatch(file)):
        raise ValueError("its pictures are no file beside it")
    if not (type(cell) is int and 8 <= cell <= 256 and type(columns) is int and 1 <= columns <= 256):
        raise ValueError("its pictures have no size")
    return Sheet(file, cell, columns)


def _names(value: Any) -> dict[str, tuple[str, ...]]:
    return {_text(language): _texts(some) for language, some in _mapping(value).items()}


def _texts_by_language(value: Any) -> dict[str, str]:
    return {_text(language): _text(one) for language, one in _mapping(value).items()}


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, _list(value)))


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not value.isprintable():
        raise ValueError(f"it holds something else than texts of up to {LONGEST} characters")
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("it holds something else than an object")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("it holds something else than a list")
    return value
