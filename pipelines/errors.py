"""The errors that are for a person; everything else that is raised is a bug.

StudioError
├── BadRequest      a value outside its bounds, an unknown field, sampler or model
├── NotFound        a job, picture or model that is not here
├── NotAllowed      somebody else's job or picture, a missing token
├── BadFile         a model, picture or recipe that cannot be used as it is
├── OutOfMemory     the device cannot hold this request, even in its smallest way of working
│   └── NotDecoded  all was painted and only decoding found no room: the latents can be decoded later
├── StorageError    the disk is full, a folder is read-only or gone
├── Busy            the queue is full, the port is taken
├── TooMany         so many requests wait already that another would not be answered soon
└── Superseded      nobody waits for this answer any more; the page says nothing of it

Each message says what, what was given and what to do, in under 300 characters, without a path or a traceback.
"""

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class StudioError(Exception):
    """Base of all errors that are shown to a person. `code` is stable; `status` is the HTTP status."""

    code = "error"
    status = 500
    retry_after: int | None = None
    """Seconds after which the same request may well be taken, where that is known."""


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


class NotDecoded(OutOfMemory):
    """`latents`, float32 (N, C, h, w), and the recipes of their pictures, for whoever keeps them."""

    code = "not_decoded"
    latents: "NDArray[np.float32] | None" = None
    recipes: "tuple[dict[str, Any], ...]" = ()

    def with_latents(self, latents: "NDArray[np.float32]", recipes: "tuple[dict[str, Any], ...]") -> Self:
        self.latents, self.recipes = latents, recipes
        return self


class StorageError(StudioError):
    code, status = "storage", 507


class Busy(StudioError):
    code, status = "busy", 503


class TooMany(StudioError):
    code, status = "too_many_requests", 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Superseded(StudioError):
    code, status = "superseded", 409
