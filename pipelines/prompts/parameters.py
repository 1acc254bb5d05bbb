"""Settings at the end of a prompt, as Midjourney takes them: `a red fox in snow --ar 3:2 --seed 5 --no people`.

    taken_out("a red fox --ar 3:2 --seed 5")   # "a red fox", (Parameter("ar", "3:2"), Parameter("seed", "5"))

A parameter is two hyphens and a name behind a space; `well--known` and `a -- b` are words. What nobody has ever called
a parameter, and has more than a word behind it, is prose: `a castle --where nobody lives`. Phones make one long dash of
two hyphens, so a dash is taken for them where a known name and its value follow. In time linear in the text.
"""

import re
from dataclasses import dataclass

HERE = frozenset("ar aspect seed no steps stylize s repeat r stop".split())
"""What `pipelines.requests.in_prompt` gives a meaning to."""
ELSEWHERE = frozenset(
    "v version niji q quality style iw cref cw sref sw sv sd oref ow chaos c weird w tile uplight upbeta hd test testp "
    "creative fast relax turbo draft raw stealth public p profile personalize video motion loop end exp bs".split()
)
"""Midjourney's others, which nothing here answers to."""
_OPTION = re.compile(r"(?<!\S)(?:--(?=[a-z])|[—–](?=(?:ar|aspect|seed|steps|stylize|s|repeat|r|stop) \d|no ))", re.I)
_NAME = re.compile(r"[a-z][\w-]*", re.I)
_BRACKETS = re.compile(r"[()\[\]{}<>|]")


@dataclass(frozen=True)
class Parameter:
    """`name` in small letters; `value` is all text up to the next one, "" for none."""

    name: str
    value: str

    def __str__(self) -> str:
        return f"--{self.name} {self.value}".rstrip()


def taken_out(text: str) -> tuple[str, tuple[Parameter, ...]]:
    """The prompt without the parameters at its end, and these in their order."""
    places = [match.span() for match in _OPTION.finditer(text)]
    found: list[Parameter] = []
    end = len(text)
    for start, behind in reversed(places):
        parameter = _read(text[behind:end])
        if parameter is None:
            break
        found.append(parameter)
        end = start
    return (text[:end].rstrip(), tuple(reversed(found))) if found else (text, ())


def words(text: str) -> str:
    """The prompt alone."""
    return taken_out(text)[0]


def _read(text: str) -> Parameter | None:
    """None for prose."""
    name = _NAME.match(text)
    if name is None:
        return None
    parameter = Parameter(name[0].casefold(), " ".join(text[name.end() :].split()))
    if parameter.name in HERE | ELSEWHERE:
        return parameter
    prose = len(parameter.value.split()) > 1 or _BRACKETS.search(text)
    return None if prose else parameter
