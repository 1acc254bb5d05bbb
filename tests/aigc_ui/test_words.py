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
from pipelines.requests.text_to_image import TextToImageRequest

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


def test_both_languages_say_everything_with_the_same_blanks_and_chinese_is_chinese():
    """One test for the whole table: it names every word that is wrong, not only the first."""
    complaints = [f"{key}: {wrong}" for key, pair in words.WORDS.items() for wrong in complaints_about(key, *pair)]
    assert complaints == []


def complaints_about(key: str, english: str, chinese: str) -> list[str]:
    translated = key.startswith("choice.") or re.search(r"[\u4e00-\u9fff]", chinese)  # names need no translation
    blanks = [set(re.findall(r"\{\w+\}", said)) for said in (english, chinese)]
    claims = {
        "says nothing in English": bool(english.strip()),
        "says nothing in Chinese": bool(chinese.strip()),
        "has other blanks in Chinese": blanks[0] == blanks[1],
        "is not translated": bool(translated),
    }
    return [complaint for complaint, fine in claims.items() if not fine]


def test_every_word_that_the_scripts_ask_for_is_in_the_table():
    asked = set(re.findall(r"""(?:\bt|label|button)\(\s*["']([\w.]+)["']""", SCRIPTS))
    assert len(asked) > 30
    assert asked - set(words.WORDS) == set()


def test_what_a_pane_shows_has_a_name_and_an_explanation():
    panes = set(re.findall(r'"(live\.(?:x0?|done|stopped))"', SCRIPTS))
    assert panes
    assert [key for pane in sorted(panes) for key in (pane, f"{pane}.help") if not words.has(key)] == []


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


def test_every_setting_has_a_label_and_every_choice_a_name():
    wanted = []
    for field in TextToImageRequest.fields():
        wanted.append(f"field.{field.name}")
        if field.name == "vae":  # as models are, the others are named by their files
            wanted.append(f"choice.vae.{field.default}")
        elif isinstance(field.spec, Choice) and field.name not in ("model", "style"):  # named by their files
            wanted += [f"choice.{field.name}.{name}" for name in field.spec.names()]
    assert [key for key in wanted if not words.has(key)] == []


@pytest.mark.parametrize("locale", ["zh", "zh-CN", "zh-TW"])
def test_every_chinese_browser_gets_chinese(locale):
    assert words.translations(["generate"]).translations[locale]["generate"] == "生成"
