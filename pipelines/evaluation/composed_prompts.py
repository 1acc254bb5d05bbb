"""The fixed prompts and seeds for models that paint compositions, written before the first of them was trained.

`python -m pipelines.evaluation.composed_prompts` writes the file again; the same code always writes the same file. What
the "new" groups ask for is held out of the training data (`corpus`). A composition that the judges misread as it is
drawn, or drawn anew, is not asked for.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator
from functools import cache
from itertools import combinations, count, cycle, product
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.data import composing, compositions, corpus, drawings, scenes, sentences, styles
from pipelines.data.compositions import Composition
from pipelines.data.places import KINDS, random_place, spots
from pipelines.evaluation import composed_judge, composition_record, first_prompts, ordinary_sentences

FILE = Path(__file__).parents[2] / "assets" / "evaluation" / "compositions.json"
FIRST_SEED = 1000
GROUNDS = ("white", "yellow", "green", "blue", "pink", "gray", "black", "beige")
"""Of what is not a shape: the judge learns how every drawing looks on each, which takes seconds."""
STYLE_GROUNDS = ("white", "blue")
PEOPLE = ("person", "face")
PER_COUNT, PER_KIND, SEEDS, REDRAWN = 20, 4, 4, 4
UNKNOWN_WORDS = (
    "quizzical", "serendipitous", "gargantuan", "flummoxed", "zesty", "perspicacious", "whimsical", "grandiloquent",
    "ineffable", "lugubrious", "effervescent", "bodacious", "kerfuffled", "mellifluous", "obstreperous",
    "pulchritudinous", "rambunctious", "sesquipedalian", "taciturn", "ubiquitous",
)  # fmt: skip
UNKNOWN_CHINESE = ("璀璨", "缥缈", "恣肆", "旖旎", "氤氲")
Rng = np.random.Generator
Entry = dict[str, Any]
Groups = dict[str, list[Entry]]
Maker = Callable[[Rng], Composition]


def build() -> Groups:
    """The groups of prompts (every fourth in Chinese), each prompt with the composition it asks for and its seed."""
    made = {
        name: [entry(composition, i) for i, composition in enumerate(make(np.random.default_rng([20261130, i])))]
        for i, (name, make) in enumerate(MAKERS.items())
    }
    return made | {
        "unknown_words": _with_unknown_words(np.random.default_rng(20261131)),
        "sentences": _sentences(np.random.default_rng(20261132)),
        "seeds": _seeds(made),
    }


def entry(composition: Composition, index: int) -> Entry:
    plain = sentences.plain_chinese if index % 4 == 3 else sentences.plain_english
    record = composition_record.to_json(composition)
    return {"prompt": plain(composition), "composition": record, "seed": FIRST_SEED + index}


@cache
def load() -> Groups:
    return json.loads(FILE.read_text(encoding="utf-8"))


@cache
def of_first_model() -> Groups:
    """The prompts by which the first embedded model was judged, their scenes as compositions.

    Left out is what is no drawing any more: the volcano, which is a place now.
    """
    known = {*composing.nouns(), *scenes.SHAPES}
    return {
        name: [_of_first_model(one) for one in entries if known.issuperset(t["noun"] for t in one["scene"]["things"])]
        for name, entries in first_prompts.load().items()
    }


def _of_first_model(old: Entry) -> Entry:
    return {"prompt": old["prompt"], "composition": _from_scene(first_prompts.scene(old)), "seed": old["seed"]}


def readable(composition: Composition, rng: Rng) -> bool:
    """Whether the judges find the composition right as it is drawn, and drawn anew.

    Something in a place, and a group, is drawn anew REDRAWN times: some artist's drawing may be hard to see there,
    or so large that it touches the next.
    """
    if composition.relation == "group" or (composition.place is not None and composition.figures):
        return _right(composition) and all(_right(composition_record.redrawn(composition, rng)) for _ in range(REDRAWN))
    again = composition_record.redrawn(composition, rng)
    return _right(composition) and _right(again)


def _right(composition: Composition) -> bool:
    return composed_judge.right(compositions.draw(composition), composition)


def _pick(n: int, make: Maker, wanted: Callable[[Composition], bool] = lambda made: True) -> Callable[[Rng], list]:
    """`n` compositions, no sentence twice."""

    def group(rng: Rng) -> list[Composition]:
        found: dict[str, Composition] = {}
        while len(found) < n:
            made = make(rng)
            if wanted(made) and readable(made, rng):
                found.setdefault(sentences.plain_english(made), made)
        return list(found.values())

    return group


def _every(choices: Callable[[], Iterator[Maker]], n: int | None = None) -> Callable[[Rng], list[Composition]]:
    """One composition for each choice, up to `n` of them; a choice that the judges cannot read is left out."""

    def group(rng: Rng) -> list[Composition]:
        found: list[Composition] = []
        for make in choices():
            if n is not None and len(found) == n:
                break
            if readable(made := make(rng), rng):
                found.append(made)
        return found

    return group


def _alone(people: bool) -> Iterator[Maker]:
    for noun in composing.nouns():
        if (drawings.table()[noun].kind in PEOPLE) == people:
            yield lambda rng, noun=noun: composing.on_plain(rng, "white", [(noun, "", "")], "")


def _dyed(new: bool) -> Iterator[Maker]:
    """Colours in turn, subjects by lot."""
    subjects = [noun for noun in composing.nouns() if drawings.artists(noun, "red") and noun not in scenes.SHAPES]
    lots = np.random.default_rng(0)
    for colour in cycle(composing.COLOURS):
        ground = "cyan" if colour == "white" else "white"
        options = [n for n in subjects if corpus.coloured(n, colour) == new and not corpus.on_ground(n, ground)]
        look = (options[int(lots.integers(len(options)))], colour, "")
        yield lambda rng, look=look, ground=ground: composing.on_plain(rng, ground, [look], "")


def _styled() -> Iterator[Maker]:
    nouns = composing.nouns()
    lots = np.random.default_rng(1)
    for style, ground in cycle(product(styles.STYLES, STYLE_GROUNDS)):
        look = (nouns[int(lots.integers(len(nouns)))], "", "")
        if not corpus.on_ground(look[0], ground):
            yield lambda rng, look=look, ground=ground, style=style: composing.on_plain(rng, ground, [look], "", style)


def _places() -> Iterator[Maker]:
    for kind in cycle(KINDS):
        yield lambda rng, kind=kind: Composition(random_place(rng, kind), ())


def _one_shape(rng: Rng) -> Composition:
    return dataclasses.replace(composing.one_shape(rng), style="")


def _on_new_ground(rng: Rng) -> Composition:
    made = dataclasses.replace(composing.one_subject(rng), style="")
    return dataclasses.replace(made, figures=(dataclasses.replace(made.figures[0], colour="", size=""),))


def _two(rng: Rng) -> Composition:
    return dataclasses.replace(composing.two_things(rng), style="")


def _person_in_place(rng: Rng) -> Composition:
    place = random_place(rng)
    at = spots.where(place)[0]
    fitting = [noun for noun in composing.fitting_in(at) if drawings.table()[noun].kind in PEOPLE]
    if not fitting:
        return _person_in_place(rng)
    return composing.standing(rng, place, at, [(fitting[int(rng.integers(len(fitting)))], "", "")])


def _shapes_only(made: Composition) -> bool:
    return all(figure.is_shape for figure in made.figures)


def new_pair(made: Composition) -> bool:
    nouns = sorted({figure.noun for figure in made.figures})
    return any(corpus.pair(a, b) for a, b in combinations(nouns, 2))


def _mixed(made: Composition) -> bool:
    """With a subject; what has a colour of its own choice stands on white, where the judge knows all colours."""
    dyed = any(figure.colour and not figure.is_shape for figure in made.figures)
    return not _shapes_only(made) and made.ground in (GROUNDS[:1] if dyed else GROUNDS)


def _counted(number: int) -> Callable[[Composition], bool]:
    def wanted(made: Composition) -> bool:
        dyed = bool(made.figures[0].colour) and not made.figures[0].is_shape
        return (
            made.relation == "group"
            and len(made.figures) == number
            and made.ground in GROUNDS
            and not dyed
            and not corpus.holds(made)
        )

    return wanted


def _counts(rng: Rng) -> list[Composition]:
    groups = [_pick(PER_COUNT, composing.several_things, _counted(number))(rng) for number in (2, 3, 4, 5)]
    return [made for group in groups for made in group]


def _alone_in_place(made: Composition) -> bool:
    return len(made.figures) == 1


MAKERS: dict[str, Callable[[Rng], list[Composition]]] = {
    "one_shape": _pick(100, _one_shape, lambda made: not corpus.holds(made)),
    "two_shapes": _pick(80, _two, lambda made: _shapes_only(made) and not corpus.holds(made)),
    "two_shapes_new": _pick(60, _two, lambda made: _shapes_only(made) and new_pair(made)),
    "three_in_a_row": _pick(
        60,
        composing.several_things,
        lambda made: _shapes_only(made) and made.relation == "row" and not corpus.holds(made),
    ),
    "subjects": _every(lambda: _alone(people=False)),
    "people_and_faces": _every(lambda: _alone(people=True)),
    "subjects_new_ground": _pick(80, _on_new_ground, lambda made: corpus.holds(made) and made.ground in GROUNDS),
    "two_things": _pick(80, _two, lambda made: _mixed(made) and not corpus.holds(made)),
    "two_things_new": _pick(60, _two, lambda made: _mixed(made) and new_pair(made)),
    "colours": _every(lambda: _dyed(new=False), 140),
    "colours_new": _every(lambda: _dyed(new=True), 56),
    "counts": _counts,
    "places": _every(_places, PER_KIND * len(KINDS)),
    "in_place": _pick(80, composing.in_place, lambda made: _alone_in_place(made) and not corpus.holds(made)),
    "in_place_new": _pick(50, composing.in_place, lambda made: _alone_in_place(made) and _new_there(made)),
    "people_in_places": _pick(32, _person_in_place, lambda made: not corpus.holds(made)),
    "styles": _every(_styled, 60),
    "one_shape_new": _pick(40, _one_shape, corpus.holds),
}


def _new_there(made: Composition) -> bool:
    return made.place is not None and corpus.in_place(made.figures[0].noun, made.place.kind)


def _with_unknown_words(rng: Rng) -> list[Entry]:
    """Half shapes, half subjects in a colour, with a word before them that no caption has."""
    made = _pick(20, _one_shape, lambda made: not corpus.holds(made))(rng) + _every(lambda: _dyed(new=False), 20)(rng)
    return [_with_unknown(entry(composition, i), i) for i, composition in enumerate(made)]


def _with_unknown(plain: Entry, index: int) -> Entry:
    if index % 4 == 3:
        word = UNKNOWN_CHINESE[index // 4 % len(UNKNOWN_CHINESE)]
        return plain | {"prompt": f"{word}的{plain['prompt']}"}
    article, rest = plain["prompt"].split(" ", 1)
    word = UNKNOWN_WORDS[index % len(UNKNOWN_WORDS)]
    assert article in ("a", "an"), plain["prompt"]
    return plain | {"prompt": f"{sentences.article(word)} {word} {rest}"}


def _sentences(rng: Rng) -> list[Entry]:
    found = []
    for i, sentence in enumerate(ordinary_sentences.SENTENCES):
        made = _readable_sentence(sentence, rng)
        one = {"prompt": sentence.prompt, "composition": composition_record.to_json(made), "seed": FIRST_SEED + i}
        one["checks"] = list(sentence.checks)
        found.append(one | ({"also": list(sentence.also)} if sentence.also else {}))
    return found


def _readable_sentence(sentence: ordinary_sentences.UserPrompt, rng: Rng) -> Composition:
    for _ in range(20):
        made = ordinary_sentences.composition(sentence, rng)
        if composed_judge.checked(compositions.draw(made), made, sentence.checks, sentence.also)["all"]:
            return made
    raise ValueError(f"The judges cannot read: {sentence.prompt}.")


def _seeds(made: dict[str, list[Entry]]) -> list[Entry]:
    """Twenty prompts, each with SEEDS seeds one after the other."""
    spread = [made[name][i * len(made[name]) // 5] for name in ("subjects", "people_and_faces", "places", "in_place")
              for i in range(5)]  # fmt: skip
    seeds = count(5000)
    return [one | {"seed": next(seeds)} for one in spread for _ in range(SEEDS)]


def _from_scene(scene: scenes.Scene) -> dict[str, Any]:
    figures = tuple(
        compositions.Figure(t.noun, t.colour, t.size, "" if t.colour else "noto", False, t.x, t.y, t.radius)
        for t in scene.things
    )
    return composition_record.to_json(Composition(scene.background, figures, scene.relation, scene.style))


def write(groups: Groups) -> None:
    """One line a prompt."""
    blocks = [
        f'"{name}": [\n' + ",\n".join(json.dumps(e, ensure_ascii=False, separators=(",", ":")) for e in entries) + "\n]"
        for name, entries in groups.items()
    ]
    FILE.write_text("{\n" + ",\n".join(blocks) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    groups = build()
    write(groups)
    print(f"wrote {FILE.name}: " + ", ".join(f"{len(entries)} {name}" for name, entries in groups.items()))
