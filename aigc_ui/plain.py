"""Answers as JSON: pictures in them become PNG data URIs."""

import base64
import io
import json
import math
from typing import Any

import numpy as np
from PIL import Image

NOT_KEPT = {"cache-control": "no-store"}
"""The header of what may be another the next time."""


def plain(value: Any) -> Any:
    """uint8 pictures (N, H, W, 3) as a list of PNG data URIs; anything else as it is."""
    return [png_uri(picture) for picture in value] if isinstance(value, np.ndarray) else value


def json_bytes(value: Any) -> bytes:
    """Compact JSON; numbers that are none become null, as everywhere in the API."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def png_uri(picture: np.ndarray) -> str:
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode("ascii")
