"""How much each word counts: `(x)`, `[x]` and `(x:1.3)` to spans of equal weight, and BREAK to sections."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines.errors import BadRequest
from pipelines.prompts.steps import Steps

LARGEST = 100.0  # of a weight: (x) 48 times over
UP, DOWN = 1.1, 1 / 1.1
_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_A1111 = re.compile(rf"\\[()\[\]{{}}|\\]|:\s*({_NUMBER})\s*\)|[()\[\]]|[^\\()\[\]:]+|[\\:]")
_COMFYUI = re.compile(rf"\\[()]|:\s*({_NUMBER})\s*\)|[()]|[^\\():]+|[\\:]")
_BREAK = re.compile(r"\bBREAK\b")
_SPECIAL = re.compile(r"[()\[\]\\]")


@dataclass(frozen=True)
class Span:
    """Words that all have one weight."""

    text: str
    weight: float = 1.0


Sections = tuple[tuple[Span, ...], ...]
"""The spans between two BREAKs, for each such part of a text; one section where there is no BREAK."""


@dataclass(slots=True)
class _Token:
    """A piece of the text. An opening bracket has the factor that it turned out to have, a closing one its partner."""

    text: str
    opens: str = ""
    factor: float = 1.0
    replaces: bool = False
    closes: str = ""


def read(text: str, syntax: str, steps: Steps | None = None) -> Sections:
    """The spans of a text; a piece of it is a step. Raises BadRequest for a weight beyond LARGEST."""
    if syntax == "plain":
        return _sections([(text, 1.0)], breaks=False)
    tokens = _tokens(text, _A1111 if syntax == "a1111" else _COMFYUI, multiplies=syntax == "a1111")
    if steps:
        steps.take(len(tokens))
    return _sections(_weighed(tokens), breaks=syntax == "a1111")


def escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: "\\" + found[0], text)


def too_heavy(weight: float) -> BadRequest:
    return BadRequest(
        "a weight in the prompt must be -{most:g} to {most:g}; got {got:.4g}. Use fewer brackets.",
        most=LARGEST,
        got=weight,
    )


def _tokens(text: str, grammar: re.Pattern[str], multiplies: bool) -> list[_Token]:
    """The pieces with their brackets matched, round and square ones apart. A bracket that nothing opened is a word.

    Where a weight multiplies (A1111), an unclosed bracket holds to the end; else (ComfyUI) it is a word too.
    """
    tokens: list[_Token] = []
    waiting: dict[str, list[_Token]] = {"(": [], "[": []}
    for found in grammar.finditer(text):
        piece, number = found[0], found[1]
        token = _Token(piece[1:] if len(piece) == 2 and piece[0] == "\\" else piece)
        partner = {")": "(", "]": "["}.get("" if piece[0] == "\\" else piece[-1:], "")
        if piece in waiting:
            waiting[piece].append(token)
            if multiplies:
                token.opens, token.factor = piece, UP if piece == "(" else DOWN
        elif partner and (number or len(piece) == 1) and waiting[partner]:
            opening = waiting[partner].pop()
            opening.opens, token.closes = partner, partner
            opening.factor = float(number) if number else UP if partner == "(" else DOWN
            opening.replaces = bool(number) and not multiplies
        tokens.append(token)
    return tokens


def _weighed(tokens: list[_Token]) -> Iterator[tuple[str, float]]:
    """Each word with the product of the brackets around it; a number that replaces makes the product begin anew."""
    around: dict[str, list[float]] = {"(": [1.0], "[": [1.0]}
    for token in tokens:
        if token.opens:
            held = around[token.opens]
            held.append(token.factor if token.replaces else held[-1] * token.factor)
        elif token.closes:
            around[token.closes].pop()
        else:
            yield token.text, around["("][-1] * around["["][-1]


def _sections(words: Iterable[tuple[str, float]], breaks: bool) -> Sections:
    sections: list[list[tuple[list[str], float]]] = [[]]
    for text, weight in words:
        if not -LARGEST <= weight <= LARGEST:
            raise too_heavy(weight)
        pieces = _BREAK.split(text) if breaks else [text]
        for i, piece in enumerate(pieces):
            if i:
                sections.append([])
            _add(sections[-1], piece.strip() if len(pieces) > 1 else piece, weight)
    return tuple(tuple(Span("".join(texts), weight) for texts, weight in section) for section in sections)


def _add(section: list[tuple[list[str], float]], text: str, weight: float) -> None:
    if section and section[-1][1] == weight:
        section[-1][0].append(text)
    elif text:
        section.append(([text], weight))
