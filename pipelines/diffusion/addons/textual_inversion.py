"""Textual inversion (arXiv:2208.01618): words whose vectors were learned, used in a prompt by the name of their file.

The tokenizer is copied and learns the words; the text encoder's table is read past its end for them and for nothing
else, so that a prompt without them is told bit for bit as before.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pipelines.device.manager import DeviceManager
from pipelines.diffusion.addons.sharing import sharing
from pipelines.diffusion.attachment import Attachment
from pipelines.diffusion.bundle import Bundle
from pipelines.errors import BadFile, Sentence
from pipelines.files import naming
from pipelines.models.addons import files
from pipelines.models.addons.words import READERS, by_word, mentioned, pattern, unknown
from pipelines.requests.text_to_image import TextToImageRequest

WHOSE = {"clip_l": "text_encoder", "clip_g": "text_encoder_2"}
OF_T5 = {"t5", "t5xxl"}
MOST_VECTORS = 75
Vectors = dict[str, Tensor]
"""(n, D) of each text encoder."""


class Vocabulary:
    """A tokenizer that reads each learned word as its own tokens. All else is the tokenizer's."""

    def __init__(self, tokenizer: Any, sizes: Mapping[str, int]) -> None:
        self._tokenizer = copy.deepcopy(tokenizer)
        tokens = {name: [f"<|word{k}#{i}|>" for i in range(n)] for k, (name, n) in enumerate(sizes.items())}
        self._tokens = {word: tokens[name] for word, name in by_word(sizes).items()}
        self._pattern = pattern(self._tokens)
        self._tokenizer.add_tokens([token for some in tokens.values() for token in some])

    def __call__(self, text: str, **asked: Any) -> Any:
        return self._tokenizer(self._pattern.sub(self._said, naming.key(text)), **asked)

    def _said(self, found: re.Match[str]) -> str:
        return " " + " ".join(self._tokens[found[1].casefold()]) + " "

    def __len__(self) -> int:
        return len(self._tokenizer)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_tokenizer":
            raise AttributeError(name)
        return getattr(self._tokenizer, name)


class Extended(nn.Module):
    """A table of embeddings, and more rows from number `start` on."""

    more: Tensor

    def __init__(self, table: Any, more: Tensor, start: int) -> None:
        super().__init__()
        self.table, self.start = table, start
        self.register_buffer("more", more.to(table.weight), persistent=False)

    @property
    def weight(self) -> Tensor:
        return self.table.weight

    def forward(self, ids: Tensor) -> Tensor:
        learned = ids >= self.start
        known = self.table(ids.masked_fill(learned, 0))
        more = self.more.to(known)  # the table may have come to a device for this one use
        return torch.where(learned[..., None], more[(ids - self.start).clamp_min(0)], known)  # (N, L, D)


@dataclass(frozen=True)
class LearnedWords(Attachment):
    """The learned words that some texts mention."""

    texts: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def adapted(self, model: Bundle) -> Bundle:
        return with_embeddings(model, self.texts)


@contextmanager
def attached(request: TextToImageRequest, base: Bundle, devices: DeviceManager) -> Iterator[tuple[LearnedWords, ...]]:
    """Those of the request's prompts."""
    pictures = [request.of_picture(i) for i in range(request.count)]
    texts = tuple(text for one in pictures for text in (one.prompt, one.negative_prompt))
    names = dict.fromkeys(name for text in texts for name in unknown(text))
    notes = (
        Sentence("No learned word {name} is installed; the text was read as it is written.", name=name[:60])
        for name in names
    )
    yield (LearnedWords(texts, tuple(notes)),)


def with_embeddings(bundle: Bundle, texts: Sequence[str]) -> Bundle:
    """The model with the learned words that these prompts mention. Raises BadFile for one that does not fit."""
    parts = [part for part in READERS.get(bundle.info.architecture, ()) if bundle.part(part) is not None]
    names = mentioned(texts) if parts else ()
    if not names:
        return bundle
    learned = {name: _fitting(name, bundle, parts) for name in names}
    encoders, tokenizers = {}, {}
    for part in parts:
        ending = part.removeprefix("text_encoder")
        tokenizer = bundle.words(ending)
        more = torch.cat([vectors[part] for vectors in learned.values()])
        encoders[part] = _extended(bundle.part(part), more, tokenizer)
        sizes = {name: len(vectors[part]) for name, vectors in learned.items()}
        tokenizers[f"tokenizer{ending}"] = Vocabulary(tokenizer, sizes)
    return bundle.with_parts(encoders, bundle.key, tokenizers)


def _extended(encoder: Any, more: Tensor, tokenizer: Any) -> Any:
    encoder = sharing(encoder)
    inner = getattr(encoder, "text_model", encoder)
    inner.embeddings.token_embedding = Extended(encoder.get_input_embeddings(), more, len(tokenizer))
    encoder.config.vocab_size += len(more)
    for holder in (inner, encoder.config, inner.config):
        if getattr(holder, "eos_token_id", None) == 2:  # old configs: the highest id is taken for the end of the prompt
            holder.eos_token_id = tokenizer.eos_token_id
    return encoder


def _fitting(name: str, bundle: Bundle, parts: Sequence[str]) -> Vectors:
    path = files.find(files.EMBEDDING, name)
    vectors = read(path)
    widths = {part: bundle.part(part).config.hidden_size for part in parts}
    given = {part: tensor.shape[1] for part, tensor in vectors.items()}
    if given != widths:
        has = " and ".join(str(width) for width in given.values())
        wants = " and ".join(str(width) for width in widths.values())
        raise BadFile(
            "{file} has vectors of {has} numbers, this model's words have {wants}: it was made for another "
            "base. Leave its name out of the prompt or choose another model.",
            file=path.name[:60],
            has=has,
            wants=wants,
        )
    return vectors


def read(path: Path) -> Vectors:
    """The vectors in a file of A1111 (emb_params), of SDXL, SD3 or FLUX (clip_l, clip_g) or of diffusers (the token's
    name)."""
    tensors = files.tensors(path)
    names = set(tensors)
    if names & OF_T5 and names - OF_T5 <= set(WHOSE):
        raise BadFile(
            "{file} taught its word to T5 too, which is not supported. Leave it out of the prompt.", file=path.name[:60]
        )
    if names <= set(WHOSE):
        found = {WHOSE[name]: tensors[name] for name in WHOSE if name in names}
    elif len(names) == 1:
        found = {"text_encoder": next(iter(tensors.values()))}
    else:
        raise BadFile(
            "{file} is no learned word: it holds {held} and more. Get the right file.",
            file=path.name[:60],
            held=min(names)[:60],
        )
    found = {part: tensor[None] if tensor.dim() == 1 else tensor for part, tensor in found.items()}
    counts = {tuple(tensor.shape[:-1]) for tensor in found.values()}
    if len(counts) != 1 or any(tensor.dim() != 2 for tensor in found.values()):
        raise BadFile("{file} holds vectors that do not go together. Get the file again.", file=path.name[:60])
    if not 1 <= next(iter(counts))[0] <= MOST_VECTORS:
        raise BadFile(
            "{file} must hold 1 to {most} vectors; it holds {number}.",
            file=path.name[:60],
            most=MOST_VECTORS,
            number=next(iter(counts))[0],
        )
    return {part: tensor.float() for part, tensor in found.items()}
