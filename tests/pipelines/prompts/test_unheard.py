"""What a model with few words does not hear: all that its captions say is known, all else is found where it stands."""

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipelines import models
from pipelines.data import captions, composing, mixture, subjects
from pipelines.data import vocabulary as shipped
from pipelines.prompts import unheard as checking
from pipelines.prompts import vocabulary
from pipelines.prompts.nearest import distance, nearest, table
from pipelines.prompts.pieces import pieces_of, read
from pipelines.prompts.unheard import suggestions, unheard
from tests.tiny import FEW_WORDS

ROOT = Path(__file__).parents[3]
MINI = ROOT / "assets" / "models" / "aigc-mini"
FEW = json.loads(FEW_WORDS.read_text(encoding="utf-8"))
KNOWN = vocabulary.parsed(FEW)
FOREIGN = ["sunset", "zebrafish", "Mountains", "qwertz", "wörd", "日落", "麒麟", "カメラ", "кот", "7", "🪐", "it's"]


def words(prompt: str, syntax: str = "a1111") -> list[str]:
    """The unheard ones, those that are said in vain with their thing."""
    found = unheard(prompt, KNOWN, syntax)
    assert [one.text for one in found] == [prompt[one.start : one.end] for one in found]
    return [f"{one.text} ({one.thing})" if one.thing else one.text for one in found]


def near(word: str) -> list[str]:
    [one] = unheard(word, KNOWN)
    return [suggestion.text for suggestion in suggestions(one, word, KNOWN)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_every_caption_is_known(seed):
    rng = np.random.default_rng(seed)
    for _ in range(40):
        scene, _ = mixture.scene(rng)
        for caption in (captions.of_scene(scene, rng), captions.plain_english(scene), captions.plain_chinese(scene)):
            assert words(caption) == [], caption


def test_every_name_of_a_subject_is_known_in_both_languages_and_counted():
    for name, subject in subjects.table().items():
        for word in (*subject.english, *subject.chinese, captions.plural(name)):
            assert words(word) == [], word
            assert words(word.upper()) == [], word
            assert words(word.replace(" ", "-")) == [], word


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(FOREIGN), st.booleans())
def test_a_foreign_word_is_found_where_it_stands(seed, word, first):
    caption = mixture.caption(np.random.default_rng(seed))
    prompt = f"{word}, {caption}" if first else f"{caption}, {word}"
    [one] = unheard(prompt, KNOWN, "a1111")
    assert (one.start, one.end) == ((0, len(word)) if first else (len(caption) + 2, len(prompt)))


@settings(max_examples=300, deadline=None)
@given(
    st.text("ab 猫日红色,.()[]{}|:_<>$\\AND1.5%@#\n🐱'-", max_size=60), st.sampled_from(("a1111", "comfyui", "plain"))
)
def test_any_text_at_all_has_places_inside_it_in_order(text, syntax):
    found = unheard(text, KNOWN, syntax)
    edges = [edge for one in found for edge in (one.start, one.end)]
    assert edges == sorted(edges) and all(one.start < one.end <= len(text) for one in found)


@pytest.mark.parametrize(
    "prompt, found",
    [
        ("", []),
        ("sunset over mountains", ["sunset", "over", "mountains"]),
        ("a hot dog and a fire engine", []),
        ("a hot day", ["hot", "day"]),
        ("two kittens", ["kittens"]),  # captions count cats only: two of them are two lumps
        ("four cats", ["four"]),
        ("小猫头鹰", []),
        ("日落山上的猫", ["日落", "山"]),
        ("一只麒麟和一只猫", ["麒麟"]),
        ("马路上的猫", ["马路"]),  # not a horse and something
        ("画a cat和狗", ["画"]),
        ("🐱 and dog", ["🐱"]),
    ],
)
def test_words_are_found(prompt, found):
    assert words(prompt) == found


@pytest.mark.parametrize(
    "prompt",
    [
        "a (cat:1.3) <lora:inky thing:0.8> BREAK dog",
        "cat AND dog :0.5",
        "[cat:dog:0.5] [cat|dog] [dog:12] ((cat))",
        "__animals/small__ cat __*/x__ __season(place=north)__",
        "{cat|dog} {2$$cat|dog} {3::cat|dog} {2$$ and $$cat|dog}",
        "${beast=cat} ${beast} %{a $$cat}",
        "embedding:my_style a cat",
        "a fire-engine, T-Rex, T恤",
    ],
)
def test_what_only_says_how_words_count_is_no_word(prompt):
    assert words(prompt) == []


