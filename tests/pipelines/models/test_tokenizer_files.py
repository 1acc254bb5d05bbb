"""A stranger's tokenizer is opened only where nothing in it can hang the studio, fill its memory or end it."""

import base64
import json
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers import models as kinds
from transformers import CLIPTokenizer, PreTrainedTokenizerFast

from pipelines import places
from pipelines.errors import BadFile
from pipelines.models.checkpoints import tokenizer_files, tokenizer_rules
from pipelines.models.checkpoints.clip_tokenizer import clip_tokenizer
from pipelines.prompts import embedding
from tests.tiny import tiny_tokenizer

TEXT = "A red cat's  photo, 512 px -- «été» 国风\n(very:1.2)"
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
Change = Callable[[dict[str, Any]], None]


def bytes_bpe() -> Tokenizer:
    """As Qwen's and Llama 3's: an expression that splits, then bytes."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(kinds.BPE({letter: i for i, letter in enumerate(alphabet)}, []))
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder, made.post_processor = decoders.ByteLevel(), processors.ByteLevel(trim_offsets=False)
    return made


def charsmap(form: bytes = b"a\0") -> bytes:
    return struct.pack("<I", 1024) + bytes(1024) + form


def unigram() -> Tokenizer:
    """As T5's: SentencePiece with its table of characters."""
    words = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((c, -3.0) for c in "abcdefghijklmnoprstvx")]
    made = Tokenizer(kinds.Unigram(words, 2))
    made.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(charsmap()), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip()]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.post_processor = processors.TemplateProcessing(single=["$A", "</s>"], special_tokens=[("</s>", 1)])
    made.decoder = decoders.Metaspace()
    return made


def gemma() -> Tokenizer:
    """As Gemma's and Llama 2's: spaces replaced, bytes where a letter is unknown."""
    vocab = {name: i for i, name in enumerate([*(f"<0x{i:02X}>" for i in range(256)), "<unk>", "▁", *"abcdert"])}
    made = Tokenizer(kinds.BPE(vocab, [], unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    made.normalizer = normalizers.Replace(" ", "▁")
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return made


MAKERS = {
    "words": lambda: tiny_tokenizer().backend_tokenizer,
    "CLIP": lambda: clip_tokenizer().backend_tokenizer,
    "Qwen": bytes_bpe,
    "T5": unigram,
    "Gemma": gemma,
}


def saved(folder: Path, backend: Tokenizer, length: int = 77) -> Path:
    pad = next(iter(backend.get_vocab()))
    PreTrainedTokenizerFast(tokenizer_object=backend, pad_token=pad, model_max_length=length).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name", MAKERS)
def test_the_kinds_that_pipelines_have_are_opened_and_read_as_before(name: str, tmp_path: Path) -> None:
    folder = saved(tmp_path / "tokenizer", MAKERS[name]())
    before = PreTrainedTokenizerFast.from_pretrained(str(folder))
    now = tokenizer_files.opened(folder, "tokenizer")
    assert now(TEXT).input_ids == before(TEXT).input_ids
    assert (now.model_max_length, now.pad_token_id) == (before.model_max_length, before.pad_token_id)


def test_clip_s_words_and_merges_without_a_tokenizer_json_are_read_as_before(tmp_path: Path) -> None:
    letters = [*"abcdert", *(f"{c}</w>" for c in "abcdert")]
    vocab = {name: i for i, name in enumerate([*letters, "ca", "cat</w>", "<|startoftext|>", "<|endoftext|>"])}
    (tmp_path / "vocab.json").write_text(json.dumps(vocab))
    (tmp_path / "merges.txt").write_text("#version: 0.2\nc a\nca t</w>\n")
    before = CLIPTokenizer.from_pretrained(str(tmp_path))
    assert tokenizer_files.opened(tmp_path, "tokenizer")("a red cat").input_ids == before("a red cat").input_ids


def test_our_own_tokenizers_keep_to_the_rules() -> None:
    files = list(places.EMBEDDED.glob("*/tokenizer/tokenizer.json"))
    assert files
    for file in files:
        tokenizer_rules.check(json.loads(file.read_text()), file.name)


def set_in(*path: str, value: Any) -> Change:
    def change(config: dict[str, Any]) -> None:
        for key in path[:-1]:
            config = config[key]
        config[path[-1]] = value

    return change


def replace(pattern: dict[str, str], content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": content}


def five_replaces() -> dict[str, Any]:
    """A letter becomes 10^5, and a text of 10,000 of them 1 GB: the process would be ended."""
    return {"type": "Sequence", "normalizers": [replace({"String": "a"}, "a" * 10)] * 5}


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"type": "NFC"}
    for _ in range(depth):
        inner = {"type": "Sequence", "normalizers": [inner]}
    return inner


TABLE = base64.b64encode(charsmap(b"x" * 300 + b"\0")).decode()
HARMFUL: dict[str, tuple[Change, str]] = {
    "replacements that grow": (set_in("normalizer", value=five_replaces()), "100000 times longer"),
    "one long replacement": (set_in("normalizer", value=replace({"String": "a"}, "b" * 99)), "normalizer"),
    "nothing replaced": (set_in("normalizer", value=replace({"String": ""}, "b")), "normalizer"),
    "an expression that hangs": (set_in("normalizer", value=replace({"Regex": "(a+)+$"}, "")), r"\(a\+\)\+"),
    "an expression that panics": (set_in("normalizer", value=replace({"Regex": "(?<x>a)\\k<y"}, "")), "expression"),
    "a split by an expression": (
        set_in("pre_tokenizer", value={"type": "Split", "pattern": {"Regex": "(.*)*b"}, "behavior": "Removed"}),
        "pre_tokenizer",
    ),
    "two patterns in one": (
        set_in("normalizer", value=replace({"String": "a", "Regex": "(a+)+$"}, "b")),
        "normalizer",
    ),
    "deep nesting": (set_in("normalizer", value=nested(40)), "nested"),
    "an unknown step": (set_in("normalizer", value={"type": "Python"}), "Python"),
    "long forms of a letter": (
        set_in("normalizer", value={"type": "Precompiled", "precompiled_charsmap": TABLE}),
        "long text",
    ),
    "a text many times": (
        set_in("post_processor", value={"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A"}}] * 65}),
        "long template",
    ),
    "padding without end": (set_in("padding", value={"strategy": {"Fixed": 10**9}}), "great length"),
    "merges at random": (set_in("model", "dropout", value=0.1), "dropout"),
    "an unknown model": (set_in("model", "type", value="Rnn"), "model"),
    "a long word": (set_in("model", "vocab", value={"a" * 5000: 0}), "1024"),
    "a long prefix": (set_in("model", "continuing_subword_prefix", value="a" * 500), "continuing_subword_prefix"),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_what_could_hang_or_fill_or_end_the_studio_is_refused_with_its_key(name: str, tmp_path: Path) -> None:
    change, words = HARMFUL[name]
    folder = saved(tmp_path / "tokenizer", gemma())
    config = json.loads((folder / "tokenizer.json").read_text())
    change(config)
    (folder / "tokenizer.json").write_text(json.dumps(config))
    began = time.thread_time()
    with pytest.raises(BadFile, match=words) as refused:
        tokenizer_files.opened(folder, "tokenizer_2")
    assert time.thread_time() - began < 5
    assert len(str(refused.value)) < 300 and "tokenizer_2/tokenizer.json" in str(refused.value)


