"""A read prompt to the text encoder's embedding: chunks of what it can read at once, and weights on their tokens.

A text encoder of 77 positions reads 75 tokens between BOS and EOS. Longer prompts become several such chunks whose
embeddings stand one behind the other. A prompt of one chunk in which every weight is 1 is what the encoder says,
bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pipelines import libs
from pipelines.errors import BadFile, BadRequest, Sentence
from pipelines.models.faults import as_bad_file
from pipelines.prompts.weights import Sections

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTINGS = ("original", "no_norm", "interpolate")
"""original: multiply, then restore the mean (A1111); no_norm: multiply; interpolate: from no prompt (ComfyUI)."""
MOST_CHUNKS = 16
UNREADABLE = Sentence(
    "the model's tokenizer cannot read this text: its files are damaged. Copy the model's folder again."
)
COMMA_WITHIN = 20  # tokens: a chunk that would end inside a phrase ends at its comma, if one is as near as this


@dataclass(frozen=True)
class Frame:
    """How a tokenizer closes in what it reads: [start] tokens [end] padding, `length` in all."""

    start: tuple[int, ...]
    end: tuple[int, ...]
    pad: int
    length: int
    comma: int | None

    @classmethod
    def of(cls, tokenizer: Any, length: int) -> Frame:
        """Raises BadFile where the files leave no room for words."""
        comma = token_ids(tokenizer, ",")
        with as_bad_file(UNREADABLE):
            empty = list(tokenizer("").input_ids)
        end = tuple(empty[-1:])
        frame = cls(tuple(empty[:-1]), end, tokenizer.pad_token_id, length, comma[0] if len(comma) == 1 else None)
        if frame.room < 1:  # no chunk would ever take in the first token
            raise BadFile(
                "the model reads {length} tokens at once, of which none is left for a word. Look at model_max_length "
                "in its tokenizer_config.json.",
                length=length,
            )
        return frame

    @property
    def room(self) -> int:
        """Tokens that one chunk holds."""
        return self.length - len(self.start) - len(self.end)


@dataclass(frozen=True)
class Chunk:
    """Up to `room` tokens, each with its weight."""

    tokens: tuple[tuple[int, float], ...] = ()

    def ids(self, frame: Frame) -> tuple[list[int], int]:
        """All ids up to the full length, and how many of them are not padding."""
        said = [*frame.start, *(token for token, _ in self.tokens), *frame.end]
        return said + [frame.pad] * (frame.length - len(said)), len(said)

    def weights(self, frame: Frame) -> list[float] | None:
        """The weight of every position; None where all are 1."""
        if all(weight == 1 for _, weight in self.tokens):
            return None
        said = [1.0] * len(frame.start) + [weight for _, weight in self.tokens]
        return said + [1.0] * (frame.length - len(said))


EncodeIds = Callable[[list[int], int], "Tensor"]
"""ids of full length, and how many are not padding -> embedding (L, D)."""


def chunks_of(sections: Sections, ids_of: Callable[[str], list[int]], frame: Frame) -> list[Chunk]:
    """At least one chunk; a new one where one is full and at every BREAK."""
    chunks: list[Chunk] = []
    for section in sections:
        said = [(token, span.weight) for span in section for token in ids_of(span.text)]
        chunks += _filled(said, frame)
    return chunks


def joined(sections: Sections) -> Sections:
    """All of it as one section, for encoders that read once."""
    return (tuple(span for section in sections for span in section),)


def tokens_left_out(chunks: list[Chunk], most: int = MOST_CHUNKS) -> int:
    return sum(len(chunk.tokens) for chunk in chunks[most:])


def embed(
    sections: Sections,
    tokenizer: Any,
    encode_ids: EncodeIds,
    length: int,
    weighting: str = "original",
    most: int = MOST_CHUNKS,
) -> tuple[Tensor, int]:
    """Embedding (chunks * L, D), and how many tokens beyond `most` chunks it leaves out."""
    frame = Frame.of(tokenizer, length)
    chunks = chunks_of(sections, partial(token_ids, tokenizer), frame)
    parts = [_embedded(chunk, frame, encode_ids, weighting) for chunk in chunks[:most]]
    return parts[0] if len(parts) == 1 else libs.torch().cat(parts), tokens_left_out(chunks, most)


def token_ids(tokenizer: Any, text: str) -> list[int]:
    """Those of the words alone, without beginning and end."""
    with as_bad_file(UNREADABLE):
        return list(tokenizer(text, add_special_tokens=False, verbose=False).input_ids)


def _filled(said: list[tuple[int, float]], frame: Frame) -> Iterable[Chunk]:
    """The tokens in chunks. A phrase that would be cut moves to the next one, when its comma is near (as in A1111)."""
    at = 0
    while True:
        end = at + frame.room
        if end < len(said) and said[end][0] != frame.comma:
            end = _comma_before(said, max(at + 1, end - COMMA_WITHIN), end, frame.comma) or end
        yield Chunk(tuple(said[at:end]))
        at = end
        if at >= len(said):
            return


def _comma_before(said: list[tuple[int, float]], first: int, end: int, comma: int | None) -> int | None:
    """The place behind the last comma of said[first:end]."""
    places = (i + 1 for i in range(end - 1, first - 1, -1) if said[i][0] == comma)
    return next(places, None) if comma is not None else None


def _embedded(chunk: Chunk, frame: Frame, encode_ids: EncodeIds, weighting: str) -> Tensor:
    said = encode_ids(*chunk.ids(frame))  # (L, D)
    weights = chunk.weights(frame)
    if weights is None:
        return said
    factor = said.new_tensor(weights)[:, None]  # (L, 1)
    if weighting == "interpolate":
        empty = encode_ids(*Chunk().ids(frame))
        return said.where(factor == 1, empty + factor * (said - empty))  # weight 1 keeps its bits
    weighted = said * factor
    if weighting == "no_norm":
        return weighted
    ratio = said.float().mean() / weighted.float().mean()
    if not bool(ratio.isfinite()):
        raise BadRequest("the weights of the prompt cancel each other out. Change one, or choose no normalisation.")
    return weighted * ratio.to(said.dtype)


def word_places(sections: Sections, tokenizer: Any, frame: Frame) -> tuple[tuple[str, int, int], ...]:
    """The words of the first chunk, each with its positions [from, to) in what the encoder reads; none where the
    tokenizer cannot tell which token is of which word."""
    if not tokenizer.is_fast:
        return ()
    words: list[tuple[str, int, int]] = []
    at = len(frame.start)
    end = at + len(chunks_of(sections, partial(token_ids, tokenizer), frame)[0].tokens)
    for span in sections[0]:
        with as_bad_file(UNREADABLE):
            read = tokenizer(span.text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        begun = None
        for word, (first, last) in zip(read.word_ids(), read.offset_mapping, strict=True):
            if at == end:
                return tuple(words)
            before = words.pop() if words and word is not None and word == begun else ("", at, at)
            words.append((before[0] + span.text[first:last], before[1], at + 1))
            at, begun = at + 1, word
    return tuple(words)
