"""A graphics card whose context is lost: a kernel failed on it, and every later call of this process fails as well."""

from pipelines.errors import Sentence

LOST = Sentence(
    "The graphics card has failed and can be used again only after a new start. Restart the studio: finished pictures "
    "are kept, and waiting jobs then go on."
)
RAY_LOST = "the Ray worker is lost"
SIGNS = (
    RAY_LOST.lower(),
    "device-side assert",
    "illegal memory access",
    "an illegal instruction",
    "misaligned address",
    "unspecified launch failure",
    "launch timed out",
    "hardware stack error",
    "uncorrectable ecc error",
    "gpu has fallen off the bus",
    "ze_result_error_device_lost",
)
"""What CUDA, ROCm and Level Zero say then; torch passes it on in a RuntimeError."""


def is_lost(error: BaseException) -> bool:
    """Whether an exception says that only a new process can use the card again."""
    words = str(error).lower() if isinstance(error, RuntimeError) else ""
    return any(sign in words for sign in SIGNS)