def test_in_plain_syntax_every_word_is_one():
    assert words("cat <lora:ink:0.8> AND dog", "plain") == ["lora", "ink", "0.8"]


def test_choices_are_read_as_their_words():
    assert words("{sunset|cat} ${x=mountain} (a wizard:1.2)") == ["sunset", "mountain", "wizard"]


@pytest.mark.parametrize(
    "prompt, found",
    [
        ("a black cat", ["black (cat)"]),
        ("a black circle on a black background", []),
        ("黑色的猫", ["黑色 (猫)"]),
        ("黑色背景上的猫", []),
        ("a black and white fluffy cat", ["black (cat)", "white (cat)", "fluffy"]),
        ("a large cat and a small cat", ["large (cat)"]),
        ("大猫和大圆形", ["大 (猫)"]),
        ("red, cat", []),
        ("a (black:1.3) cat", ["black (cat)"]),
        ("a red heart on a red car", []),  # red car is a name
        ("white circle left of a blue fire truck", ["blue (fire truck)"]),
    ],
)
def test_a_colour_is_said_of_what_can_have_one(prompt, found):
    assert words(prompt) == found


@pytest.mark.parametrize(
    "word, suggested",
    [
        ("kitty", "cat"), ("sunset", "sun"), ("automobile", "car"), ("mountains", "volcano"), ("kittens", "cats"),
        ("circl", "circle"), ("dgo", "dog"), ("elefant", "elephant"), ("hampsters", "hamsters"),
        ("firetruck", "fire truck"),
        ("crimson", "red"), ("tabel", "chair"), ("beside", "left of"), ("cream", "ice cream"), ("🦀", "crab"),
        ("日落", "太阳"), ("红", "红色"), ("猫咪", "猫"), ("帆", "帆船"), ("grape", "grapes"), ("4", "three"),
    ],
)  # fmt: skip
def test_the_nearest_that_it_knows_is_suggested(word, suggested):
    assert near(word)[0] == suggested


@pytest.mark.parametrize("word", ["please", "qwertz", "可爱", "masterpiece", "x"])
def test_where_nothing_is_near_nothing_is_suggested(word):
    assert near(word) == []


def test_what_stands_near_common_words_is_known_and_a_known_word_is_none_of_them():
    names = {name for some in table().values() for name in some}
    assert {name for name in names if words(name)} == set()
    assert [word for word in ("waves", "stars", "饼干") if words(word)] == []  # the table is for any vocabulary


def test_what_is_suggested_is_known():
    for pieces in table():
        for suggestion in (*nearest(KNOWN, pieces, "en"), *nearest(KNOWN, pieces, "zh")):
            assert words(suggestion.text) == [], (pieces, suggestion)


@given(st.text("abcd", max_size=7), st.text("abcd", max_size=7))
def test_letters_apart_are_counted_as_far_as_they_are_asked_for(a, b):
    whole = distance(a, b, 9)
    assert whole == distance(b, a, 9) and (whole == 0) == (a == b)
    assert distance(a, b, 1) == min(whole, 2)


def test_examples_on_the_page_are_known():
    cards = json.loads((ROOT / "assets" / "cards" / "cards.json").read_text(encoding="utf-8"))
    examples = [card["prompt"] for card in cards["cards"]]
    known = vocabulary.of_model(MINI)
    assert known and len(examples) > 4
    assert {example: unheard(example, known) for example in examples if unheard(example, known)} == {}


@pytest.mark.parametrize(
    "text", ["(sunset over 山 ", "__a", "a AND ", "{", "<lora:", "${a ", "cat", "山河", "black ", "embedding: ", "2$$|"]
)
def test_a_long_prompt_takes_no_long_time(text):
    unheard("warm", KNOWN, "a1111")
    start = time.thread_time()
    unheard((text * 10_000)[:10_000], KNOWN, "a1111")
    assert time.thread_time() - start < 2


def test_places_are_those_of_the_whole_text():
    text = "a <lora:x:1> (sunset:1.1) cat"
    assert [piece.text for piece in read(text, "a1111")] == ["a", "sunset", "cat"]
    [one] = unheard(text, KNOWN, "a1111")
    assert text[one.start : one.end] == "sunset"


