"""CLIP's tokenizer from the merges that are shipped, for checkpoints that bring none."""

import lzma
from typing import Any

from pipelines import libs
from pipelines.places import ROOT

MERGES = ROOT / "assets" / "tokenizers" / "clip" / "merges.txt.xz"
BOS, EOS = "<|startoftext|>", "<|endoftext|>"
LENGTH = 77


def clip_tokenizer(padding: str = EOS) -> Any:
    """Padded with the end token (CLIP-L), or with "!", token 0 (OpenCLIP's H and G)."""
    merges = [tuple(line.split(" ")) for line in lzma.decompress(MERGES.read_bytes()).decode("utf-8").splitlines()]
    letters = list(_letters().values())
    tokens = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in merges), BOS, EOS]
    return libs.named("transformers", "CLIPTokenizer")(
        vocab={token: i for i, token in enumerate(tokens)},
        merges=merges,
        model_max_length=LENGTH,
        pad_token=padding,
    )


def _letters() -> dict[int, str]:
    """The sign that stands for each byte: itself where it can be printed, one from beyond Latin-1 where it cannot."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {byte: chr(byte) for byte in shown} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}
