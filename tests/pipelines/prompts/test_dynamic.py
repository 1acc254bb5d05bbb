"""Prompts left to chance become what dynamicprompts makes of them, and lists are read in whatever file they are."""

import itertools
import json
import logging
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from pipelines.errors import BadFile, BadRequest
from pipelines.prompts import dynamic, library, wildcards
from pipelines.requests.text_to_image import TextToImageRequest

FILES = {
    "colors-cold.txt": "# comment\nblue\ngreen\n",
    "colors-warm.txt": "red\nyellow\n",
    "both.txt": "__colors-warm__\n__colors-cold__\n",
    "genus.txt": "__animals/${genus:*}/*__\n",
    "wrappers.txt": "Art Deco, ..., sleek\nPop Art, ....., vivid\n",
    "animals/all.txt": "__mammals/canine__\n__mystical__\n",
    "animals/mystical.txt": "unicorn\n",
    "animals/mammals/canine.txt": "dog\nwolf\n",
    "animals/reptiles/lizards.yaml": "- iguana\n- gecko\n",
    "pantry.yaml": "clothing:\n  - shirt\n  - shoes\nartists:\n  one: Ann\n  1: 2\n  none: 5\n",
    "flavors/box.json": json.dumps({"bitter": ["coffee", "dark chocolate"]}),
    "cars.yaml": "cars:\n  ford: {name: [Ford], types: [roadster]}\n  deere: {name: [Deere], types: [tractor]}\n",
    "weighted.yaml": "w:\n  - 0::never\n  - 2::often\n  - {weight: 0, text: nor this}\n  - {content: this}\n",
    "drink.yaml": "drink:\n  say:\n    - '${t?=!{hot|cold}} a ${t} cup'\n  winter:\n    - '${t=hot}__drink/say__'\n",
}
COLORS = {"blue", "green", "red", "yellow"}


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIGC_MODELS", str(tmp_path / "models"))
    for name, text in FILES.items():
        file = tmp_path / "wildcards" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def drawn(text: str, seeds: int = 150) -> set[str]:
    return {dynamic.resolve(text, seed) for seed in range(seeds)}


def in_order(words: str, count: int, between: str = ",") -> set[str]:
    return {between.join(some) for some in itertools.permutations(words.split(), count)}


def each(text: str, words: Iterable[str]) -> set[str]:
    return {text.replace("*", word) for word in words}


@pytest.mark.parametrize(
    "text, all_of_it",
    [
        ("{2$$cat|dog|bird}", in_order("cat dog bird", 2)),
        ("{1-2$$cat|dog|bird}", in_order("cat dog bird", 1) | in_order("cat dog bird", 2)),
        ("{-2$$cat|dog|bird}", in_order("cat dog bird", 1) | in_order("cat dog bird", 2)),
        ("{2-$$a|b|c}", in_order("a b c", 2) | in_order("a b c", 3)),
        ("{3-1$$a|b}", in_order("a b", 1) | in_order("a b", 2)),
        ("{0$$a|b}x", {"x"}),
        ("{9$$a|b}", in_order("a b", 2)),
        ("{2$$|$$a|b|c}", in_order("a b c", 2, "|")),
        ("{2$$  $$a|b|c}", in_order("a b c", 2, "  ")),
        ("{2$$ 1| 2| 3}", in_order("1 2 3", 2)),
        ("{1$$A|{2$$ and $$X|Y}}", {"A", "X and Y", "Y and X"}),
        ("{0.5::a|.5::b|0::c}", {"a", "b"}),
        ("{3::|up|down}", {"", "up", "down"}),
        ("{~1-2$$ and $$a|b}", {"a", "b", "a and b", "b and a"}),
        ("{@a|b} and {@c|d}", {"a and c", "b and d"}),
        ("{|hot,}{|blue,}", {"", "hot,", "blue,", "hot,blue,"}),
        ("bra}ce but {a|b}", {"bra}ce but a", "bra}ce but b"}),
        ("${a=cat}the ${a:dog}, ${b:dog}", {"the cat, dog"}),
        ("${a = cat } ${a}", {" cat"}),
        ("${n={1|2}}${n}${n}", {"11", "12", "21", "22"}),
        ("${n=!{1|2}}${n}${n}", {"11", "22"}),
        ("${a=x}${a?=y}${a}", {"x"}),
        ("${a?=y}${a}", {"y"}),
        ("${p={a|b}, {c|d}}A ${p}", {"A a, c", "A a, d", "A b, c", "A b, d"}),
        ("${gone} and $ {a|b}", {"${gone} and $ a", "${gone} and $ b"}),
        ("%{happy ... on a hill$${fox|cow}}", {"happy fox on a hill", "happy cow on a hill"}),
        ("%{happy $${fox|cow}}", {"happy fox", "happy cow"}),
        ("%{ {cool|hot} …$$fox}", {"cool fox", "hot fox"}),
        ("one # two\n# three\n{a|b} # four\nfive #6", {"one  \n \na  \nfive #6", "one  \n \nb  \nfive #6"}),
        ("a # b {c|d}", {"a # b c", "a # b d"}),
        ('{"scene": "a cat", "sky": {"colour": "blue"}}', {'{"scene": "a cat", "sky": {"colour": "blue"}}'}),
    ],
)
def test_a_template_becomes_what_the_library_makes_of_it(text: str, all_of_it: set[str]) -> None:
    assert drawn(text) == all_of_it