def test_a_learned_word_is_known_where_there_is_one():
    assert unheard("a my-style cat", KNOWN, others=[pieces_of("my-style")]) == ()


def test_the_file_beside_the_model_is_what_the_data_say():
    kept = json.loads((MINI / vocabulary.FILE).read_text(encoding="utf-8"))
    assert kept == shipped.description(kept["unlearned"]), "run python -m pipelines.evaluation.learned aigc-mini"
    known = vocabulary.of_model(MINI)
    assert known and known.sheet
    with Image.open(MINI / known.sheet.file) as sheet:
        assert sheet.width == known.sheet.columns * known.sheet.cell
        assert sheet.height >= -(-len(composing.nouns()) // known.sheet.columns) * known.sheet.cell
    assert all(word.sign or word.picture is not None for word in known.words if known.kinds[word.kind].thing)


def test_notes_name_what_was_not_heard(tmp_path):
    shutil.copy(FEW_WORDS, tmp_path / vocabulary.FILE)
    said = list(checking.notes(["a sunset", "a black cat", "a sunset"], tmp_path, "a1111"))
    assert said == [
        "This model does not know: sunset.",
        "This model cannot give these words to these things: black (cat).",
    ]
    assert list(checking.notes(["a cat"], tmp_path, "a1111")) == []
    many = "a " + " ".join(f"x{letter}y" for letter in "abcdefghij")
    assert str(next(checking.notes([many], tmp_path, "a1111"))).endswith("xhy, ….")


def test_a_model_without_a_vocabulary_says_nothing(tmp_path):
    assert vocabulary.of_model(tmp_path) is None and vocabulary.pictures(tmp_path) is None
    assert list(checking.notes(["a sunset"], tmp_path, "a1111")) == []
    assert vocabulary.of_model(models.find("aigc-mini")) is not None


def broken(**changes) -> str:
    return json.dumps(FEW | changes)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", '{"version": 2}', "[" * 10_000, broken(words=3), broken(words=[3]), broken(kinds=[]),
        broken(words=[{"kind": "gone", "names": {}}]), broken(small={"en": ["\x1b[31m"]}), broken(joining=["x" * 1000]),
        broken(pictures={"file": "../../../etc/passwd", "cell": 48, "columns": 16}),
        broken(pictures={"file": "x.svg", "cell": 48, "columns": 16}),
        broken(pictures={"data": "subjects", "cell": 48, "columns": 16}),
        broken(words=[{"kind": "shape", "names": {"en": ["x"]}, "sign": "not a sign"}]),
        broken(pictures={"file": "x.webp", "cell": 0, "columns": 16}),
        broken(words=[{"kind": "animal", "names": {"en": ["cat"]}, "colour": "red;background:url(x)"}]),
        broken(words=[{"kind": "animal", "names": {"en": ["cat"]}, "picture": -1}]),
        broken(words=[{"kind": "animal", "names": {"en": ["cat"]}}] * 20_000),
    ],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_a_strangers_file_that_cannot_be_read_counts_as_none(tmp_path, text):
    (tmp_path / vocabulary.FILE).write_text(text, encoding="utf-8")
    assert vocabulary.of_model(tmp_path) is None


def test_no_picture_leads_out_of_the_folder(tmp_path):
    (tmp_path / "secret.webp").write_bytes(b"secret")
    folder = tmp_path / "model"
    folder.mkdir()
    own = broken(pictures={"file": "x.webp", "cell": 48, "columns": 16})
    (folder / vocabulary.FILE).write_text(own, encoding="utf-8")
    (folder / "x.webp").write_bytes(b"own")
    assert vocabulary.pictures(folder) == (b"own", "image/webp")
    (folder / "x.webp").unlink()
    (folder / "x.webp").symlink_to(tmp_path / "secret.webp")
    assert vocabulary.of_model(folder) is not None and vocabulary.pictures(folder) is None


def test_a_changed_file_is_read_again(tmp_path):
    file = tmp_path / vocabulary.FILE
    file.write_text(broken(words=[]), encoding="utf-8")
    before = vocabulary.of_model(tmp_path)
    file.write_text(broken(), encoding="utf-8")
    after = vocabulary.of_model(tmp_path)
    assert before and after and before.words == () and len(after.words) > 250 and before.digest != after.digest
