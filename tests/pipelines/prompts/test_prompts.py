"""What artists write in prompts, as A1111 and ComfyUI read it, and that no text can hang or break the reading."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pipelines.errors import BadFile, BadRequest, StudioError
from pipelines.prompts import SYNTAXES, Lora, escaped, parse, plain, wildcards
from pipelines.prompts.dynamic import resolve
from pipelines.prompts.library import NO_STYLE, Style, style, style_names
from pipelines.requests.text_to_image import TextToImageRequest

PIECES = list("()[]{}:|\\<>$_-.,\n ") + [
    "a",
    "b ",
    "1",
    "0.5",
    "AND",
    " BREAK ",
    ":1.2)",
    "<lora:x:",
    "__a__",
    "$$",
    "::",
]
strange = st.text() | st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
words = st.text("abc xyz", min_size=1, max_size=8)


def spans(text: str, syntax: str = "a1111") -> list[tuple[str, float]]:
    """Words and weights of a prompt that is one condition in one section."""
    [said] = parse(text, syntax).at(0, 20)
    [section] = said.sections
    return [(span.text, pytest.approx(span.weight)) for span in section]


# --- weights ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, read",
    [
        ("x", [("x", 1)]),
        ("(x)", [("x", 1.1)]),
        ("((x))", [("x", 1.21)]),
        ("(x:1.3)", [("x", 1.3)]),
        ("(x: 1.3 )", [("x", 1.3)]),
        ("((x:1.3))", [("x", 1.43)]),
        ("((x:1.5) y:2)", [("x", 3), (" y", 2)]),
        ("[x]", [("x", 1 / 1.1)]),
        ("([x])", [("x", 1)]),
        (r"\(x\) \[y\]", [("(x) [y]", 1)]),
        (r"(x \(y\):1.3)", [("x (y)", 1.3)]),
        ("a (x", [("a ", 1), ("x", 1.1)]),
        ("a [x", [("a ", 1), ("x", 1 / 1.1)]),
        ("a x) y] :1.3)", [("a x) y] :1.3)", 1)]),
        ("(x:1.2.3)", [("x:1.2.3", 1.1)]),
        ("(x:-1)", [("x", -1)]),
        ("(a [b) c]", [("a ", 1.1), ("b", 1), (" c", 1 / 1.1)]),
        ("a (b:1.0) c", [("a b c", 1)]),
        ("16:9 BAND", [("16:9 BAND", 1)]),
    ],
)
def test_weights_of_a1111(text, read):
    assert spans(text) == read


@pytest.mark.parametrize(
    "text, read",
    [
        ("(x)", [("x", 1.1)]),
        ("((x))", [("x", 1.21)]),
        ("((x:1.3))", [("x", 1.3)]),
        ("((x):1.3)", [("x", 1.43)]),
        ("(a (b:1.2) c)", [("a ", 1.1), ("b", 1.2), (" c", 1.1)]),
        ("[x] [a:b:0.5] [a|b] BREAK AND", [("[x] [a:b:0.5] [a|b] BREAK AND", 1)]),
        (r"\(x\) \[y", [(r"(x) \[y", 1)]),
        ("(x", [("(x", 1)]),
        ("x) (y)", [("x) ", 1), ("y", 1.1)]),
    ],
)
def test_weights_of_comfyui_where_the_innermost_number_counts(text, read):
    assert spans(text, "comfyui") == read


def test_in_plain_syntax_every_character_is_itself():
    text = r"(a:1.3) [b:c:3] BREAK AND \( <lora:x:1> {a|b}"
    assert spans(text, "plain") == [(text, 1)] and parse(text, "plain").loras == ()
    assert parse(text, "plain").at(0, 9)[0].sections == plain(text)


@given(words, st.lists(st.sampled_from(["()", "[]", "1.3", "0.5", "2"]), max_size=6))
def test_nested_weights_multiply(text, brackets):
    assume(text.strip())
    weight = 1.0
    for kind in brackets:
        text = f"[{text}]" if kind == "[]" else f"({text})" if kind == "()" else f"({text}:{kind})"
        weight *= {"()": 1.1, "[]": 1 / 1.1}.get(kind) or float(kind)
    assert [found for _, found in spans(text)] == [weight]


@pytest.mark.slow
@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs",))))
def test_escaped_words_are_read_as_they_were(text):
    assume("AND" not in text and "BREAK" not in text and "<" not in text)
    assert "".join(word for word, _ in spans(escaped(text))) == text


@pytest.mark.parametrize("text", ["(x:101)", "(x:-101)", "(" * 60 + "x", "a AND b:1000", "a AND b" * 9, "<lora:x:nan>"])
def test_what_cannot_be_meant_is_refused_with_a_sentence(text):
    with pytest.raises(BadRequest, match=r"[.]$") as refused:
        parse(text)
    assert len(str(refused.value)) < 300


# --- parts, sections, networks ---------------------------------------------------------------------------------------


def test_break_begins_a_new_section():
    [said] = parse("(a BREAK b:1.2) BREAK BREAK c").at(0, 1)
    assert [[(s.text, s.weight) for s in section] for section in said.sections] == [
        [("a", 1.2)],
        [("b", 1.2)],
        [],
        [("c", 1.0)],
    ]


def test_and_joins_conditions_with_weights():
    said = parse("a cat AND a dog :0.5 AND (x:1.2):-1 AND 16:9 b").at(0, 1)
    texts = ["".join(span.text for span in one.sections[0]) for one in said]
    assert list(zip(texts, [one.weight for one in said], strict=True)) == [
        ("a cat", 1.0),
        ("a dog", 0.5),
        ("x", -1.0),
        ("16:9 b", 1.0),
    ]


def test_a_negative_prompt_has_no_and():
    [said] = parse("a AND b :0.5", negative=True).at(0, 1)
    assert said.sections[0][0].text == "a AND b :0.5"


LBW = ",".join(["1"] + ["0.5"] * 25)


@pytest.mark.parametrize(
    "text, lora",
    [
        ("<lora:ink>", Lora("ink", 1, 1)),
        ("<lora:ink:0.8>", Lora("ink", 0.8, 0.8)),
        ("<lora:ink:0.5:1>", Lora("ink", unet=1, text_encoder=0.5)),
        ("<lora:ink:te=0.2:unet=0.7>", Lora("ink", unet=0.7, text_encoder=0.2)),
        (f"<lora:ink:1:lbw={LBW}>", Lora("ink", 1, 1, f"lbw={LBW}")),
        ("<lora:ink:0.5:0.6:0.7:dyn=4>", Lora("ink", 0.6, 0.5, "0.7:dyn=4")),
        ("<lyco:ink v1.0:-1>", Lora("ink v1.0", -1, -1)),
    ],
)
def test_loras_are_taken_out_of_the_words(text, lora):
    prompt = parse(f"a {text}cat")
    assert prompt.loras == (lora,) and prompt.at(0, 1) == parse("a cat").at(0, 1)


def test_outside_a1111_the_first_of_two_strengths_is_the_unets():
    assert parse("<lora:ink:0.5:1>", "comfyui").loras == (Lora("ink", unet=0.5, text_encoder=1),)


def test_a_hypernetwork_is_named_and_not_lost():
    assert parse("a <hypernet:old:1>").unknown == ("<hypernet:old:1>",)


# --- over the steps --------------------------------------------------------------------------------------------------


def over(text: str, steps: int) -> list[str]:
    return ["".join(s.text for s in said.sections[0]) for [said] in parse(text).states(steps)]


@pytest.mark.parametrize(
    "text, steps",
    [
        ("[a:b:0.5]", "aabb"),
        ("[a:b:1]", "abbb"),
        ("[b:3]", ["", "", "", "b"]),
        ("[a::1]", ["a", "", "", ""]),
        ("[a:b:0]", "bbbb"),
        ("[a:b:9]", "aaaa"),
        ("[a:b:1.5]", "aaaa"),
        ("[a:b:.25]", "abbb"),
        ("[a|b|c]", "abca"),
        ("[a|]", ["a", "", "a", ""]),
        ("[[a|b]:c:2]", "abcc"),
        ("[[a:b:2]|c]", "acbc"),
        ("([a:b:2]:1.3)", "aabb"),
        ("[(a:1.3):(b):2]", "aabb"),
        ("x [a:b:2", ["x a:b:2"] * 4),
        ("[a:b:c:2]", ["a:b:c:2"] * 4),
        ("[a:b]", ["a:b"] * 4),
        (r"\[a:b:2\]", ["[a:b:2]"] * 4),
        ("[a:1.2|b]", ["a:1.2", "b", "a:1.2", "b"]),
        ("[(a:b:2]", ["a:b:2"] * 4),
    ],
)
def test_editing_and_alternation(text, steps):
    assert over(text, 4) == list(steps)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("[a:b:0.5]", "bbbbbb"),
        ("[a:b:1.0]", "bbbbbb"),
        ("[a:b:1.5]", "aaabbb"),
        ("[a:b:2.0]", "aaaaaa"),
        ("[a:b:2]", "bbbbbb"),
        ("[a:b:4]", "bbbbbb"),
        ("[a:b:6]", "aabbbb"),
        ("[a|b]", "ababab"),
    ],
)
def test_in_a_second_pass_parts_are_counted_from_1_and_steps_go_on(text, steps):
    """The second pass of six steps after four of the first, as A1111 reads it since its version 1.6."""
    states = parse(text).states(6, before=4)
    assert "".join(said.sections[0][0].text for [said] in states) == steps


def test_inside_an_edit_weights_hold():
    prompt = parse("([a:(b:2):2] c:1.5)")
    assert [[(s.text, s.weight) for s in said.sections[0]] for [said] in prompt.states(3)] == [
        [("a c", 1.5)],
        [("a c", 1.5)],
        [("b", 3.0), (" c", 1.5)],
    ]


def test_steps_that_say_the_same_are_equal_so_that_each_text_is_embedded_once():
    assert len(set(parse("a [b|c] [d:e:0.5]").states(100))) == 4


# --- strangers' texts ------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(strange, st.sampled_from(SYNTAXES), st.booleans())
@example("\x00\x1b[31m(\ud800", "a1111", False)
def test_any_text_is_read_or_refused_with_a_sentence(text, syntax, negative):
    try:
        prompt = parse(text, syntax, negative)
        list(prompt.states(3))
    except StudioError as error:
        assert len(str(error)) < 300


@settings(max_examples=300, deadline=None)
@given(strange, st.integers(0, 2**32))
def test_any_text_leaves_its_choices_to_chance_or_is_refused(text, seed):
    try:
        assert resolve(text, seed, lambda name: [("w", 1.0)]) == resolve(text, seed, lambda name: [("w", 1.0)])
    except StudioError as error:
        assert len(str(error)) < 300


@pytest.mark.slow
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    "piece",
    ["(", "[", "[a:", "[a|", "([", ")]", "\\", "[a:b:1]", "(a:1.1)", " BREAK ", " AND ", " ", ":1", "1", ".", "<lora:"],
)
def test_thousands_of_brackets_take_linear_time(syntax, piece):
    start = time.process_time()
    try:
        list(parse(piece * (200_000 // len(piece)), syntax).states(2))
    except BadRequest:
        pass
    assert time.process_time() - start < 8


@pytest.mark.parametrize(
    "piece",
    ["{", "}", "|", "{a|", "{a|b}", "__a__", "__", "{2$$", "$$", "{1::"]
    + ["${a=", "${a}", "%{", "__a(b=c)__", "{ ", "__*", "__${a", "#\n{a|b}", "{{a}}", "<lora:"],
)
def test_thousands_of_choices_take_bounded_time(piece):
    start = time.process_time()
    try:
        resolve(piece * (10_000 // len(piece)), 1, lambda name: [("__a__", 1.0), ("{a|b}", 1.0)])
    except BadRequest:
        pass
    assert time.process_time() - start < 5


def test_reading_prompts_needs_no_torch():
    code = "import sys, pipelines.prompts.embedding, pipelines.requests; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


# --- choices, lists of words, styles ---------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder beside the models, with lists of words and styles."""
    monkeypatch.setenv("AIGC_MODELS", str(tmp_path / "models" / "Stable-diffusion"))
    lists = tmp_path / "models" / "wildcards"
    (lists / "animals").mkdir(parents=True)
    (lists / "colour.txt").write_text("# colours\nred\n\nblue\n", encoding="utf-8")
    (lists / "animals" / "small.txt").write_text("mouse\n", encoding="utf-8-sig")
    (lists / "both.txt").write_text("{__colour__|__colour__} __animals/small__\n", encoding="utf-8")
    (lists / "itself.txt").write_text("a __itself__\n", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret\n", encoding="utf-8")
    (lists / "link.txt").symlink_to(tmp_path / "secret.txt")
    (lists / "bad.txt").write_bytes(b"\xff\xfe\x00")
    (lists / "huge.txt").write_bytes(b"a\n" * 2**20)
    extension = tmp_path / "extensions" / "sd-dynamic-prompts" / "wildcards"
    extension.mkdir(parents=True)
    (extension / "place.txt").write_text("castle\n", encoding="utf-8")
    (tmp_path / "styles.csv").write_text(
        "name,prompt,negative_prompt\n"
        'oil,"oil painting of {prompt}, thick",blurry\n'
        "ink,ink drawing,\n"
        "--- headings ---,,\n"
        "none,never,\n",
        encoding="utf-8",
    )
    return tmp_path


def drawn(text: str, seeds: int = 200) -> set[str]:
    return {resolve(text, seed) for seed in range(seeds)}


@pytest.mark.parametrize(
    "text, all_of_it",
    [
        ("{a|b|c}", {"a", "b", "c"}),
        ("x {a|{b|c}} y", {"x a y", "x b y", "x c y"}),
        ("{2$$a|b}", {"a,b", "b,a"}),
        ("{2$$ and $$a|b}", {"a and b", "b and a"}),
        ("{0-1$$a}", {"", "a"}),
        ("{5$$a}", {"a"}),
        ("{0::a|b}", {"b"}),
        ("{a|}", {"a", ""}),
        ("{a} {b} }{", {"{a} {b} }{"}),
        ("[a|b] a|b", {"[a|b] a|b"}),
        (r"\{a|b\}", {r"\{a|b\}"}),
        ("__init", {"__init"}),
    ],
)
def test_choices(text, all_of_it):
    assert drawn(text) == all_of_it


def test_a_weight_makes_an_option_as_much_more_frequent():
    often = sum(resolve("{3::a|b}", seed) == "a" for seed in range(2000))
    assert 1400 < often < 1600


def test_words_come_from_the_lists_beside_the_models(home):
    assert drawn("__colour__ cat") == {"red cat", "blue cat"}
    assert drawn("__both__") == {"red mouse", "blue mouse"}
    assert drawn("__place____colour__", 40) == {"castlered", "castleblue"}


@pytest.mark.parametrize("name", ["missing", "link", "animals", "animals/tiny", "mi_ss_ing"])
def test_a_list_that_is_not_there_stays_and_is_named(home, name):
    assert resolve(f"a __{name}__ b", 1) == f"a __{name}__ b"
    (note,) = TextToImageRequest.parse({"prompt": f"__{name}__"}).notes()
    assert f"__{name}__" in note
    assert not list(TextToImageRequest.parse({"prompt": "__colour__ and a_b __ c"}).notes())


def test_nothing_is_chosen_inside_the_tag_of_a_lora(home):
    tags = "<lora:a__colour__b:0.8> <LoRA:{x|y}:1> <lyco:__colour__:{0.1|0.2}>"
    assert resolve(f"{tags} __colour__", 1) in (f"{tags} red", f"{tags} blue")
    assert drawn("{<lora:a{b|c}:1>|fox}") == {"<lora:a{b|c}:1>", "fox"}
    assert not list(TextToImageRequest.parse({"prompt": "<lora:a__places__b:0.8> fox"}).notes())


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "animals/../../secret", "a//b", "..", "", "a" * 500, "a\0b", "../*", "*/../*"]
)
def test_no_name_leads_out_of_the_folder(home, name):
    assert wildcards.options(name) is None
    assert "secret" not in resolve(f"__{name}__", 1).replace(name, "")


