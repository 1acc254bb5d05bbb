"""What somebody types as a question for SQLite's full-text search, and texts as it keeps them.

Chinese has no spaces between words, so each Han or kana character is a token of its own, and a word of them is asked
as a phrase: 熊猫 finds 大熊猫. The last word is still being typed, so that "pan" finds panda; "two words" in quotation
marks are a phrase; -word must not occur.
"""

import re
from dataclasses import dataclass

MOST_WORDS = 20
_ALONE = re.compile("([\u3005\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])")
_WORD = re.compile(r'(-?)(?:"([^"]*)"|(\S+))')
_SAYS = re.compile(r"[^\W_]")


@dataclass(frozen=True)
class Search:
    """Two expressions of FTS5: what must match and what must not; "" for no such condition."""

    wanted: str
    unwanted: str


def tokens(text: str) -> str:
    """The text as the index keeps it."""
    return _ALONE.sub(r" \1 ", text)


def search_of(text: str) -> Search:
    """Any text is a question; signs that are in no word are passed over."""
    found = _WORD.findall(text)[:MOST_WORDS]
    typing = bool(text) and not text[-1].isspace() and not text.endswith('"')
    wanted, unwanted = [], []
    for i, (minus, quoted, word) in enumerate(found):
        phrase = quoted or word
        if not _SAYS.search(phrase):
            continue
        prefix = "*" if typing and i == len(found) - 1 else ""
        (unwanted if minus else wanted).append(f'"{tokens(phrase).replace(chr(34), " ").strip()}"{prefix}')
    return Search(" AND ".join(wanted), " OR ".join(unwanted))
