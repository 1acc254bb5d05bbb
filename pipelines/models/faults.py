"""Whatever a library raises over a stranger's file, as one sentence about that file; the log keeps the rest."""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import places
from pipelines.device.lost import is_lost
from pipelines.device.memory import is_out_of_memory
from pipelines.errors import BadFile, Sentence, StudioError
from pipelines.events import StopEarly
from pipelines.models import strangers
from pipelines.params import described

if TYPE_CHECKING:
    from pipelines.models.info import ModelInfo

log = logging.getLogger(__name__)

PANIC = "PanicException"
"""A fault in Rust code, by the name of its class: no Exception, and of a class that cannot be imported."""
SHORTEST_VALUE = 3
"""Of a config's word that is looked for in what the library says."""


@contextmanager
def as_bad_file(
    sentence: Sentence, label: str = "config.json", config: Mapping[str, Any] | None = None, kind: Any = None
) -> Iterator[None]:
    """Raises BadFile with `sentence`, and the key of `config` that is at fault where that can be known.

    label -- of the file that `config` was read from. kind -- the class that was built from it.
    What befalls the device, errors for a person and the end of the program pass unchanged.
    """
    try:
        yield
    except StudioError:
        raise
    except Exception as error:
        if _is_of_the_device(error):
            raise
        raise _refusal(error, sentence, label, config, kind) from error
    except BaseException as error:
        if type(error).__name__ != PANIC:
            raise
        raise _refusal(error, sentence, label, config, kind) from None  # what a panic holds cannot be shown safely


@contextmanager
def faults_of(info: ModelInfo) -> Iterator[None]:
    """For the time that a model of a stranger's works: what a library raises then is about the model's files.

    What our own code raises is a mistake of ours and passes, as does everything where the model is ours.
    """
    try:
        yield
    except (StudioError, StopEarly):
        raise
    except Exception as error:
        if is_ours(info.folder) or _is_of_the_device(error) or not _is_of_a_library(error):
            raise
        part, key = next(_blamed_parts(error, info), ("", ""))
        log.warning("the model %s cannot be used", info.name, exc_info=error)
        if not key:
            raise BadFile(
                "{model} cannot be painted with: its configs ask for what its parts cannot do. Copy the whole folder "
                "again or choose another model.",
                model=info.name[:60],
            ) from error
        raise BadFile(
            "{model} cannot be painted with: its configs ask for what its parts cannot do. Look at {key} in {part}. "
            "Copy the whole folder again or choose another model.",
            model=info.name[:60],
            key=key[:40],
            part=part,
        ) from error


def is_ours(folder: Path) -> bool:
    """Whether the model is shipped with the studio, and so needs no suspicion."""
    return folder.resolve().is_relative_to(places.EMBEDDED)


def _is_of_the_device(error: BaseException) -> bool:
    return is_out_of_memory(error) or is_lost(error)


def _is_of_a_library(error: BaseException) -> bool:
    """Whether the line that raised it is none of ours."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and not Path(trace.tb_frame.f_code.co_filename).is_relative_to(places.ROOT / "pipelines")


def _blamed_parts(error: BaseException, info: ModelInfo) -> Iterator[tuple[str, str]]:
    for part, config in info.configs.items():
        if key := blamed(error, config):
            yield part, key


def _refusal(
    error: BaseException, sentence: Sentence, label: str, config: Mapping[str, Any] | None, kind: Any
) -> BadFile:
    log.warning("refused: %s", sentence, exc_info=error)
    config = config or {}
    if config and isinstance(error, KeyError) and error.args and str(error.args[0]).isidentifier():
        if error.args[0] not in config and error.args[0] not in _words(config):
            return BadFile(
                "{sentence} {label} may lack {lacking}.",
                sentence=sentence,
                label=label[:60],
                lacking=str(error.args[0])[:40],
            )
    key = blamed(error, config, kind)
    if key is None:
        return BadFile(sentence)
    return BadFile(
        "{sentence} Look at {key} in {label}: it is {value}.",
        sentence=sentence,
        key=key[:40],
        label=label[:60],
        value=described(config.get(key)),
    )


def blamed(error: BaseException, config: Mapping[str, Any], kind: Any = None) -> str | None:
    """The key of a config that an error is about: named by it, named by its value, or of another type than usual."""
    words = str(error)
    keys = [key for key in config if not key.startswith("_")]
    named = [key for key in keys if len(key) > SHORTEST_VALUE and re.search(rf"\b{re.escape(key)}\b", words)]
    if named:
        return max(named, key=len)
    valued = [key for key in keys if any(len(text) >= SHORTEST_VALUE and text in words for text in _texts(config[key]))]
    if valued:
        return valued[0]
    unlike = (key for key, usual in _defaults(kind).items() if key in config and _is_odd(config[key], usual))
    no_number = (key for key in keys if key in strangers.BOUNDS and _is_odd(config[key] or 1, 1))
    no_word = (key for key in config if key.startswith("_") and not isinstance(config[key], str))
    return next(_nested(config), None) or next(unlike, None) or next(no_number, None) or next(no_word, None)


def _nested(config: Mapping[str, Any]) -> Iterator[str]:
    """The keys with lists of lists of lists, which no real model has."""
    for key, value in config.items():
        if isinstance(value, list) and any(isinstance(i, list) and any(isinstance(j, list) for j in i) for i in value):
            yield key


def _words(config: Mapping[str, Any]) -> set[str]:
    return {text for value in config.values() for text in _texts(value)}


def _texts(value: Any) -> list[str]:
    return [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]


def _defaults(kind: Any) -> dict[str, Any]:
    """What a class is built with when nothing is said."""
    if kind is None:
        return {}
    kind = getattr(kind, "config_class", None) or kind
    try:
        parameters = inspect.signature(kind.__init__).parameters
    except (TypeError, ValueError):
        return {}
    return {name: parameter.default for name, parameter in parameters.items()}


def _is_odd(value: Any, usual: Any) -> bool:
    """Whether a value is of another kind than the usual one, or a number below 1 where the usual one is a count."""
    if usual is None or usual is inspect.Parameter.empty:
        return isinstance(value, dict)
    numbers, flag = (int, float), isinstance(usual, bool)
    if isinstance(value, bool) or flag:
        return isinstance(value, bool) != flag
    if isinstance(usual, numbers):
        items = value if isinstance(value, list) else [value]
        return not items or any(not isinstance(item, numbers) or item < min(usual, 1) for item in items)
    if isinstance(usual, (list, tuple)):
        words = bool(usual) and all(isinstance(item, str) for item in usual)
        if isinstance(value, list) and value and words:
            return any(isinstance(item, numbers) for item in value)
        return isinstance(value, (str, dict)) or not value or words and not isinstance(value, list)
    return not isinstance(value, type(usual))
