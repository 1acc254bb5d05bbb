"""A network in two ways: native, and in torch, which judges the first answer of each shape and takes over for good."""

from __future__ import annotations

import importlib.util
import logging
import os
import time
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
RACES = 2
"""Calls of each way that are timed, of which the faster counts."""
DIED = Sentence("The network was computed in PyTorch, more slowly: its native process died or hung again and again.")
SLOWER = Sentence("The network was computed in PyTorch, which is faster for this model than onnxruntime.")
NO_MEMORY = Sentence("The network was computed in PyTorch, more slowly: no memory was left to share with onnxruntime.")

VERDICTS = {WRONG: "wrong", REFUSED: "refused", SLOWER: "slower"}
"""In one word what is true of a graph on this machine for good; a death may have been anybody's doing."""


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
    """The native way of one network. `why` is "" while it is used, then the sentence that says why it no longer is.

    `verdict` hears, once for a graph that nobody has timed yet, whether it is "faster" than torch, and what is wrong
    with it otherwise. A clock decides then and never again, so that later pictures keep their bits.
    """

    def __init__(self, session: Session, name: str, verdict: Callable[[str], None] | None = None) -> None:
        self._session, self._name, self._verdict = session, name, verdict
        self._agreed: set[tuple] = set()
        self.why: Sentence | str = ""

    def __call__(self, inputs: Mapping[str, Tensor], answer: tuple[int, ...], in_torch: Callable[[], Tensor]) -> Tensor:
        """The network's answer of that shape to float32 inputs. The first call of each shape is asked of both ways."""
        if self.why:
            return in_torch()
        shapes = tuple(tuple(tensor.shape) for tensor in inputs.values())
        arrays = {name: tensor.contiguous().numpy() for name, tensor in inputs.items()}

        def natively() -> Tensor:
            return libs.torch().from_numpy(self._session.run(self._name, arrays, answer))

        try:
            native = natively()
            if shapes in self._agreed:
                return native
            answered = self._judged(native, in_torch(), shapes)
            if self._verdict is not None and shapes in self._agreed:
                self._race(natively, in_torch, self._verdict)
            return answered
        except (Refused, Died, OSError) as fault:
            self._give_up({Refused: REFUSED, Died: DIED}.get(type(fault), NO_MEMORY), fault)
            return in_torch()

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

    def _race(
        self, natively: Callable[[], Tensor], in_torch: Callable[[], Tensor], tell: Callable[[str], None]
    ) -> None:
        times = [(_seconds(natively), _seconds(in_torch)) for _ in range(RACES)]
        ours, theirs = (min(column) for column in zip(*times, strict=True))
        if ours > theirs:
            self._give_up(SLOWER, f"{ours:.3f} s a call against {theirs:.3f} s")
        else:
            tell("faster")
        self._verdict = None

    def _give_up(self, why: Sentence, fault: object) -> None:
        log.warning("%s (%s: %s)", why, self._name, fault)
        self.why = why
        self._session.close()
        if self._verdict is not None and why in VERDICTS:
            self._verdict(VERDICTS[why])


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
