"""What a run leaves in its recipes so that it can be checked later: a digest of the state after every step, and the
machine on which it was made."""

from __future__ import annotations

import hashlib
import importlib.metadata
from functools import cache
from typing import TYPE_CHECKING, Any

from pipelines import SOFTWARE, libs
from pipelines.device.manager import DeviceManager

if TYPE_CHECKING:
    from torch import Tensor

    from pipelines.diffusion.bundle import Bundle

BYTES = 4
"""Of a step's digest: two ways that differ give the same one once in four thousand million steps."""


class Trace:
    """The digests of a run of several pictures, each from all bytes of its state x (C, h, w)."""

    def __init__(self) -> None:
        self._steps: list[list[str]] = []

    def add(self, x: Tensor) -> None:
        """The state x (n, C, h, w) after the next step."""
        self._steps.append([digest(one) for one in x.detach().cpu()])

    def of(self, row: int) -> list[str]:
        return [step[row] for step in self._steps if row < len(step)]


def digest(x: Tensor) -> str:
    data: Any = x.detach().cpu().contiguous().view(libs.torch().uint8).numpy()
    return hashlib.blake2b(data, digest_size=BYTES).hexdigest()


def machine(devices: DeviceManager, dtype: Any, native: bool) -> dict[str, Any]:
    """What the bits of a picture depend on besides its request and model. `native`: outside of PyTorch."""
    known = devices.describe()
    return {
        "studio": SOFTWARE,
        "torch": known["torch"],
        "diffusers": _version("diffusers"),
        "device": str(known["device"]).split(":")[0],  # cards of one name give the same bits
        "name": known["name"],
        "dtype": str(dtype).removeprefix("torch."),
        "threads": known["threads"],
        "runtime": f"onnxruntime {_version('onnxruntime')}" if native else "torch",
    }


def machine_of(devices: DeviceManager, model: Bundle) -> dict[str, Any]:
    return machine(devices, model.dtype, model.native is not None and not devices.elsewhere)


@cache
def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""
