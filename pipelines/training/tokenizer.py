"""The embedded model's tokenizer: byte-level BPE whose merges never cross a Chinese character.

Merges over whole Chinese phrases would swallow "一个大的红" into one token and with it all compositionality.
"""

import json

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from pipelines.data import mixture

MAX_LENGTH = 40
END = "</w>"
BOS, EOS = "<|startoftext|>", "<|endoftext|>"
PIECES = Regex(r"\p{Han}|\p{N}|[^\s\p{Han}\p{N}\p{P}]+|\p{P}")


def train(captions: int = 40_000, vocab_size: int = 2400, seed: int = 0) -> PreTrainedTokenizerFast:
    """A tokenizer trained on captions of the training mixture; every word of theirs becomes few tokens."""
    rng = np.random.default_rng(seed)
    corpus = [mixture.caption(rng) for _ in range(captions)]
    bpe = Tokenizer(models.BPE(unk_token=EOS, end_of_word_suffix=END))
    bpe.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(PIECES, "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Replace(END, " ")])
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, initial_alphabet=alphabet, end_of_word_suffix=END, show_progress=False
    )
    bpe.train_from_iterator(corpus, trainer)
    bpe.model = _with_every_byte(bpe, alphabet)
    bpe.add_special_tokens([BOS, EOS])  # EOS last: CLIP pools at the highest id
    bos, eos = bpe.token_to_id(BOS), bpe.token_to_id(EOS)
    bpe.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A {EOS}", special_tokens=[(BOS, bos), (EOS, eos)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=BOS, eos_token=EOS, pad_token=EOS, unk_token=EOS, model_max_length=MAX_LENGTH
    )


def _with_every_byte(bpe: Tokenizer, alphabet: list[str]) -> models.BPE:
    """The trained model plus each byte as a token, inside a word and at its end: no text is unknown."""
    trained = json.loads(bpe.to_str())["model"]
    vocab = trained["vocab"]
    for byte in alphabet:
        for token in (byte, byte + END):
            vocab.setdefault(token, len(vocab))
    merges = [tuple(pair) for pair in trained["merges"]]
    return models.BPE(vocab=vocab, merges=merges, unk_token=EOS, end_of_word_suffix=END)
