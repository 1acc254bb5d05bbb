"""A network in two ways: native, and in torch, which judges the first answer of each shape and takes over for good."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pipelines import libs
from pipelines.device.native.session import Died, Refused, Session
from pipelines.errors import Sentence

if TYPE_CHECKING:
    from torch import Tensor

log = logging.getLogger(__name__)

LARGEST_DIFFERENCE = 5e-4
"""Of torch's largest number. Sound answers differ by 2e-5 of it, in the order of sums; a wrong one by all."""

WRONG = Sentence("The network was computed in PyTorch, more slowly: onnxruntime gave other numbers.")
REFUSED = Sentence("The network was computed in PyTorch, more slowly: onnxruntime could not run it.")
DIED = Sentence("The network was computed in PyTorch, more slowly: its native process died or hung twice.")
NO_MEMORY = Sentence("The network was computed in PyTorch, more slowly: no memory was left to share with onnxruntime.")


def hands_over() -> bool:
    """Whether this system can hand memory to a child."""
    return os.name == "posix"


def installed() -> bool:
    return importlib.util.find_spec("onnxruntime") is not None


def available() -> bool:
    """Whether networks can be native here; says in the log what to install where that is all there is to do."""
    if hands_over() and not installed():
        log.warning("onnxruntime is not installed; networks on the CPU work in PyTorch, at half the speed")
    return hands_over() and installed()


class Judged:
    """The native way of one network. `why` is "" while it is used, then the sentence that says why it no longer is."""

    def __init__(self, session: Session, name: str) -> None:
        self._session, self._name = session, name
        self._agreed: set[tuple] = set()
        self.why: Sentence | str = ""

    def __call__(self, inputs: Mapping[str, Tensor], answer: tuple[int, ...], in_torch: Callable[[], Tensor]) -> Tensor:
        """The network's answer of that shape to float32 inputs. The first call of each shape is asked of both ways."""
        if self.why:
            return in_torch()
        shapes = tuple(tuple(tensor.shape) for tensor in inputs.values())
        try:
            arrays = {name: tensor.contiguous().numpy() for name, tensor in inputs.items()}
            numbers = self._session.run(self._name, arrays, answer)
        except (Refused, Died, OSError) as fault:
            self._give_up({Refused: REFUSED, Died: DIED}.get(type(fault), NO_MEMORY), fault)
            return in_torch()
        native = libs.torch().from_numpy(numbers)
        if shapes in self._agreed:
            return native
        return self._judged(native, in_torch(), shapes)

    def _judged(self, native: Tensor, right: Tensor, shapes: tuple) -> Tensor:
        torch = libs.torch()
        if not bool(torch.isfinite(right).all()):  # of such numbers nothing can be said
            return right
        difference, most = float((native - right).abs().max()), float(right.abs().max())
        if difference <= LARGEST_DIFFERENCE * most:  # False for NaN
            self._agreed.add(shapes)
            return native
        self._give_up(WRONG, f"they differ by {difference:g} of {most:g}")
        return right

    def _give_up(self, why: Sentence, fault: object) -> None:
        log.warning("%s (%s: %s)", why, self._name, fault)
        self.why = why
        self._session.close()
