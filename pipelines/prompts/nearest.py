"""What a vocabulary has nearest to a word that it lacks: what means nearly the same by a table made by hand, names that
hold the word, and names spelled nearly as it is."""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.prompts.pieces import Pieces, is_han, pieces_of
from pipelines.prompts.vocabulary import Vocabulary, Word

TABLE = Path(__file__).parent / "nearby.csv"
MOST = 4
SHORTEST = 4
"""Letters of a word that may be a slip of the pen; of shorter ones too many are one letter apart."""
LONG = 7
"""From so many letters on there may be two slips."""
CHINESE, ENGLISH = "zh", "en"
_ENDINGS = (("ies", "y"), ("ves", "f"), ("men", "man"), ("es", ""), ("s", ""))


@dataclass(frozen=True)
class Suggestion:
    """A name that the vocabulary knows, and its picture's cell."""

    text: str
    picture: int | None = None


@functools.cache
def table() -> Mapping[Pieces, tuple[str, ...]]:
    """Common words -> the English names of what stands nearest, the nearest first, for any vocabulary; words that no
    picture shows have none."""
    found: dict[Pieces, list[str]] = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for word in f"{row['english']};{row['chinese']}".split(";"):
                if pieces := pieces_of(word):
                    found.setdefault(pieces, []).extend([row["known"]] if row["known"] else [])
    return {pieces: tuple(names) for pieces, names in found.items()}


@functools.lru_cache(maxsize=4096)
def nearest(vocabulary: Vocabulary, pieces: Pieces, language: str) -> tuple[Suggestion, ...]:
    """Up to MOST names in a language, the nearest first; none where nothing is near."""
    found: dict[int, Suggestion] = {}
    for word, english in _meant(vocabulary, pieces) or _alike(vocabulary, pieces):
        usual = word.names.get(language) or word.names.get(ENGLISH) or ("",)
        text = english if english and language == ENGLISH else usual[0]
        if text:
            found.setdefault(id(word), Suggestion(text, word.picture))
    return tuple(found.values())[:MOST]


Near = list[tuple[Word, str]]
"""Words, and the name to take for each in English; "" for the usual one."""


def _meant(vocabulary: Vocabulary, pieces: Pieces) -> Near:
    """Those that mean nearly the same."""
    found: Near = [(word, "") for word in vocabulary.words if " ".join(pieces) in word.near]
    for many, base in enumerate(_bases(pieces)):
        if word := vocabulary.known.get(base):  # a name that is known, but not in this form
            found.append((word, _counted(word, many > 0)))
        for name in table().get(base, ()):
            if word := vocabulary.known.get(pieces_of(name)):
                found.append((word, _counted(word, many > 0) or name))
    return found


def _alike(vocabulary: Vocabulary, pieces: Pieces) -> Near:
    """Those whose names hold the word, or are spelled nearly as it is, or as a word that means nearly the same."""
    if table().get(pieces) == ():
        return []  # a word that no picture shows
    found: Near = [(word, "") for word in _holding(vocabulary, pieces)]
    text = " ".join(pieces)
    if not text.isascii():
        return found
    many = text.endswith("s")
    names = _by_name(vocabulary)
    found += [(names[name], _counted(names[name], many)) for name in _spelled(text, names)]
    if not found:
        common = _common()
        found = [pair for name in _spelled(text, common) for pair in _meant(vocabulary, common[name])]
    return found


@functools.lru_cache(maxsize=8)
def _by_name(vocabulary: Vocabulary) -> Mapping[str, Word]:
    """Every English name, in the singular and the plural."""
    every = ((word, (*word.names.get(ENGLISH, ()), *word.plurals.get(ENGLISH, ()))) for word in vocabulary.words)
    return {name: word for word, names in every for name in names}


@functools.cache
def _common() -> Mapping[str, Pieces]:
    """The common words that are written in letters."""
    return {" ".join(name): name for name in table() if name[0].isascii()}


@functools.lru_cache(maxsize=8)
def _pieces(vocabulary: Vocabulary) -> tuple[tuple[Word, tuple[Pieces, ...]], ...]:
    """Each word with its English names in pieces."""
    return tuple((word, tuple(map(pieces_of, word.names.get(ENGLISH, ())))) for word in vocabulary.words)


def _counted(word: Word, many: bool) -> str:
    return next(iter(word.plurals.get(ENGLISH, ())), "") if many else ""


def _bases(pieces: Pieces) -> Iterator[Pieces]:
    """The word itself, then what it may be the plural of."""
    yield pieces
    *before, last = pieces
    last = last.removesuffix("'s")
    for ending, instead in _ENDINGS:
        if last.endswith(ending) and len(last) > len(ending) + 1 and not last.endswith("ss"):
            yield (*before, last.removesuffix(ending) + instead)


def _holding(vocabulary: Vocabulary, pieces: Pieces) -> Iterator[Word]:
    """Whose names have the word among theirs; of Chinese ones, also whose name it holds."""
    text, han = "".join(pieces), is_han(pieces[0])
    for word, names in _pieces(vocabulary):
        if han:
            chinese = word.names.get(CHINESE, ())
            if any(text in name or (len(name) > 1 and name in text) for name in chinese):
                yield word
        elif any(_is_part(pieces, name) for name in names):
            yield word


def _is_part(some: Pieces, whole: Pieces) -> bool:
    return any(whole[i : i + len(some)] == some for i in range(len(whole) - len(some) + 1))


def _spelled(text: str, names: Iterable[str]) -> list[str]:
    """Those of the names that differ from the text by a slip or two, the nearest first."""
    if len(text) < SHORTEST:  # of so short a word only letters that changed places
        return [name for name in names if len(name) > 2 and name != text and sorted(name) == sorted(text)]
    most = 2 if len(text) >= LONG else 1
    alike = ((order, name) for order, name in enumerate(names) if abs(len(name) - len(text)) <= most)
    apart = [(distance(text, name, most), order, name) for order, name in alike]
    return [name for far, _, name in sorted(apart) if far <= most]


def distance(a: str, b: str, most: int) -> int:
    """Letters put in, left out, changed, or swapped with the next one, between two words; `most` + 1 for any more."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[-1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)
