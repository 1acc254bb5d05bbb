"""Denoising frames as small JPEG data URIs, encoded once however many browsers watch."""

import base64
import io
import threading
import weakref
from collections import OrderedDict
from typing import Any

from PIL import Image

from pipelines.events import Frame, Pixels
from pipelines.store.film import sheet

QUALITY = 85


class FrameEncoder:
    """Turns a Frame into what the API and the page send; keeps the latest ones, up to `budget_bytes`."""

    def __init__(self, budget_bytes: int = 32 * 1024**2):
        self.encodings = 0
        self._budget = budget_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, tuple[weakref.ref[Frame], dict[str, Any]]] = OrderedDict()

    def encode(self, frame: Frame) -> dict[str, Any]:
        """{"index", "total", "sigma", "x", "x0"}, the pictures as data:image/jpeg URIs; "eps" and "pull" where a step
        is taken apart."""
        with self._lock:  # held while encoding, so that ten viewers of one frame wait for one encoding
            kept = self._kept.get(id(frame))
            if kept is not None and kept[0]() is frame:
                self._kept.move_to_end(id(frame))
                return kept[1]
            payload = {
                "index": frame.index,
                "total": frame.total,
                "sigma": round(float(frame.sigma), 6),
                "x": jpeg_uri(frame.x),
                "x0": jpeg_uri(frame.x0_pred),
            }
            payload |= {name: jpeg_uri(part) for name, part in _parts(frame) if part is not None}
            self.encodings += 1
            self._keep(frame, payload)
            return payload

    def _keep(self, frame: Frame, payload: dict[str, Any]) -> None:
        replaced = self._kept.pop(id(frame), None)
        if replaced is not None:
            self._bytes -= _size(replaced[1])
        self._kept[id(frame)] = (weakref.ref(frame), payload)
        self._bytes += _size(payload)
        while self._bytes > self._budget:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._bytes -= _size(dropped)


def jpeg_uri(pictures: Pixels) -> str:
    """uint8 (N, H, W, 3) -> one data URI; several pictures are laid out in rows, as square as they go."""
    data = io.BytesIO()
    Image.fromarray(sheet(pictures)).save(data, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode("ascii")


def _size(payload: dict[str, Any]) -> int:
    return sum(len(payload.get(name, "")) for name in ("x", "x0", "eps", "pull"))


def _parts(frame: Frame) -> tuple[tuple[str, Pixels | None], ...]:
    return ("eps", frame.eps), ("pull", frame.pull)