SETTINGS = {
    "extra_ids": 10**9,
    "vocab_file": "/etc/passwd",
    "tokenizer_object": {"a": 1},
    "gguf_file": "x.gguf",
    "fast_tokenizer_files": ["tokenizer.9.json"],
    "auto_map": {"AutoTokenizer": "x.py"},
    "backend": "mistral-common",
    "model_max_length": -1,
}


@pytest.mark.parametrize("key", SETTINGS)
def test_settings_that_lead_elsewhere_or_cost_much_are_refused(key: str, tmp_path: Path) -> None:
    folder = saved(tmp_path / "tokenizer", gemma())
    settings = json.loads((folder / "tokenizer_config.json").read_text()) | {key: SETTINGS[key]}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(BadFile, match=key):
        tokenizer_files.opened(folder, "tokenizer")


def test_a_length_without_end_is_no_length_to_pad_to(tmp_path: Path) -> None:
    folder = saved(tmp_path / "tokenizer", gemma(), length=10**30)
    assert tokenizer_files.opened(folder, "tokenizer").model_max_length <= 4096


def test_a_class_that_runs_other_code_is_not_opened(tmp_path: Path) -> None:
    kind = type("BertJapaneseTokenizer", (), {})
    with pytest.raises(BadFile, match="BertJapaneseTokenizer"):
        tokenizer_files.opened(tmp_path, "tokenizer", kind)


class PanicException(BaseException):
    pass


def test_a_panic_while_a_text_is_read_is_a_sentence() -> None:
    def panics(text: str, **options: Any) -> Any:
        raise PanicException("index out of bounds")

    with pytest.raises(BadFile, match="tokenizer cannot read this text"):
        embedding.Frame.of(panics, 77)


@pytest.mark.parametrize("length", [1, 2])
def test_a_length_that_leaves_no_room_for_a_word_is_a_sentence(length: int) -> None:
    with pytest.raises(BadFile, match="model_max_length"):
        embedding.Frame.of(tiny_tokenizer(), length)


def test_a_file_that_is_damaged_is_a_sentence_in_any_thread(tmp_path: Path) -> None:
    folder = saved(tmp_path / "tokenizer", gemma())
    (folder / "tokenizer.json").write_text('{"version": "1.0", "model": {"type": "BPE", "vocab": [], "merges": 5}}')
    errors: list[BaseException] = []

    def read() -> None:
        try:
            tokenizer_files.opened(folder, "tokenizer")
        except BadFile as error:
            errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert len(errors) == 1
