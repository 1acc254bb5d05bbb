"""A text as the pieces that a vocabulary is compared by: words, Chinese characters one by one, numbers, emoji.

What only says how words count is no piece: tags of networks, lists of words, weights, BREAK, AND.
"""

import re
import unicodedata
from dataclasses import dataclass

Pieces = tuple[str, ...]
"""A name in small letters: ("hot", "dog"), ("熊", "猫")."""

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_EMOJI = "[\u2190-\u21ff\u2300-\u2bff\U0001f000-\U0001faff]"
_PIECE = re.compile(
    rf"[{_HAN}]|\d+(?:\.\d+)?|[^\W\d_{_HAN}]+(?:['\u2019][^\W\d_{_HAN}]+)*|{_EMOJI}(?:\u200d?{_EMOJI}|\ufe0f)*"
)
_LINKS = re.compile(r"(?:[^\S\n]|[_()\[\]{}-])*")
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)"
_LIST = re.compile(r"__[~!@]?(?=[\w*.$\{])(?!_)(?:(?!__)[\w/*. &'+$\{\}-]){1,200}?(?:\([^()\n]{1,300}\))?__")
_CHANCE = re.compile(
    r"""<(?:lora|lyco|hypernet):[^<>\n]{0,800}>
    | (?<![\w-])embedding:\s{0,9}[^\s,:()\[\]<>|{}]{1,120}
    | \$\{\s*[^\W\d]\w{0,40}\s*(?:\?=\s*!?|=\s*!?|:|(?=\}))         # a variable's name
    | (?<=\{)\s*[~!@]?\s*[\d-]*\$\$(?:[^$\n{}]{0,40}\$\$)?          # how many are chosen, and what joins them
    | (?:(?<=\{)|(?<=\|))\s*(?:\d+(?:\.\d*)?|\.\d+)::               # how often""",
    re.VERBOSE | re.IGNORECASE,
)
_WEIGHTS = {
    "a1111": re.compile(rf":\s*{_NUMBER}\s*(?=[)\]]|\bAND\b)"),
    "comfyui": re.compile(rf":\s*{_NUMBER}\s*(?=\))"),
}
_BREAKS = re.compile(r"\b(?:BREAK|AND)\b")
_LAST = re.compile(_NUMBER)


@dataclass(frozen=True)
class Piece:
    """`text` in small letters stood at start..end; `linked`: only blanks or a hyphen are before it and its neighbour,
    `joined`: nothing is."""

    text: str
    start: int
    end: int
    linked: bool
    joined: bool

    @property
    def is_han(self) -> bool:
        return is_han(self.text)


def is_han(text: str) -> bool:
    """Whether it is written in Chinese characters."""
    return re.match(f"[{_HAN}]", text) is not None


def read(text: str, syntax: str = "plain") -> list[Piece]:
    """The pieces of a prompt, in order, with their places in it."""
    bare = without_marks(text, syntax)
    found: list[Piece] = []
    end = 0
    for one in _PIECE.finditer(bare):
        between = bare[end : one.start()]
        linked = bool(found) and _LINKS.fullmatch(between) is not None
        found.append(Piece(_small(one[0]), one.start(), one.end(), linked, linked and not between))
        end = one.end()
    return found


def pieces_of(name: str) -> Pieces:
    """A name of a vocabulary."""
    return tuple(piece.text for piece in read(name))


def without_marks(text: str, syntax: str) -> str:
    """As long as the text, with sentence marks where a prompt has what is no word of it."""
    if syntax == "plain":
        return text
    text = _LIST.sub(_stops, _CHANCE.sub(_blanks, text))
    text = _WEIGHTS[syntax].sub(_blanks, text)
    if syntax == "a1111" and len(parts := _BREAKS.split(text)) > 1:
        before, colon, number = text.rpartition(":")
        if colon and _LAST.fullmatch(number.strip()) and len(number) < len(parts[-1]):
            text = before + " " * (1 + len(number))  # the weight of the last part
        text = _BREAKS.sub(_stops, text)
    return text


def _blanks(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _stops(found: re.Match[str]) -> str:
    return "." * len(found[0])


def _small(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'").removesuffix("\ufe0f")