@pytest.mark.parametrize("name", ["bad", "huge"])
def test_a_damaged_list_is_refused(home, name):
    with pytest.raises(BadFile, match=name):
        wildcards.options(name)


def test_a_list_that_names_itself_ends_with_a_sentence(home):
    with pytest.raises(BadRequest, match="itself"):
        resolve("__itself__", 1)


def test_styles_take_the_prompt_in_or_follow_it(home):
    assert style_names() == (NO_STYLE, "oil", "ink")
    assert style("oil").around("a cat", "dog") == ("oil painting of a cat, thick", "dog, blurry")
    assert style("ink").around("a cat ", " dog") == ("a cat, ink drawing", " dog")
    assert style("ink").around("", "") == ("ink drawing", "")
    assert Style("", "").around(" a ", "") == (" a ", "")
    with pytest.raises(BadRequest, match="style"):
        style("gone")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"name\n", b'name,prompt\n"a', b"\0\0", b"a" * 2**21])
def test_a_damaged_style_file_has_no_styles(home, content):
    (home / "styles.csv").write_bytes(content)
    assert style_names() == (NO_STYLE,)


def test_each_picture_makes_its_own_choices_by_its_seed(home):
    asked = TextToImageRequest.parse({"prompt": "__colour__ {a|b|c|d}", "seed": 5, "count": 8, "style": "oil"})
    made = [asked.of_picture(i) for i in range(8)]
    alone = [
        TextToImageRequest.parse({"prompt": asked.prompt, "seed": 5 + i, "style": "oil"}).of_picture(0)
        for i in range(8)
    ]
    assert made == alone and len({one.prompt for one in made}) > 3
    assert all(one.style == NO_STYLE and one.of_picture(0) == one and one.template() == {} for one in made)
    assert asked.template() == {"prompt": asked.prompt, "negative_prompt": "", "style": "oil"}


@pytest.mark.parametrize(
    "values", [{"prompt": "{999$$" + "|" * 900 + "}"}, {"prompt": "(x:1000)"}, {"negative_prompt": "(" * 60 + "x"}]
)
def test_a_request_says_at_once_what_its_prompt_lacks(values):
    with pytest.raises(StudioError):
        TextToImageRequest.parse(values)
    assert TextToImageRequest.parse(values | {"prompt_syntax": "plain"})
