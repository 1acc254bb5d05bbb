"""Prompts that leave something to chance: the tree of `grammar.parse`, with every choice made by a seed.

The seed of a picture decides, so the same request makes the same picture. What is chosen may hold choices itself. The
words agree with those of dynamicprompts, whose syntax this is, but for what `grammar` leaves as words.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Mapping

from pipelines.errors import BadRequest, Sentence
from pipelines.prompts import grammar, wildcards
from pipelines.prompts.grammar import Assigned, Choice, Listed, Used, Words, Wrapped
from pipelines.prompts.steps import Steps

MOST_STEPS = 50_000
"""Of a text's choices: one draw among n options is n steps, and a list costs one for every LINES_A_STEP lines."""
LINES_A_STEP = 20
MOST_CHOICES = 1000
DEEPEST = grammar.DEEPEST
LONGEST = 10_000  # characters of what comes out
_DOTS = re.compile(r"\.{3,}|[…᠁]")

OptionsOf = Callable[[str], wildcards.Options | None]
Scope = Mapping[str, Words]


def chooses(text: str) -> bool:
    """Whether the seed, or a list of words, has a say in it at all. Raises BadRequest."""
    return any(not isinstance(word, str) for word in grammar.parse(text))


def unknown(text: str) -> list[str]:
    """The names of lists that are left in a text whose choices are made: there are none of that name."""
    names = (word.name for word in grammar.parse(text) if isinstance(word, Listed))
    return ["".join(str(part) for part in name) for name in names]


def resolve(text: str, seed: int | str, options_of: OptionsOf = wildcards.options, turn: int | None = None) -> str:
    """The text with every choice made; lists and variables that are not there stay as they are written.

    turn -- which of their options `{@a|b}` take; the seed, where it is a number. Raises BadRequest, BadFile.
    """
    words = grammar.parse(text)
    if all(isinstance(word, str) for word in words):
        return text
    drawing = _Drawing(random.Random(seed), options_of, seed if isinstance(seed, int) else turn or 0)
    resolved = drawing.said(words, {}, 0)
    drawing.check_length(len(resolved))
    return resolved


class _Drawing:
    """One text's draws and what they may still cost."""

    def __init__(self, draw: random.Random, options_of: OptionsOf, turn: int) -> None:
        self._draw, self._turn = draw, turn
        self._made = self._length = 0
        self._steps = Steps(
            MOST_STEPS,
            Sentence(
                "the choices in the prompt take more than {most} steps: too many draws, too many options or lists too "
                "long. Draw fewer, or shorten the lists.",
                most=MOST_STEPS,
            ),
        )
        self._options_of = functools.cache(functools.partial(self._read, options_of))
        self._parse = functools.cache(grammar.parse)

    def said(self, words: Words, scope: Scope, depth: int) -> str:
        """The words with their choices made, where the variables in `scope` hold."""
        scope = self._with_assigned(words, scope, depth)
        return "".join(self._one(word, scope, depth + 1) for word in words)

    def check_length(self, length: int) -> None:
        if length > LONGEST:
            raise BadRequest(
                "the prompt became {length} characters long, more than {most}. Use shorter lists.",
                length=length,
                most=LONGEST,
            )

    def _one(self, word: object, scope: Scope, depth: int) -> str:
        if isinstance(word, str):
            self._length += len(word)
            self._check(depth - 1)
            return word
        self._made += 1
        self._check(depth)
        if isinstance(word, Choice):
            return self._chosen(word, scope, depth)
        if isinstance(word, Listed):
            return self._of_list(word, scope, depth)
        if isinstance(word, Used):
            held = scope.get(word.name, word.default)
            return f"${{{word.name}}}" if held is None else self.said(held, scope, depth)
        if isinstance(word, Wrapped):
            outer, inner = self.said(word.outer, scope, depth), self.said(word.inner, scope, depth)
            dots = _DOTS.search(outer)
            return outer[: dots.start()] + inner + outer[dots.end() :] if dots else outer + inner
        return ""  # an assignment

    def _check(self, depth: int) -> None:
        if depth > DEEPEST or self._made > MOST_CHOICES or self._length > 2 * LONGEST:
            raise BadRequest(
                "the choices in the prompt go on for more than {most} levels, {most_choices} draws or {longest} "
                "characters. A list may name itself.",
                most=DEEPEST,
                most_choices=MOST_CHOICES,
                longest=LONGEST,
            )

    def _with_assigned(self, words: Words, scope: Scope, depth: int) -> Scope:
        held: dict[str, Words] | None = None
        for word in words:
            if not isinstance(word, Assigned) or (word.keeps and word.name in (held or scope)):
                continue
            held = dict(scope) if held is None else held
            self._steps.take(1 + len(held) // LINES_A_STEP)
            held[word.name] = (self.said(word.value, held, depth + 1),) if word.immediate else word.value
        return scope if held is None else held

    def _chosen(self, choice: Choice, scope: Scope, depth: int) -> str:
        options = list(choice.options)
        if len(options) == 1 and choice.most > 1 and (drawn := self._lines(options[0][0], scope, depth)):
            options = drawn
        if choice.mark == grammar.CYCLED and choice.least == choice.most:
            count = min(choice.least, len(options))
            taken = [options[(self._turn + i) % len(options)][0] for i in range(count)]
        else:
            least, most = (min(len(options), count) for count in (choice.least, choice.most))
            wanted = least + _below(self._draw, most - least + 1)
            self._steps.take(wanted * len(options))
            taken = [_take(options, self._draw) for _ in range(wanted)]
        return choice.between.join(self.said(words, scope, depth) for words in taken)

    def _lines(self, words: Words, scope: Scope, depth: int) -> list[tuple[Words, float]]:
        """Of the list that is all that the words are, so that no line is taken twice."""
        listed = [word for word in words if not isinstance(word, str)]
        if (
            len(listed) != 1
            or not isinstance(listed[0], Listed)
            or "".join(w for w in words if isinstance(w, str)).strip()
        ):
            return []
        options = self._options_of(self._name(listed[0], scope, depth))
        return [(self._parse(line), weight) for line, weight in options or ()]

    def _name(self, listed: Listed, scope: Scope, depth: int) -> str:
        """A variable that is not there stands for its own name."""
        words = (Used(w.name, (w.name,)) if isinstance(w, Used) and w.default is None else w for w in listed.name)
        return self.said(tuple(words), scope, depth)

    def _of_list(self, listed: Listed, scope: Scope, depth: int) -> str:
        name = self._name(listed, scope, depth)
        options = self._options_of(name)
        if options is None:
            return f"__{name}__"
        if listed.mark == grammar.CYCLED:
            line = options[self._turn % len(options)][0]
        elif all(weight == 1 for _, weight in options):
            line = options[_below(self._draw, len(options))][0]
        else:
            self._steps.take(1 + len(options) // LINES_A_STEP)
            line = _take(list(options), self._draw)
        return self.said(self._parse(line), {**scope, **dict(listed.values)}, depth)

    def _read(self, options_of: OptionsOf, name: str) -> wildcards.Options | None:
        options = options_of(name)
        self._steps.take(1 + len(options or ()) // LINES_A_STEP)
        return options


def _take(options: list, draw: random.Random):
    """One of the options, which is then no option any more."""
    place = draw.random() * sum(weight for _, weight in options)
    for i, (_, weight) in enumerate(options):
        place -= weight
        if place < 0:
            return options.pop(i)[0]
    return options.pop()[0]


def _below(draw: random.Random, n: int) -> int:
    return min(n - 1, int(draw.random() * n))
