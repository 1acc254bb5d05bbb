"""What is said to a person: sentences, and the errors that carry one; everything else that is raised is a bug.

StudioError
├── BadRequest      a value outside its bounds, an unknown field, sampler or model
├── NotFound        a job, picture or model that is not here
├── NotAllowed      somebody else's job or picture, a missing token
├── BadFile         a model, picture or recipe that cannot be used as it is
├── OutOfMemory     the device cannot hold this request, even in its smallest way of working
│   ├── NoRoom      not now, as others hold what it has: it can be tried again when they are done
│   └── NotDecoded  all was painted and only decoding found no room: the latents can be decoded later
├── DeviceLost      the graphics card's context is lost: only a new start of the studio can use it again
├── StorageError    the disk is full, a folder is read-only or gone
├── Busy            the queue is full, the port is taken
├── TooMany         so many requests wait already that another would not be answered soon
└── Superseded      nobody waits for this answer any more; the page says nothing of it

Each message says what, what was given and what to do, in under 300 characters, without a path or a traceback. It is
written in English where it is raised, as a template with its values, and looked up by its template in other languages.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, LiteralString, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST = 1000
"""Characters of a template or a value that is taken from outside; ours have under 300."""
MOST_VALUES = 12
DEEPEST = 4


class Sentence(str):
    """English text; `template` is the same with {blanks}, the key of its translations; `values` fill the blanks.

        Sentence("{name} must be {low:g} to {high:g}.", name="eta", low=0, high=1)   # eta must be 0 to 1.

    A text without values is its own template, whatever braces it holds. A value that is a Sentence stays one and is
    translated too; every other value is kept as the text that the template's format makes of it.
    """

    template: str
    values: Mapping[str, str]

    def __new__(cls, template: LiteralString | Sentence, /, **values: object) -> Sentence:
        if not values:
            return template if isinstance(template, Sentence) else cls._of(template, template, {})
        texts: dict[str, str] = {}
        message = key = ""
        for literal, name, spec, conversion in string.Formatter().parse(template):
            message, key = message + literal, key + literal
            if name is not None:
                texts[name] = _text(values[name], spec or "", conversion)
                message, key = message + texts[name], f"{key}{{{name}}}"
        return cls._of(message, key, texts)

    @classmethod
    def _of(cls, message: str, template: str, values: Mapping[str, str]) -> Sentence:
        sentence = str.__new__(cls, message)
        sentence.template, sentence.values = template, values
        return sentence

    def with_small_first(self) -> Sentence:
        """The same inside another sentence, where its English begins with a small letter."""
        return self._of(self[:1].lower() + self[1:], self.template, self.values)

    def to_json(self) -> dict[str, Any]:
        values = {name: v.to_json() if isinstance(v, Sentence) else v for name, v in self.values.items()}
        return {"message": str(self), "template": self.template, "values": values}

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Sentence:
        """From `to_json`, by whomever: what is not of its form, as an older studio's, is taken by its message alone."""
        message = str(given["message"])
        try:
            return _read(given, DEEPEST)
        except (KeyError, TypeError, ValueError):
            return cls._of(message, message, {})


def _text(value: object, spec: str, conversion: str | None) -> str:
    if conversion:
        value = repr(value) if conversion == "r" else str(value)
    return value if isinstance(value, Sentence) and not spec else format(value, spec)


def _read(given: Mapping[str, Any], deepest: int) -> Sentence:
    template, values = given["template"], given["values"]
    if not deepest or not isinstance(template, str) or not isinstance(values, dict):
        raise ValueError("no sentence")
    texts = {name: _read(v, deepest - 1) if isinstance(v, dict) else v for name, v in values.items()}
    parts = (template, *texts, *texts.values())
    if len(texts) > MOST_VALUES or not all(isinstance(part, str) and len(part) <= LONGEST for part in parts):
        raise ValueError("longer than any of ours")
    return Sentence._of(str(given["message"]), template, texts)


class StudioError(Exception):
    """Base of all errors that are shown to a person. `code` is stable; `status` is the HTTP status.

    BadRequest("{name} must be {low:g} to {high:g}; got {got}.", name="eta", low=0, high=1, got="5")
    """

    code = "error"
    status = 500
    retry_after: int | None = None
    """Seconds after which the same request may well be taken, where that is known."""

    def __init__(self, template: LiteralString | Sentence, /, **values: object) -> None:
        self.sentence = Sentence(template, **values)
        super().__init__(self.sentence)

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, **self.sentence.to_json()}


class BadRequest(StudioError):
    code, status = "bad_request", 422


class NotFound(StudioError):
    code, status = "not_found", 404


class NotAllowed(StudioError):
    code, status = "not_allowed", 403


class BadFile(StudioError):
    code, status = "bad_file", 422


class OutOfMemory(StudioError):
    code, status = "out_of_memory", 507


class NoRoom(OutOfMemory):
    code = "no_room"


class NotDecoded(OutOfMemory):
    """`latents`, float32 (N, C, h, w), and the recipes of their pictures, for whoever keeps them."""

    code = "not_decoded"
    latents: NDArray[np.float32] | None = None
    recipes: tuple[dict[str, Any], ...] = ()

    def with_latents(self, latents: NDArray[np.float32], recipes: tuple[dict[str, Any], ...]) -> Self:
        self.latents, self.recipes = latents, recipes
        return self


class DeviceLost(StudioError):
    code, status = "device_lost", 503


class StorageError(StudioError):
    code, status = "storage", 507


class Busy(StudioError):
    code, status = "busy", 503


class TooMany(StudioError):
    code, status = "too_many_requests", 429

    def __init__(self, template: LiteralString | Sentence, /, retry_after: int, **values: object) -> None:
        super().__init__(template, **values)
        self.retry_after = retry_after


class Superseded(StudioError):
    code, status = "superseded", 409
