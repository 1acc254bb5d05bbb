"""Prompts that leave something to chance: `{a|b|c}`, `{2$$a|b|c}`, `{3::a|b}`, `__name__` from a list of words.

The seed of a picture decides, so the same request makes the same picture. What is chosen may hold choices itself.

    {a|b}  {1-2$$a|b|c}  {2$$ and $$a|b|c}  {3::often|rarely}  __animals/small__
"""

import functools
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipelines.errors import BadRequest, NotFound, Sentence
from pipelines.prompts import library
from pipelines.prompts.steps import Steps

MOST_STEPS = 50_000
"""Of a text's choices: one draw among n options is n steps, and a list costs one for every LINES_A_STEP lines."""
LINES_A_STEP = 20
MOST_CHOICES = 1000
DEEPEST = 20
LONGEST = 10_000  # characters of what comes out
_TAG = r"<(?:lora|lyco|hypernet):[^<>\r\n]{0,800}>"
"""Nothing is chosen inside: a LoRA may be called a__b__c or a{b|c}."""
_TOKEN = re.compile(rf"\\.|(?i:{_TAG})|__([^\W_](?:(?!__)[\w/-]){{0,200}})__|[{{}}|]", re.DOTALL)
_LEFT = re.compile(r"__[^\W_](?:(?!__)[\w/*?-]){0,200}__|__[*?](?:(?!__)[\w/*?-]){0,200}__")
_COUNT = re.compile(r"\s*([0-9]{1,3})?(-)?([0-9]{1,3})?\$\$(?:([^$|{}]{0,40})\$\$)?")
_WEIGHT = re.compile(r"\s*([0-9]{1,6}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})::")

WordsOf = Callable[[str], list[str]]


@dataclass(frozen=True)
class _Choice:
    """A place of the text where something is chosen: the bars between its options, or the name of a list."""

    start: int
    end: int
    bars: tuple[int, ...] = ()
    name: str = ""


def chooses(text: str) -> bool:
    """Whether the seed has a say in it at all."""
    return bool(_choices(text))


def resolve(text: str, seed: int | str, words_of: WordsOf = library.words_of) -> str:
    """The text with every choice made. Raises BadRequest, NotFound, BadFile."""
    draw, steps = random.Random(seed), _steps()
    words_of = functools.cache(functools.partial(_counted, steps, words_of))
    waiting, said = [(text, 0)], []
    length = made = 0
    while waiting:
        piece, depth = waiting.pop()
        choices = _choices(piece) if depth >= 0 else []
        if not choices:
            said.append(piece)
            length += len(piece)
            continue
        made += len(choices)
        if depth > DEEPEST or made > MOST_CHOICES or length > LONGEST:
            raise BadRequest(
                "the choices in the prompt go on for more than {most} levels, {most_choices} draws or {longest} "
                "characters. A list may name itself.",
                most=DEEPEST,
                most_choices=MOST_CHOICES,
                longest=LONGEST,
            )
        waiting.extend(reversed(list(_unfolded(piece, choices, draw, words_of, steps, depth))))
    if made and length > LONGEST:
        raise BadRequest(
            "the prompt became {length} characters long, more than {most}. Use shorter lists.",
            length=length,
            most=LONGEST,
        )
    return "".join(said)


def unknown_lists(text: str) -> tuple[str, ...]:
    """The `__names__` that a resolved text still holds, since no list is called so."""
    return tuple(dict.fromkeys(_LEFT.findall(re.sub(_TAG, "", text, flags=re.IGNORECASE))))


def _steps() -> Steps:
    return Steps(
        MOST_STEPS,
        Sentence(
            "the choices in the prompt take more than {most} steps: too many draws, too many options or lists too "
            "long. Draw fewer, or shorten the lists.",
            most=MOST_STEPS,
        ),
    )


def _counted(steps: Steps, words_of: WordsOf, name: str) -> list[str]:
    try:
        words = words_of(name)
    except (NotFound, BadRequest):  # no list of that name: these are words of the prompt
        words = []
    steps.take(1 + len(words) // LINES_A_STEP)
    return words


def _unfolded(
    text: str, choices: list[_Choice], draw: random.Random, words_of: WordsOf, steps: Steps, depth: int
) -> Iterator[tuple[str, int]]:
    """The words between the choices, which are done (-1), and what was chosen, which may go on choosing."""
    at = 0
    for choice in choices:
        yield text[at : choice.start], -1
        if choice.name and not words_of(choice.name):
            yield text[choice.start : choice.end], -1
        else:
            yield _chosen(text, choice, draw, words_of, steps), depth + 1
        at = choice.end
    yield text[at:], -1


def _choices(text: str) -> list[_Choice]:
    """The outermost choices, in order. Braces without a bar or a count, and those without a partner, are words."""
    found: list[_Choice] = []
    waiting: list[tuple[int, list[int]]] = []
    for token in _TOKEN.finditer(text):
        piece, at = token[0], token.start()
        if token[1]:
            found.append(_Choice(at, token.end(), name=token[1]))
        elif piece == "{":
            waiting.append((at, []))
        elif piece == "|" and waiting:
            waiting[-1][1].append(at)
        elif piece == "}" and waiting:
            start, bars = waiting.pop()
            if bars or _COUNT.match(text, start + 1, at):
                while found and found[-1].start > start:
                    found.pop()
                found.append(_Choice(start, at + 1, tuple(bars)))
    return found


def _chosen(text: str, choice: _Choice, draw: random.Random, words_of: WordsOf, steps: Steps) -> str:
    if choice.name:
        words = words_of(choice.name)
        return words[_below(draw, len(words))]
    first, last = choice.start + 1, choice.end - 1
    least, most, between = 1, 1, ", "
    if count := _COUNT.match(text, first, last):
        first = count.end()
        least, most = _bounds(count)
        between = ", " if count[4] is None else count[4]
    edges = [first - 1, *(bar for bar in choice.bars if bar >= first), last]
    options = [_weighted(text[a + 1 : b]) for a, b in zip(edges, edges[1:], strict=False)]
    wanted = min(len(options), least + _below(draw, max(0, most - least) + 1))
    steps.take(wanted * len(options))
    return between.join(_take(options, draw) for _ in range(wanted))


def _bounds(count: re.Match[str]) -> tuple[int, int]:
    """How many are chosen, `2`, `1-3`, `-3` and `2-`: at least and at most."""
    least = int(count[1] or (0 if count[2] else 1))
    most = int(count[3]) if count[3] else MOST_CHOICES if count[2] else least
    return least, max(least, most)


def _weighted(option: str) -> tuple[str, float]:
    found = _WEIGHT.match(option)
    return (option[found.end() :], float(found[1])) if found else (option, 1.0)


def _take(options: list[tuple[str, float]], draw: random.Random) -> str:
    """One of the options, which is then no option any more."""
    place = draw.random() * sum(weight for _, weight in options)
    for i, (_, weight) in enumerate(options):
        place -= weight
        if place < 0:
            return options.pop(i)[0]
    return options.pop()[0]


def _below(draw: random.Random, n: int) -> int:
    return min(n - 1, int(draw.random() * n))
