"""Which words of a prompt a model does not hear: those that its vocabulary lacks, and those that it has, but not for
the thing that they are said of.

    unheard("a black cat on a sunset", vocabulary)   # black, of the cat; sunset

One rule for the page, the notes of a picture and the command line. In time linear in the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pipelines.errors import Sentence
from pipelines.models.addons import files as addon_files
from pipelines.models.addons import words as addon_words
from pipelines.prompts.nearest import CHINESE, ENGLISH, Suggestion, nearest, table
from pipelines.prompts.pieces import Piece, Pieces, pieces_of, read
from pipelines.prompts.vocabulary import Vocabulary, Word, of_model

MOST_NAMED = 8
"""Words that a note names."""


@dataclass(frozen=True)
class Unheard:
    """Characters start..end of the prompt. `thing` is what a known word cannot be said of; for an unknown one "".
    `pieces` are its letters as they are compared."""

    start: int
    end: int
    text: str
    pieces: Pieces = ()
    thing: str = ""
    kinds: tuple[str, ...] = ()


@dataclass
class _Unit:
    """Neighbouring pieces that are one name, or one unknown word."""

    pieces: list[Piece]
    word: Word | None = None
    known: bool = False

    @property
    def linked(self) -> bool:
        return self.pieces[0].linked

    @property
    def key(self) -> Pieces:
        return tuple(piece.text for piece in self.pieces)


def unheard(
    prompt: str, vocabulary: Vocabulary, syntax: str = "plain", others: Iterable[Pieces] = ()
) -> tuple[Unheard, ...]:
    """In their order. `others`: names that mean something besides, as learned words do."""
    units = list(_units(read(prompt, syntax), vocabulary, frozenset(others)))
    found = []
    for i, unit in enumerate(units):
        if not unit.known:
            found.append(_told(prompt, unit))
        elif thing := _said_in_vain(unit, units[i + 1 :], vocabulary):
            kinds = unit.word.of if unit.word else ()
            found.append(_told(prompt, unit, prompt[thing.pieces[0].start : thing.pieces[-1].end], kinds))
    return tuple(found)


def suggestions(one: Unheard, prompt: str, vocabulary: Vocabulary) -> tuple[Suggestion, ...]:
    """What the vocabulary has nearest to an unknown word, in its language; of an emoji, in that of the prompt."""
    if one.thing:
        return ()
    letters = one.text if any(c.isalpha() for c in one.text) else prompt
    language = CHINESE if any(piece.is_han for piece in read(letters)) else ENGLISH
    return nearest(vocabulary, one.pieces, language)


def learned() -> tuple[Pieces, ...]:
    """The words whose vectors were learned, as they are written."""
    return tuple(map(pieces_of, addon_words.by_word(addon_files.installed(addon_files.EMBEDDING))))


def notes(prompts: Iterable[str], place: Path, syntax: str) -> Iterator[Sentence]:
    """What the pictures of these prompts, whose choices are made, say of the model in that place."""
    vocabulary = of_model(place)
    if vocabulary is None:
        return
    others = learned()
    found = [one for prompt in dict.fromkeys(prompts) for one in unheard(prompt, vocabulary, syntax, others)]
    if unknown := dict.fromkeys(one.text for one in found if not one.thing):
        yield Sentence("This model does not know: {words}.", words=_listed(unknown))
    if vain := dict.fromkeys(f"{one.text} ({one.thing})" for one in found if one.thing):
        yield Sentence("This model cannot give these words to these things: {words}.", words=_listed(vain))


def _listed(words: dict[str, None]) -> str:
    named = list(words)
    return ", ".join(word[:40] for word in named[:MOST_NAMED]) + (", …" if len(named) > MOST_NAMED else "")


def _told(prompt: str, unit: _Unit, thing: str = "", kinds: tuple[str, ...] = ()) -> Unheard:
    start, end = unit.pieces[0].start, unit.pieces[-1].end
    return Unheard(start, end, prompt[start:end], unit.key, thing, kinds)


def _said_in_vain(unit: _Unit, after: list[_Unit], vocabulary: Vocabulary) -> _Unit | None:
    """The thing that follows a word like a colour, where it cannot be said of it."""
    if unit.word is None or not unit.word.of:
        return None
    for other in after:
        if not other.linked:
            return None
        describes = other.word is not None and other.word.of
        if not other.known or describes or other.key in vocabulary.joins:
            continue
        if other.word is None or other.word.is_of(unit.word.of) or not vocabulary.kinds[other.word.kind].thing:
            return None
        return other
    return None


@lru_cache(maxsize=16)
def _longest(vocabulary: Vocabulary) -> int:
    return max(map(len, (*vocabulary.known, *table())), default=1)


def _units(pieces: list[Piece], vocabulary: Vocabulary, others: frozenset[Pieces]) -> Iterator[_Unit]:
    for run in _runs(pieces):
        units: list[_Unit] = []
        for unit in _divided(run, vocabulary, others):
            last = units[-1] if units else None
            both = last and not last.known and not unit.known and not {last.key, unit.key} & table().keys()
            if last and both and unit.pieces[0].joined and last.pieces[-1].is_han and unit.pieces[0].is_han:
                last.pieces += unit.pieces  # nobody knows where a Chinese word ends that nobody knows
            else:
                units.append(unit)
        yield from units


def _divided(run: list[Piece], vocabulary: Vocabulary, others: frozenset[Pieces]) -> Iterator[_Unit]:
    """The pieces as names, so that as few as can be are unknown; then as few names as can be. A word that is common,
    but unknown, is better than pieces that nobody knows, and worse than known names that it falls into."""
    known, common = vocabulary.known, table()
    texts = tuple(piece.text for piece in run)
    longest = max(_longest(vocabulary), *map(len, others), 1)
    best: list[tuple[int, int, int]] = [(0, 0, 0)]  # of what follows: what is unknown, names, length of the first
    for i in reversed(range(len(run))):
        options = [(best[-1][0] + 2, best[-1][1] + 1, 1)]
        for length in range(1, min(longest, len(run) - i) + 1):
            name = texts[i : i + length]
            rest = best[-length]
            if name in known or name in others:
                options.append((rest[0], rest[1] + 1, length))
            elif name in common:
                options.append((rest[0] + 1, rest[1] + 1, length))
        best.append(min(options))
    i = 0
    while i < len(run):
        length = best[-1 - i][2]
        name = texts[i : i + length]
        yield _Unit(run[i : i + length], known.get(name), name in known or name in others)
        i += length


def _runs(pieces: list[Piece]) -> Iterator[list[Piece]]:
    """Those that only blanks stand between, together."""
    run: list[Piece] = []
    for piece in pieces:
        if run and not piece.linked:
            yield run
            run = []
        run.append(piece)
    if run:
        yield run
