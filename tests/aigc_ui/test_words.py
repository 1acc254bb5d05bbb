"""The table of words: every language whole, with everything that the page and its scripts say."""

import json
import re
import shutil
from pathlib import Path

import pytest

from aigc_ui import page_files, words
from pipelines.params import Choice
from pipelines.requests.text_to_image import TextToImageRequest

FILES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(words.LOCALES.glob("*.json"))}
TABLES: dict[str, dict[str, str]] = {language: json.loads(text) for language, text in FILES.items()}
ENGLISH = TABLES[words.FALLBACK]
PYTHON = "".join(path.read_text(encoding="utf-8") for path in Path(words.__file__).parent.glob("*.py"))
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
    "lab.digits.info.",
    "lab.points.info.",
    "lab.reverse.info.",
    "train.field.",
    "train.whose.",
    "train.bound.",
    "kin.kind.",
    "lab.key.",
    "lab.view.",
    "lab.picture.",
    "family.",
    "film.",
    "inside.",
    "score.",
    "kind.",
    "library.",
    "gallery.facet.",
    "gallery.kind.",
    "gallery.zoom.",
    "estimate.",
)


def complaints(own: dict[str, str], english: dict[str, str]) -> list[str]:
    """What is wrong with a language's file, word by word."""
    found = [f"{key}: missing" for key in english.keys() - own.keys()]
    found += [f"{key}: English has no such word" for key in own.keys() - english.keys()]
    found += [f"{key}: says nothing" for key, text in own.items() if not text.strip()]
    for key in own.keys() & english.keys():
        blanks, wanted = (sorted(set(re.findall(r"\{\w+\}", text))) for text in (own[key], english[key]))
        if blanks != wanted:
            found.append(f"{key}: has the blanks {blanks}, not {wanted}")
    return sorted(found)


@pytest.mark.parametrize("language", TABLES)
def test_a_language_says_everything_with_the_same_blanks(language):
    """One test for the whole file: it names every word that is wrong, not only the first."""
    assert complaints(TABLES[language], ENGLISH) == []


def test_every_kind_of_wrong_word_is_found():
    english = {"a": "A", "b": "B", "c": "{x} of {y}", "d": "D"}
    assert complaints({"a": " ", "c": "{y} / {z}", "d": "D", "e": "E"}, english) == [
        "a: says nothing",
        "b: missing",
        "c: has the blanks ['{y}', '{z}'], not ['{x}', '{y}']",
        "e: English has no such word",
    ]


@pytest.mark.parametrize("language", FILES)
def test_a_file_is_sorted_and_no_word_stands_twice(language):
    as_written = json.dumps(TABLES[language], ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    assert FILES[language] == as_written


def test_chinese_is_chinese():
    as_they_are = ("choice.", "language.")  # names need no translation
    words_to_translate = {key: text for key, text in TABLES["zh"].items() if not key.startswith(as_they_are)}
    assert [key for key, text in words_to_translate.items() if not re.search(r"[\u4e00-\u9fff]", text)] == []


def test_a_further_language_is_one_more_file_and_english_says_what_it_lacks(tmp_path, monkeypatch):
    shutil.copytree(words.LOCALES, tmp_path / "locales")
    (tmp_path / "locales" / "de.json").write_text('{"stop": "Anhalten"}', encoding="utf-8")
    table = words.read(tmp_path / "locales")
    assert list(table) == sorted([*TABLES, "de"])
    assert table["de"] == ENGLISH | {"stop": "Anhalten", "language.name": "de", "language.locales": "de"}
    monkeypatch.setattr(words, "table", lambda: table)
    assert words.text("stop", "de") == "Anhalten"
    shown = words.translations(["stop", "generate"])
    assert shown["de"] == {"stop": "Anhalten", "generate": "Generate"}
    assert shown["zh-TW"]["stop"] == "停止" and shown["en"]["stop"] == "Stop"


def test_every_word_that_the_scripts_ask_for_is_in_the_table():
    asked = set(re.findall(r"""(?:\bt|label|button)\(\s*["']([\w.]+)["']""", SCRIPTS))
    assert len(asked) > 30
    assert asked - set(ENGLISH) == set()


def test_what_a_pane_shows_has_a_name_and_an_explanation():
    panes = set(re.findall(r'"(live\.(?:x0?|done|stopped))"', SCRIPTS))
    assert panes
    assert [key for pane in sorted(panes) for key in (pane, f"{pane}.help") if not words.has(key)] == []


def test_no_word_is_left_over():
    built = {f"detail.{name}" for name in re.findall(r'"(previous|next|close)"', SCRIPTS)}
    built |= {f"lesson.{name}" for name in re.findall(r'"(open|save|link(?:\.plain)?)"', SCRIPTS)}
    built |= {f"group.{prefix}{number}" for prefix in ("control", "ip") for number in (2, 3)}
    built |= {f"train.{name}" for name in re.findall(r'line\("(\w+)"', SCRIPTS)}
    elsewhere = SCRIPTS + PYTHON

    def said(key: str) -> bool:
        return key in built or any(f'"{name}"' in elsewhere for name in (key, key.removesuffix(".help")))

    unused = [key for key in ENGLISH if not key.startswith(FAMILIES) and not said(key)]
    assert unused == []


def test_every_setting_has_a_label_and_every_choice_a_name():
    wanted = []
    for field in TextToImageRequest.fields():
        wanted.append(f"field.{field.declared}")
        if field.name == "vae":  # as models are, the others are named by their files
            wanted.append(f"choice.vae.{field.default}")
        elif isinstance(field.spec, Choice) and field.name not in ("model", "style"):  # named by their files
            wanted += [f"choice.{field.declared}.{name}" for name in field.spec.names()]
    assert [key for key in wanted if not words.has(key)] == []


@pytest.mark.parametrize("locale", ["zh", "zh-CN", "zh-TW", "zh-HK"])
def test_every_chinese_browser_gets_chinese(locale):
    assert words.translations(["generate"])[locale]["generate"] == "生成"
