"""A pickled checkpoint read within the limits of its child process: torch's safe reader, never a fallback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import libs
from pipelines.errors import BadFile
from pipelines.models.converting import container, contents, opcodes

if TYPE_CHECKING:
    from torch import Tensor

SECONDS = 30
BYTES_A_SECOND = 2**24
"""Of CPU time to read a file: this many seconds and one more for that many bytes; the steps that were counted before
take far less."""


def read(path: Path, checked: container.Container) -> dict[str, Tensor]:
    """The tensors of a file that `container.check` passed. Raises BadFile."""
    torch = libs.torch()
    label = path.name[:60]
    try:
        with _names_that_are_dropped(torch), _seconds(SECONDS + path.stat().st_size // BYTES_A_SECOND):
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=checked.mappable)
    except MemoryError:
        raise
    except Exception as error:  # whatever torch says about a stranger's bytes, they are not sound
        raise BadFile(
            "{label} is damaged, cut off, or more than weights: it could not be read safely.", label=label
        ) from error
    tensors = contents.tensors_of(loaded, label)
    _refuse_blown_up(tensors, checked.unpacked, label)
    return tensors


@contextmanager
def _names_that_are_dropped(torch: Any):
    inert = [(contents.Inert, name.replace(" ", ".")) for name in opcodes.DROPPED]
    with torch.serialization.safe_globals(inert):
        yield


@contextmanager
def _seconds(most: int) -> Iterator[None]:
    """The child is ended when what stands within takes more CPU time, where the system can."""
    try:
        import resource
    except ImportError:  # Windows: the time for the whole conversion remains
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + 1 + most
    resource.setrlimit(resource.RLIMIT_CPU, (limit if hard < 0 else min(limit, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _refuse_blown_up(tensors: dict[str, Tensor], unpacked: int, label: str) -> None:
    """A view can claim any size over a few bytes, and many views the same bytes; both would fill the disk."""
    total = 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        total += size
        if tensor.layout != libs.torch().strided or tensor.device.type != "cpu":
            raise BadFile(
                "{name} in {label} is no plain tensor. Take another version of the file.", name=name[:60], label=label
            )
        if size > tensor.untyped_storage().nbytes() or total > 2 * unpacked + 2**20:
            raise BadFile(
                "{name} in {label} claims more values than the file holds. Do not use it.", name=name[:60], label=label
            )
