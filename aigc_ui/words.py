"""Every word on the page, from `locales/`: one file a language, whose gaps English fills.

`locales/sentences/` has a file for every language but English: what the studio itself says, `errors.Sentence`, by its
English template. A sentence that such a file lacks stays English.

`language.name` is what a language calls itself. `language.locales` are the names under which browsers ask for it,
besides that of its file; the first is the one by which a browser sets texts and dates.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

LOCALES = Path(__file__).parent / "locales"
FALLBACK = "en"


def read(folder: Path) -> dict[str, dict[str, str]]:
    """language -> key -> text; a language is named by its file, and all have the same keys."""
    files = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    itself = {language: {"language.name": language, "language.locales": language} for language in files}
    return {language: files[FALLBACK] | itself[language] | own for language, own in files.items()}


@cache
def table() -> Mapping[str, Mapping[str, str]]:
    """All words in all languages, as the page's own scripts take them; read at the first call."""
    return read(LOCALES)


@cache
def sentences() -> Mapping[str, Mapping[str, str]]:
    """language -> English template -> its translation, with the same blanks."""
    files = sorted((LOCALES / "sentences").glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}


def text(key: str, language: str = FALLBACK) -> str:
    """One word or sentence; raises KeyError for a key or a language that the table lacks."""
    return table()[language][key]


def has(key: str) -> bool:
    return key in table()[FALLBACK]


def translations(keys: Iterable[str]) -> dict[str, dict[str, str]]:
    """These words of the table for Gradio's components, under every name that a browser may ask for."""
    keys = list(keys)
    by_language = {language: {key: every[key] for key in keys} for language, every in table().items()}
    by_locale = {locale: words for language, words in by_language.items() for locale in locales(language)}
    return by_locale | by_language  # a file of its own goes before another's claim


def locales(language: str) -> list[str]:
    return text("language.locales", language).split()