@pytest.mark.parametrize(
    "text, all_of_it",
    [
        ("(__colors*__:2.3)", each("(*:2.3)", COLORS)),
        ("{__colors*__}", COLORS),
        ("{2$$__colors-cold__}", in_order("blue green", 2)),
        ("{2$$ and $$__colors-cold__}", in_order("blue green", 2, " and ")),
        ("{2$$__colors-cold__|black}", each("*,black", ("blue", "green")) | each("black,*", ("blue", "green"))),
        ("{2$$__both__}", {f"{a},{b}" for a in COLORS for b in COLORS if (a in "red yellow") != (b in "red yellow")}),
        ("__~colors-cold__ __@colors-cold__", {f"{a} {b}" for a in ("blue", "green") for b in ("blue", "green")}),
        ("${t=cold}__colors-${t}__", {"blue", "green"}),
        ("__colors-${t:cold}__", {"blue", "green"}),
        ("__colors-${t}__", {"__colors-t__"}),
        ("__genus(genus=mammals)__", {"dog", "wolf"}),
        ("${genus=reptiles}__genus__", {"iguana", "gecko"}),
        ("__animals/all__", {"dog", "wolf", "unicorn"}),
        ("__animals/*__", {"dog", "wolf", "unicorn", "iguana", "gecko"}),
        ("__animals/*/*__", {"dog", "wolf", "iguana", "gecko"}),
        ("__animals/reptiles/lizards__", {"iguana", "gecko"}),
        ("__clothing__ __artists/one__", {"shirt Ann", "shoes Ann"}),
        ("__artists/none__", {"__artists/none__"}),
        ("__flavors/bitter__", {"coffee", "dark chocolate"}),
        ("__w__", {"often", "this"}),
        ("${c=!{ford|deere}}__cars/${c}/types__ by __cars/${c}/name__", {"roadster by Ford", "tractor by Deere"}),
        ("%{__wrappers__$$cow}", {"Art Deco, cow, sleek", "Pop Art, cow, vivid"}),
        ("__drink/say__", {" a hot cup", " a cold cup"}),
        ("__drink/winter__", {" a hot cup"}),
        ("very__long__text", {"very__long__text"}),
        ("<lora:a__clothing__b:0.8> __clothing__", {f"<lora:a__clothing__b:0.8> {w}" for w in ("shirt", "shoes")}),
    ],
)
def test_lists_give_what_the_library_reads_from_them(lists: Path, text: str, all_of_it: set[str]) -> None:
    assert drawn(text) == all_of_it


def test_pictures_of_one_job_take_turns_and_the_negative_prompt_with_them() -> None:
    asked = TextToImageRequest.parse({"prompt": "{@a|b|c}", "negative_prompt": "{@x|y|z}", "seed": 3, "count": 4})
    assert asked.every_words() == [("a", "x"), ("b", "y"), ("c", "z"), ("a", "x")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "gb18030", "cp1252"])
def test_a_list_and_styles_are_read_in_any_encoding(lists: Path, encoding: str) -> None:
    word = "海边 red" if encoding == "gb18030" else "Frühling été"
    (lists / "wildcards" / "word.txt").write_bytes(f"{word}\n".encode(encoding))
    assert drawn("__word__", 3) == {word}
    (lists / "styles.csv").write_bytes(f"name,prompt,negative_prompt\n{word},ink,\n".encode(encoding))
    assert library.style_names() == (library.NO_STYLE, word)


@pytest.mark.parametrize("mark", [";", "\t"])
def test_styles_may_stand_between_semicolons(lists: Path, mark: str) -> None:
    (lists / "styles.csv").write_text("name;prompt;negative_prompt\nink;a, b;c\n".replace(";", mark))
    assert library.style("ink") == library.Style("a, b", "c")


@pytest.mark.parametrize("content", [b"a;b\n1;2\n", b"\x00\x01\x02", b"x" * 2**21])
def test_styles_that_cannot_be_read_say_why(lists: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    (lists / "styles.csv").write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert library.style_names() == (library.NO_STYLE,)
    assert "styles.csv" in caplog.text


def test_a_damaged_yaml_costs_its_own_lists_and_says_why(lists: Path) -> None:
    (lists / "wildcards" / "aaa.yaml").write_text("a: [")
    (lists / "wildcards" / "bbb.json").write_text("[" * 90)
    assert drawn("__clothing__") == {"shirt", "shoes"}
    notes = list(TextToImageRequest.parse({"prompt": "__gone__"}).notes())
    assert "__gone__" in notes[0] and "aaa.yaml" in notes[1] and "bbb.json" in notes[2]


def test_an_empty_list_is_refused(lists: Path) -> None:
    (lists / "wildcards" / "empty.txt").write_text("# nothing\n")
    with pytest.raises(BadFile, match="no words"):
        dynamic.resolve("__empty__", 1)


@pytest.mark.parametrize(
    "text",
    ["${a=${a}}${a}", "${a=x}" * 1000 + "${a}" * 600, "{a|" * 30 + "}" * 30, "${a={b|c}${a}}{2$$${a}|${a}}"]
    + ["${a0=" + "x" * 500 + "}" + "".join(f"${{a{i + 1}=${{a{i}}}${{a{i}}}}}" for i in range(18)) + "${a18}"],
)
def test_variables_and_nests_that_would_never_end_are_refused(text: str) -> None:
    began = time.process_time()
    with pytest.raises(BadRequest):
        dynamic.resolve(text, 1)
    assert time.process_time() - began < 2


def test_a_glob_of_many_stars_is_matched_in_linear_time() -> None:
    began = time.process_time()
    assert wildcards.options("*a" * 90) is None
    assert not wildcards._matches("*a*a*a*a*a*a*a*b", "a" * 5000)
    assert wildcards._matches("a*c*e", "abcde") and not wildcards._matches("ab*ba", "aba")
    assert time.process_time() - began < 1
