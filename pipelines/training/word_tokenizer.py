"""The tokenizer of words: every word and every Chinese character of the captions is one token, all others one unknown.

A network that has met the unknown token in its training passes over it; pieces of a word that it never saw, which
byte-pair merges would give, paint something instead.
"""

from collections import Counter

import numpy as np
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from pipelines.data import corpus, drawings, sentences
from pipelines.data.captions import plural

MAX_LENGTH = 40
"""Of 6,000 captions the longest has 36 tokens with both marks."""
CAPTIONS = 150_000
FEWEST = 3
"""Captions that a word must be in."""
BOS, EOS, PAD = "<|startoftext|>", "<|endoftext|>", "<|pad|>"


def build(captions: int = CAPTIONS, seed: int = 0) -> PreTrainedTokenizerFast:
    """Of random captions; the end mark has the highest id, where CLIP's encoders look for it."""
    rng = np.random.default_rng(seed)
    splitter, counts = _splitter(), Counter[str]()
    normal = _normalizer()
    for _ in range(captions):
        text = normal.normalize_str(corpus.caption(rng).replace(sentences.UNKNOWN, " "))
        counts.update({word for word, _ in splitter.pre_tokenize_str(text)})
    counts.update(dict.fromkeys(_names(normal, splitter), FEWEST))
    words = [word for word, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])) if count >= FEWEST]
    vocabulary = {word: i for i, word in enumerate([PAD, sentences.UNKNOWN, *words, BOS, EOS])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=sentences.UNKNOWN))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normal, splitter
    marks = [(mark, vocabulary[mark]) for mark in (BOS, EOS)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{BOS} $A {EOS}", special_tokens=marks)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        unk_token=sentences.UNKNOWN,
        pad_token=PAD,
        model_max_length=MAX_LENGTH,
    )


def _names(normal: normalizers.Normalizer, splitter: pre_tokenizers.PreTokenizer) -> set[str]:
    """Every word by which a subject is called, one or several of it: rare ones are in no caption by chance."""
    said = [name for drawing in drawings.table().values() for name in (*drawing.english, *drawing.chinese)]
    said += [plural(name) for drawing in drawings.table().values() for name in drawing.english]
    return {word for name in said for word, _ in splitter.pre_tokenize_str(normal.normalize_str(name))}


def _normalizer() -> normalizers.Normalizer:
    """Full-width signs as plain ones, lower case; of all signs the comma alone says something."""
    comma = normalizers.Replace("、", ",")
    rest = normalizers.Replace(Regex(r"'s\b|[^\p{L}\p{N}\s,<>|'\-]"), " ")
    return normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), comma, rest])


def _splitter() -> pre_tokenizers.PreTokenizer:
    """Words of letters and digits, hyphens and apostrophes inside; each Chinese character and each comma alone."""
    han = pre_tokenizers.Split(Regex(r"\p{Han}"), "isolated")
    word = pre_tokenizers.Split(Regex(r"\s+"), "removed")
    signs = pre_tokenizers.Split(",", "isolated")
    return pre_tokenizers.Sequence([word, han, signs])
