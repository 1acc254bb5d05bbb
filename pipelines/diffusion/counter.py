"""How long a prompt is for a model's own tokenizer, while it is being written; no weights are loaded for it."""

import functools
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import libs, models, prompts
from pipelines.errors import BadFile
from pipelines.params import Choice, Text, param
from pipelines.prompts import dynamic, library
from pipelines.prompts.embedding import Frame, chunks_of, joined, token_ids, tokens_left_out
from pipelines.requests.in_prompt import WordsAlone

MOST_FILES = 60
STEPS = 20  # a prompt that changes over the steps counts as its longest state in as many
_tokenizing = threading.Lock()  # fast tokenizers are not safe in two threads


@dataclass(frozen=True)
class CountRequest(WordsAlone):
    """A prompt, and what decides how it is read."""

    prompt: str = param("", Text(prompts.MOST_CHARACTERS), "What the picture should show.")
    model: str = param("aigc-mini", Choice(models.installed, models.resolve), "The trained model that reads it.")
    prompt_syntax: str = param("a1111", Choice(prompts.SYNTAXES), "How brackets and weights are read.")
    style: str = param(
        library.NO_STYLE, Choice(library.style_names, library.known_style), "Words of styles.csv put around it."
    )


MOST_UNKNOWN = 3
"""Lists of words that are named when they are not here."""


@dataclass(frozen=True)
class Count:
    """Tokens with chunks that ended early counted as full, as A1111 does it; the room of one chunk; the number of
    chunks that are read; how many tokens are not; names of lists of words that are not here."""

    tokens: int
    room: int
    chunks: int
    left_out: int
    unknown: tuple[str, ...] = ()


def count(request: CountRequest) -> Count:
    """The longest that the prompt becomes in any step. Raises StudioError for a prompt that cannot be read."""
    request.check()
    text, _ = library.style(request.style).around(request.prompt, "")
    unknown: tuple[str, ...] = ()
    if request.prompt_syntax != "plain":
        text = dynamic.resolve(text, 0)
        unknown = tuple(name[:40] for name in dynamic.unknown(text)[:MOST_UNKNOWN])
    states = prompts.parse(text, request.prompt_syntax).states(STEPS)
    texts = {said.sections for state in states for said in state}
    tokenizer, frame, most = _tokenizer(models.find(request.model))
    with _tokenizing:
        once = functools.cache(functools.partial(token_ids, tokenizer))
        read = [chunks_of(sections if most > 1 else joined(sections), once, frame) for sections in texts]
    longest = max(read, key=lambda chunks: (len(chunks), len(chunks[-1].tokens)))
    tokens = (len(longest) - 1) * frame.room + len(longest[-1].tokens)
    return Count(tokens, frame.room, min(len(longest), most), tokens_left_out(longest, most), unknown)


def _tokenizer(place: Path) -> tuple[Any, Frame, int]:
    """The tokenizer, what it closes in, and how many chunks of that are read."""
    files = [place / "model_index.json", *place.glob("tokenizer*/*")] if place.is_dir() else [place]
    stats = [(path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in files[:MOST_FILES] if path.is_file()]
    opened = _opened(place, tuple(sorted(stats)))
    if isinstance(opened, BadFile):
        raise opened
    return opened


@functools.lru_cache(maxsize=8)
def _opened(place: Path, stats: tuple[tuple[str, int, int], ...]) -> tuple[Any, Frame, int] | BadFile:
    """For this state of the files; a refusal too, as the prompt is counted at every key that is pressed."""
    try:
        return _loaded(place)
    except BadFile as refusal:
        return BadFile(refusal.sentence)


def _loaded(place: Path) -> tuple[Any, Frame, int]:
    libs.torch()  # before the modules that import it at their top: through the one locked door
    from pipelines.diffusion import loading

    info = models.inspect(place)
    if info.bridged:
        from pipelines.diffusion.bridge import model

        tokenizer, most = model.reader(info)
        return tokenizer, Frame.of(tokenizer, most), 1
    reading = loading.runner(info.architecture).reading(info)
    tokenizer = loading.tokenizer(info, reading.tokenizer)
    return tokenizer, reading.frame(tokenizer), reading.chunks
