"""The table of words: complete in both languages, for everything that the page and its scripts say."""

import re
from pathlib import Path

import pytest

from aigc_ui import (
    addon_words,
    classroom_words,
    family_words,
    lab_words,
    library_words,
    making_words,
    metadata_words,
    page_files,
    words,
)
from pipelines.params import Choice
from pipelines.requests import TextToImageRequest

PYTHON = "".join(path.read_text(encoding="utf-8") for path in Path(words.__file__).parent.glob("*.py"))
TABLES = [
    Path(module.__file__).read_text(encoding="utf-8")
    for module in (
        words,
        addon_words,
        classroom_words,
        family_words,
        lab_words,
        library_words,
        making_words,
        metadata_words,
    )
]
SCRIPTS = "".join(path.read_text(encoding="utf-8") for path in sorted(page_files.STATIC.glob("*.js")))
FAMILIES = (
    "field.",
    "info.",
    "placeholder.",
    "choice.",
    "stage.",
    "state.",
    "tab.",
    "lab.way.",
    "lab.field.",
    "lab.info.",
    "lab.reverse.info.",
    "train.field.",
    "train.whose.",
    "train.bound.",
    "lab.key.",
    "lab.view.",
    "lab.picture.",
    "family.",
    "score.",
    "kind.",
    "library.",
    "estimate.",
)


@pytest.mark.parametrize("key", words.WORDS)
def test_both_languages_say_it_with_the_same_blanks(key):
    english, chinese = words.WORDS[key]
    assert english.strip() and chinese.strip()
    assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", chinese))


@pytest.mark.parametrize("key", [key for key in words.WORDS if not key.startswith("choice.")])
def test_chinese_is_chinese(key):
    assert re.search(r"[\u4e00-\u9fff]", words.text(key, "zh"))


def test_every_word_that_the_scripts_ask_for_is_in_the_table():
    asked = set(re.findall(r"""(?:\bt|label|button)\(\s*["']([\w.]+)["']""", SCRIPTS))
    assert len(asked) > 30
    assert asked - set(words.WORDS) == set()


@pytest.mark.parametrize("pane", re.findall(r'"(live\.(?:x0?|done|stopped))"', SCRIPTS))
def test_what_a_pane_shows_has_a_name_and_an_explanation(pane):
    assert words.has(pane) and words.has(f"{pane}.help")


def test_no_word_stands_twice():
    keys = [key for table in TABLES for key in re.findall(r'^    "([^"]+)": ', table, re.MULTILINE)]
    assert len(keys) > 300
    assert sorted(keys) == sorted(words.WORDS)


def test_no_word_is_left_over():
    built = {f"detail.{name}" for name in re.findall(r'"(previous|next|close)"', SCRIPTS)}
    built |= {f"lesson.{name}" for name in re.findall(r'"(open|save|link(?:\.plain)?)"', SCRIPTS)}
    built |= {f"train.{name}" for name in re.findall(r'line\("(\w+)"', SCRIPTS)}
    elsewhere = SCRIPTS + PYTHON
    for table in TABLES:
        elsewhere = elsewhere.replace(table, "")

    def said(key: str) -> bool:
        return key in built or any(f'"{name}"' in elsewhere for name in (key, key.removesuffix(".help")))

    unused = [key for key in words.WORDS if not key.startswith(FAMILIES) and not said(key)]
    assert unused == []


@pytest.mark.parametrize("field", TextToImageRequest.fields(), ids=lambda field: field.name)
def test_every_setting_has_a_label_and_every_choice_a_name(field):
    assert words.has(f"field.{field.name}")
    if field.name == "vae":  # as models are, the others are named by their files
        assert words.has(f"choice.vae.{field.default}")
    elif isinstance(field.spec, Choice) and field.name not in ("model", "style"):  # named by their files
        assert [name for name in field.spec.names() if not words.has(f"choice.{field.name}.{name}")] == []


@pytest.mark.parametrize("locale", ["zh", "zh-CN", "zh-TW"])
def test_every_chinese_browser_gets_chinese(locale):
    assert words.translations(["generate"]).translations[locale]["generate"] == "生成"
