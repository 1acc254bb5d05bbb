"""The grammar of prompts that leave something to chance, as A1111's extension for dynamic prompts has it: text to a
tree, in linear time.

    {a|b}  {1-2$$a|b|c}  {2$$ and $$a|b|c}  {3::often|rarely}  {@a|b}     choices
    __animals/small__  __animals/*__  __season(place=north)__             lists of words
    ${name=value}  ${name=!value}  ${name?=value}  ${name}  ${name:else}  variables
    %{a picture of ..., sharp$$a cat}                                     something around something

Braces without a bar, a count or a partner, marks of lists with nothing between them and escaped signs are words; so is
all inside `<lora:...>`, whose names may hold underscores. In a text of several lines `# ` begins a comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.errors import BadRequest

MOST_COUNT = 999
DEEPEST = 20
CYCLED = "@"
_NAMED = r"[^\W\d]\w{0,40}"
_PLACE = r"(?:\$\{[^{}]{1,80}\}|\{[^{}]{1,80}\}|(?!__)[\w/*. &'+-]){1,200}?"
_TOKEN = re.compile(
    rf"""\\. | <(?i:lora|lyco|hypernet):[^<>\r\n]{{1,800}}>
    | __(?P<list_mark>[~!@]?)(?P<list>(?=[\w*$.{{])(?!_){_PLACE})(?:\((?P<values>[^()\n]{{1,300}})\))?__
    | \$\{{\s*(?P<access>{_NAMED})\s*\}}
    | \$\{{\s*(?P<variable>{_NAMED})\s*(?P<how>\?=\s*!|\?=|=\s*!|=|:)
    | (?P<wrap>%\{{) | \$\$ | [{{|}}]""",
    re.DOTALL | re.VERBOSE,
)
_HEAD = re.compile(r"\s*(?:([~!@])\s*)?(?:([0-9]{1,3})?(-)?([0-9]{1,3})?\$\$(?:([^${}]{0,40})\$\$)?)?")
_WEIGHT = re.compile(r"\s*([0-9]{1,6}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})::")
_VALUE = re.compile(rf"\s*({_NAMED})\s*=((?:[^,{{}}]|\{{[^{{}}]*\}})*)(?:,|$)")
_COMMENT = re.compile(r"(?:^|(?<=[\s}_]))#(?:[ \t][^\n]*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Choice:
    """`least` to `most` of the options, each with its weight, joined by `between`."""

    options: tuple[tuple[Words, float], ...]
    least: int = 1
    most: int = 1
    between: str = ","
    mark: str = ""


@dataclass(frozen=True)
class Listed:
    """A word of the list of that name, with values for variables in it."""

    name: Words
    values: tuple[tuple[str, Words], ...] = ()
    mark: str = ""


@dataclass(frozen=True)
class Assigned:
    """A variable's value: `immediate`, the same at each use; `keeps` what it already has."""

    name: str
    value: Words
    immediate: bool = False
    keeps: bool = False


@dataclass(frozen=True)
class Used:
    """What a variable holds, or else the default; without one, as it was written."""

    name: str
    default: Words | None = None


@dataclass(frozen=True)
class Wrapped:
    """The inner words where the outer ones have dots, or behind them."""

    outer: Words
    inner: Words


Words = tuple["str | Choice | Listed | Assigned | Used | Wrapped", ...]


@dataclass
class _Open:
    """What began at node `start`: the text it began with, its bars, and what stands in its head."""

    start: int
    head: re.Match[str] | None = None
    variable: re.Match[str] | None = None
    split: int = -1
    bars: tuple[int, ...] = ()
    depth: int = 0


def parse(text: str) -> Words:
    """Raises BadRequest for choices that lie deeper in one another than DEEPEST."""
    if "\n" in text and (words := _parse(_COMMENT.sub(" ", text))) and not _is_plain(words):
        return words
    return _parse(text)


def _is_plain(words: Words) -> bool:
    return all(isinstance(word, str) for word in words)


def _parse(text: str) -> Words:
    nodes: list = []
    opened: list[_Open] = []
    bars: list[list[int]] = []
    at = 0
    while token := _TOKEN.search(text, at):
        nodes.append(text[at : token.start()])
        at = token.end()
        piece = token[0]
        if token["list"]:
            nodes.append(_listed(token))
        elif token["access"]:
            nodes.append(Used(token["access"]))
        elif token["variable"] or token["wrap"] or piece == "{":
            head = _HEAD.match(text, at) if piece == "{" else None
            at = head.end() if head else at
            nodes.append(piece + (head[0] if head else ""))
            opened.append(_Open(len(nodes), head, token if token["variable"] else None))
            bars.append([])
        elif piece == "|" and opened:
            bars[-1].append(len(nodes))
            nodes.append(piece)
        elif piece == "$$" and opened and opened[-1].split < 0:
            opened[-1].split = len(nodes)
            nodes.append(piece)
        elif piece == "}" and opened:
            one = opened.pop()
            one.bars = tuple(bars.pop())
            _close(nodes, one, opened)
        else:
            nodes.append(piece)
    nodes.append(text[at:])
    return _joined(nodes)


def _close(nodes: list, one: _Open, opened: list[_Open]) -> None:
    """Puts what was opened, now complete, in the place of its nodes; or leaves these as the words they are."""
    made = _made(nodes, one)
    if made is None:
        nodes.append("}")
    else:
        one.depth += 1
        if one.depth > DEEPEST:
            raise BadRequest(
                "the choices in the prompt lie more than {most} deep in one another. Write them flatter.", most=DEEPEST
            )
        nodes[one.start - 1 :] = [made]
    if opened:
        opened[-1].depth = max(opened[-1].depth, one.depth)


def _made(nodes: list, one: _Open) -> Choice | Assigned | Used | Wrapped | None:
    if one.variable is not None:
        value = _stripped(_joined(nodes[one.start :]))
        name, how = one.variable["variable"], one.variable["how"]
        return Used(name, value) if how == ":" else Assigned(name, value, "!" in how, "?" in how)
    if one.head is None:
        if one.split < 0:
            return None
        outer, inner = nodes[one.start : one.split], nodes[one.split + 1 :]
        return Wrapped(_stripped(_joined(outer), end=False), _joined(inner))
    counted = "$$" in one.head[0]
    if not (one.bars or counted or one.head[1] or _holds_no_words(nodes, one.start)):
        return None
    edges = [one.start - 1, *one.bars, len(nodes)]
    options = tuple(_option(nodes[a + 1 : b]) for a, b in zip(edges, edges[1:], strict=False))
    least, most, between = _count(one.head) if counted else (1, 1, ",")
    return Choice(options, least, most, between, one.head[1] or "")


def _holds_no_words(nodes: list, start: int) -> bool:
    """Whether all from there on is drawn, as in `{__colours__}`; looked at from the end, which most often tells."""
    for node in reversed(range(start, len(nodes))):
        if isinstance(nodes[node], str) and nodes[node].strip():
            return False
    return any(not isinstance(node, str) for node in nodes[start:])


def _count(head: re.Match[str]) -> tuple[int, int, str]:
    """How many are taken, `2`, `1-3`, `-3` and `2-`: at least, at most, and what stands between them."""
    least = int(head[2] or 1)
    most = int(head[4]) if head[4] else MOST_COUNT if head[3] else least
    return min(least, most), max(least, most), "," if head[5] is None else head[5]


def _option(nodes: list) -> tuple[Words, float]:
    words = _stripped(_joined(nodes), end=False)
    weight = _WEIGHT.match(words[0]) if words and isinstance(words[0], str) else None
    if weight is None:
        return words, 1.0
    rest = str(words[0])[weight.end() :]
    return _stripped((rest, *words[1:]), end=False), float(weight[1])


def _listed(token: re.Match[str]) -> Listed:
    values = [(one[1], _stripped(_parse(one[2]))) for one in _VALUE.finditer(token["values"] or "")]
    return Listed(_parse(token["list"]), tuple(values), token["list_mark"])


def _joined(nodes: list) -> Words:
    """The same with neighbouring texts as one."""
    words: list = []
    texts: list[str] = []
    for node in nodes:
        if isinstance(node, str):
            texts.append(node)
            continue
        words += ["".join(texts), node] if any(texts) else [node]
        texts = []
    return (*words, "".join(texts)) if any(texts) else tuple(words)


def _stripped(words: Words, end: bool = True) -> Words:
    first = words[0] if words else None
    if isinstance(first, str):
        words = (first.lstrip(), *words[1:]) if first.strip() else words[1:]
    last = words[-1] if words and end else None
    return (*words[:-1], last.rstrip()) if isinstance(last, str) else words
