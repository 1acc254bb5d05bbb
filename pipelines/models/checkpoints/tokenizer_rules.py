"""What a stranger's tokenizer.json may ask for: steps that are known, and text that can only grow a little.

Tokenizers run in Rust inside our process: replacements that feed one another can fill the memory and end it, and a
regular expression can hang it. So every step is one of a list, every expression one that real tokenizers are known to
have, and the product of all that makes text longer is bounded.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pipelines.errors import BadFile, Sentence
from pipelines.params import described

NORMALIZERS = frozenset(
    "BertNormalizer ByteLevel Lowercase NFC NFD NFKC NFKD Nmt Precompiled Prepend Replace Sequence Strip "
    "StripAccents".split()
)
PRE_TOKENIZERS = frozenset(
    "BertPreTokenizer ByteLevel CharDelimiterSplit Digits Metaspace Punctuation Sequence Split UnicodeScripts "
    "Whitespace WhitespaceSplit".split()
)
POST_PROCESSORS = frozenset("BertProcessing ByteLevel RobertaProcessing Sequence TemplateProcessing".split())
DECODERS = frozenset("BPEDecoder ByteFallback ByteLevel CTC Fuse Metaspace Replace Sequence Strip WordPiece".split())
MODELS = frozenset({"BPE", "Unigram", "WordLevel", "WordPiece"})

_LETTERS = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_SMALL = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_TAIL = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
_ENDING = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_O200K_TAIL = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
EXPRESSIONS = frozenset(
    {
        r"\s+",
        r" {2,}",
        r" +",
        r"\n",
        r"[\n\r\t]",
        r"[\r\n]",
        r"\s{2,}|[\n\r\t]",
        r"^▁+$",
        r" +▁",
        r"\s",
        r"\p{N}",
        r"\p{N}{1,3}",
        r"[0-9]",
        r"\d",
        r"\w+|[^\w\s]+",
        r"[^\s]+",
        # CLIP
        r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
        r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
        # GPT-2
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        # GPT-4, Llama 3; Qwen 2 and 3 (one digit at a time)
        rf"{_WORDS}|\p{{N}}{{1,3}}|{_TAIL}",
        rf"{_WORDS}|\p{{N}}|{_TAIL}",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+",
        # GPT-4o, Mistral's Tekken
        rf"[^\r\n\p{{L}}\p{{N}}]?{_LETTERS}*{_SMALL}+{_ENDING}|[^\r\n\p{{L}}\p{{N}}]?{_LETTERS}+{_SMALL}*{_ENDING}"
        rf"|\p{{N}}{{1,3}}|{_O200K_TAIL}",
        rf"[^\r\n\p{{L}}\p{{N}}]?{_LETTERS}*{_SMALL}+|[^\r\n\p{{L}}\p{{N}}]?{_LETTERS}+{_SMALL}*|\p{{N}}|{_O200K_TAIL}",
        # our own
        r"\p{Han}|\p{N}|[^\s\p{Han}\p{N}\p{P}]+|\p{P}",
        r"\p{Han}",
        r"'s\b|[^\p{L}\p{N}\s,<>|'\-]",
    }
)

MOST_STEPS, DEEPEST = 32, 4
MOST_GROWTH = 64
"""Product of what all replacements make of a character, in bytes."""
LONGEST_PART, LONGEST_TOKEN, LONGEST_FORM = 32, 1024, 256
MOST_ADDED, MOST_ADDED_CHARACTERS = 20_000, 2**20
MOST_TEMPLATE, MOST_PADDING = 64, 4096
LONGEST_WORD = 200


def check(config: Mapping[str, Any], label: str) -> None:
    """Raises BadFile where a tokenizer.json could cost more than a real one does."""
    growth = _check_steps(config.get("normalizer"), "normalizer", "normalizers", NORMALIZERS, label)
    growth *= _check_steps(config.get("pre_tokenizer"), "pre_tokenizer", "pretokenizers", PRE_TOKENIZERS, label)
    growth *= _check_steps(config.get("post_processor"), "post_processor", "processors", POST_PROCESSORS, label)
    if growth > MOST_GROWTH:
        raise BadFile(
            "{label} makes text {growth:.0f} times longer; at most {most} is allowed. Do not use it.",
            label=label,
            growth=growth,
            most=MOST_GROWTH,
        )
    if _check_steps(config.get("decoder"), "decoder", "decoders", DECODERS, label) > MOST_GROWTH:
        raise _refusal(label, "decoder", Sentence("makes text far longer"))
    _check_model(config.get("model"), label)
    _check_added(config.get("added_tokens") or [], label)
    _check_padding(config.get("padding"), label)


def _refusal(label: str, key: str, why: Sentence) -> BadFile:
    return BadFile(
        "{key} in {label} {why}, which no real tokenizer does. Take the model's own tokenizer.",
        key=key[:40],
        label=label,
        why=why,
    )


def _check_steps(step: Any, key: str, inside: str, known: frozenset[str], label: str) -> float:
    """How many times longer the steps make a text at most. Raises BadFile for one that is not known."""
    growth = 1.0
    singular = set()
    steps = list(_flat(step, key, inside, label, 0))
    if len(steps) > MOST_STEPS:
        raise _refusal(label, key, Sentence("has {number} steps", number=len(steps)))
    for each in steps:
        kind = each.get("type")
        if kind not in known:
            raise _refusal(label, key, Sentence("is {kind}", kind=described(kind)))
        if kind in ("Precompiled", "TemplateProcessing") and kind in singular:
            raise _refusal(label, key, Sentence("has two steps {kind}", kind=kind))
        singular.add(kind)
        _check_words(each, key, label)
        growth *= _GROWTHS.get(str(kind), lambda *_: 1.0)(each, key, label)
    return growth


def _flat(step: Any, key: str, inside: str, label: str, depth: int) -> Iterator[dict[str, Any]]:
    """All steps but the sequences that hold them."""
    if step is None:
        return
    if not isinstance(step, dict) or depth > DEEPEST:
        raise _refusal(label, key, Sentence("is nested in an unknown way"))
    if step.get("type") != "Sequence":
        yield step
        return
    each = step.get(inside)
    if not isinstance(each, list) or len(each) > MOST_STEPS:
        raise _refusal(label, key, Sentence("has no list of {inside}, or a long one", inside=inside))
    for one in each:
        yield from _flat(one, key, inside, label, depth + 1)


def _check_words(step: Mapping[str, Any], key: str, label: str) -> None:
    """Texts that a step puts in, but for what has rules of its own, are short."""
    for name in ("prepend", "prefix", "suffix", "replacement", "cleanup", "word_delimiter_token", "delimiter"):
        if isinstance(step.get(name), str) and len(step[name]) > LONGEST_PART:
            raise _refusal(
                label, key, Sentence("puts in a {name} of {number} characters", name=name, number=len(step[name]))
            )


def _replaced(step: Mapping[str, Any], key: str, label: str) -> float:
    content = step.get("content")
    shortest = _expression(step.get("pattern"), key, label)
    if not isinstance(content, str) or len(content) > LONGEST_PART:
        raise _refusal(label, key, Sentence("replaces text by a long one"))
    return max(1.0, len(content.encode("utf-8", "replace")) / shortest)


def _split(step: Mapping[str, Any], key: str, label: str) -> float:
    _expression(step.get("pattern"), key, label)
    return 1.0


def _expression(pattern: Any, key: str, label: str) -> int:
    """Bytes of the shortest text that it finds; of an expression, one. Raises BadFile for an unknown expression."""
    match pattern:
        case {"String": str(text)} if text and len(text) <= LONGEST_PART and len(pattern) == 1:
            return len(text.encode("utf-8", "replace"))
        case {"Regex": str(text)} if text in EXPRESSIONS and len(pattern) == 1:
            return 1
        case {"Regex": str(text)}:
            raise _refusal(label, key, Sentence("uses the regular expression {text}", text=repr(text[:60])[:92]))
    raise _refusal(label, key, Sentence("looks for nothing that can be found"))


def _precompiled(step: Mapping[str, Any], key: str, label: str) -> float:
    """SentencePiece's table of characters: a trie, then the texts that it leads to, each ended by a zero."""
    try:
        table = base64.b64decode(step.get("precompiled_charsmap") or "", validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise _refusal(label, key, Sentence("has a damaged table of characters")) from None
    forms = table[4 + int.from_bytes(table[:4], "little") :]
    if forms and (forms[-1] or max(map(len, forms.split(b"\0"))) > LONGEST_FORM):
        raise _refusal(label, key, Sentence("turns a character into a long text"))
    return 1.0


def _template(step: Mapping[str, Any], key: str, label: str) -> float:
    growth = 1.0
    for name in ("single", "pair"):
        pieces = step.get(name) or []
        if not isinstance(pieces, list) or len(pieces) > MOST_TEMPLATE:
            raise _refusal(label, key, Sentence("has a long template"))
        growth = max(growth, sum(isinstance(piece, dict) and "Sequence" in piece for piece in pieces) / 2)
    tokens = step.get("special_tokens") or {}
    lists = (
        [token.get("ids") for token in tokens.values() if isinstance(token, dict)] if isinstance(tokens, dict) else []
    )
    if any(isinstance(ids, list) and len(ids) > MOST_TEMPLATE for ids in lists):
        raise _refusal(label, key, Sentence("puts in a long row of tokens"))
    return growth


_GROWTHS: Mapping[str, Callable[[Mapping[str, Any], str, str], float]] = {
    "Replace": _replaced,
    "Split": _split,
    "Precompiled": _precompiled,
    "TemplateProcessing": _template,
}


def _check_model(model: Any, label: str) -> None:
    if not isinstance(model, dict) or model.get("type", "BPE") not in MODELS:
        raise _refusal(label, "model", Sentence("is of an unknown type"))
    if model.get("dropout"):
        raise _refusal(label, "model", Sentence("leaves out merges at random (dropout)"))
    for name in ("continuing_subword_prefix", "end_of_word_suffix", "unk_token"):
        if isinstance(model.get(name), str) and len(model[name]) > LONGEST_PART:
            raise _refusal(
                label, "model", Sentence("has a {name} of {number} characters", name=name, number=len(model[name]))
            )
    longest = model.get("max_input_chars_per_word", 0)
    if not isinstance(longest, int) or longest > LONGEST_WORD:
        raise _refusal(label, "model", Sentence("has max_input_chars_per_word {longest}", longest=described(longest)))
    if any(len(token) > LONGEST_TOKEN for token in _tokens(model.get("vocab"))):
        raise _refusal(label, "model", Sentence("has a token of more than {most} characters", most=LONGEST_TOKEN))


def _tokens(vocab: Any) -> Iterable[str]:
    if isinstance(vocab, dict):
        return vocab
    if isinstance(vocab, list):
        return (entry[0] for entry in vocab if isinstance(entry, list) and entry and isinstance(entry[0], str))
    return ()


def _check_added(tokens: Any, label: str) -> None:
    if not isinstance(tokens, list) or len(tokens) > MOST_ADDED:
        raise _refusal(label, "added_tokens", Sentence("has more than {most} entries or is no list", most=MOST_ADDED))
    texts = [str(token.get("content", "")) for token in tokens if isinstance(token, dict)]
    if sum(map(len, texts)) > MOST_ADDED_CHARACTERS or any(len(text) > LONGEST_TOKEN for text in texts):
        raise _refusal(label, "added_tokens", Sentence("holds very long tokens"))


def _check_padding(padding: Any, label: str) -> None:
    if not isinstance(padding, dict):
        return
    strategy = padding.get("strategy")
    lengths = [*(strategy.values() if isinstance(strategy, dict) else ()), padding.get("pad_to_multiple_of") or 0]
    if not all(isinstance(length, int) and 0 <= length <= MOST_PADDING for length in lengths):
        raise _refusal(label, "padding", Sentence("pads to a great length"))
