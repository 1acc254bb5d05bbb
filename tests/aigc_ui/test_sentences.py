"""What the studio says can be said in every language: each template in the code has its translation, and no other."""

import ast
import json
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from aigc_ui import page_files, words

ROOT = Path(words.__file__).parents[1]
FILES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((words.LOCALES / "sentences").glob("*.json"))}
TABLES: dict[str, dict[str, str]] = {language: json.loads(text) for language, text in FILES.items()}
TERMINAL = (  # they speak before there is a page, to whoever typed the command: in English
    "app.py",
    "aigc_ui/flags.py",
    "aigc_ui/network.py",
    "aigc_ui/proxies.py",
    "aigc_ui/tls.py",
    "pipelines/__main__.py",
    "pipelines/device/hardware.py",
    "pipelines/places.py",
)
NAMES = {
    "LoRA",
    "ControlNet",
    "IP-Adapter",
    "DySample",
    "a StyleGAN3",
    "a StyleGAN2",
    "a BigGAN",
    "a transformer",
    "styles.csv",
}


def sources() -> dict[str, ast.Module]:
    paths = [ROOT / "app.py", *(ROOT / "pipelines").rglob("*.py"), *(ROOT / "aigc_ui").rglob("*.py")]
    return {str(path.relative_to(ROOT).as_posix()): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def speakers(trees: list[ast.Module]) -> set[str]:
    """Sentence, and the names of all errors for a person, wherever they are defined."""
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    known = {"Sentence", "StudioError"}
    while more := {c.name for c in classes if any(isinstance(b, ast.Name) and b.id in known for b in c.bases)} - known:
        known |= more
    return known


def spoken(tree: ast.AST, known: set[str]) -> Iterator[ast.Call]:
    """The calls that make a sentence: by name, or as `super().__init__` in an error's own class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in known - {"Sentence", "StudioError", "TooMany", "_Died"}:
            inits = [call for call in ast.walk(node) if isinstance(call, ast.Call) and _called(call) == "__init__"]
            yield from inits
        if isinstance(node, ast.Call) and _called(node) in known and node.args:
            yield node


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def complaint(call: ast.Call) -> str:
    """Why a call makes no sentence that can be translated, or ""."""
    first, given = call.args[0], {keyword.arg for keyword in call.keywords}
    if isinstance(first, ast.Constant):
        blanks = (
            {name for _, name, _, _ in string.Formatter().parse(first.value) if name is not None} if given else set()
        )
        return "" if blanks == given else f"its blanks are {sorted(blanks)}, its values {sorted(map(str, given))}"
    if given - {"retry_after", None} or not isinstance(first, ast.Name | ast.Attribute | ast.Call):
        return "its template is no plain text"
    return "it is put together as text" if _called_text(first) else ""


def _called_text(first: ast.expr) -> bool:
    return isinstance(first, ast.Call) and _called(first) in ("str", "format", "join", "strip", "replace")


def template(call: ast.Call) -> str:
    """What `Sentence` makes of it."""
    text: str = call.args[0].value  # type: ignore[attr-defined]
    if not call.keywords:
        return text
    return "".join(
        f"{lit}{{{name}}}" if name is not None else lit for lit, name, _, _ in string.Formatter().parse(text)
    )


SOURCES = sources()
KNOWN = speakers(list(SOURCES.values()))
CALLS = {name: list(spoken(tree, KNOWN)) for name, tree in SOURCES.items() if name != "pipelines/errors.py"}
TEMPLATES = {
    template(call)
    for name, calls in CALLS.items()
    if name not in TERMINAL
    for call in calls
    if isinstance(call.args[0], ast.Constant) and call.args[0].value
}


@pytest.mark.parametrize("name", CALLS)
def test_sentences_are_templates_with_their_values(name):
    wrong = {f"{name}:{call.lineno}": complaint(call) for call in CALLS[name]}
    assert {place: why for place, why in wrong.items() if why} == {}


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ('BadFile(f"{x} is bad.")', "no plain text"),
        ('BadFile("a " + b)', "no plain text"),
        ('BadFile("a" if b else "c")', "no plain text"),
        ("BadFile(why[:300])", "no plain text"),
        ("BadFile(words, name=name)", "no plain text"),
        ("BadFile(str(error))", "put together"),
        ('Sentence("{a} is bad.".format(a=a))', "put together"),
        ('Sentence("{a} is {b}.", a=a)', "blanks"),
        ('Sentence("{a}.", a=a, b=b)', "blanks"),
        ("BadFile(error.sentence)", ""),
        ('BadFile("Braces {as} they are.")', ""),
        ('Sentence("{a!r} of {b:g}.", a=a, b=b)', ""),
    ],
)
def test_a_sentence_that_cannot_be_translated_is_found(code, why):
    [call] = spoken(ast.parse(code), {"BadFile", "Sentence"})
    assert why in complaint(call) and bool(why) == bool(complaint(call))


def test_errors_and_their_sentences_are_found():
    assert {"BadRequest", "NotDecoded", "JobFailed", "_TooMuch"} <= KNOWN
    assert "a config asks for {numbers} numbers, more than its weights hold. Copy both again." in TEMPLATES
    assert len(TEMPLATES) > 400


@pytest.mark.parametrize("language", TABLES)
def test_every_sentence_has_its_translation_and_no_other(language):
    table = TABLES[language]
    assert sorted(TEMPLATES - table.keys()) == [], "these are not translated"
    assert sorted(table.keys() - TEMPLATES) == [], "these are said nowhere"


@pytest.mark.parametrize("language", TABLES)
def test_a_translation_has_the_same_blanks(language):
    def blanks(text: str) -> list[str]:
        return sorted(set(re.findall(r"\{\w+\}", text)))

    table = TABLES[language]
    assert {key: text for key, text in table.items() if blanks(key) != blanks(text)} == {}
    assert {key for key, text in table.items() if not text.strip()} == set()


@pytest.mark.parametrize("language", FILES)
def test_a_file_is_sorted_and_no_sentence_stands_twice(language):
    assert FILES[language] == json.dumps(TABLES[language], ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def test_there_is_a_table_for_every_language_but_english():
    assert set(TABLES) == set(words.table()) - {words.FALLBACK}


def test_chinese_is_chinese():
    assert {k for k, text in TABLES["zh"].items() if not re.search(r"[\u4e00-\u9fff]|^\{\w+\}", text)} == NAMES


def test_english_readers_fetch_no_table():
    """Each is a file of its own, which no script imports before it runs."""
    files = page_files.files().files
    assert {f"sentences_{language}.js" for language in TABLES} <= files.keys()
    assert not [name for name in page_files.needed(files, page_files.ENTRY) if name.startswith("sentences_")]
    assert "SHA-256" not in files["words_table.js"].decode()
