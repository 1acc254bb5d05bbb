"""What unpacking a JPEG takes besides its pixels: its coefficients are held whole where they come in several scans."""

import re

from pipelines.errors import BadFile

MOST_SCANNED = 1_500_000_000
"""Coefficients over all scans: a hundred scans of a large picture take minutes."""
_HEAD = re.compile(rb"\xff+([^\x00\x01\xd0-\xd9\xff])", re.DOTALL)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def coefficient_bytes(data: bytes) -> int:
    """0 for a baseline JPEG, which is unpacked row by row. Raises BadFile where reading the scans takes too long."""
    at, frame, frame_kind = 2, b"", 0
    while (marker := _HEAD.search(data, at)) and marker[1] != b"\xda":
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
        if marker[1][0] in _FRAMES:
            frame, frame_kind = data[marker.end() + 2 : at], marker[1][0]
    if not marker or len(frame) < 9:
        return 0
    coefficients = _coefficients(frame)
    scans = data.count(b"\xff\xda", marker.start())
    if scans * coefficients > MOST_SCANNED:
        raise BadFile("the picture is a JPEG of {scans} scans. Save it as an ordinary JPEG.", scans=scans)
    in_first_scan = data[marker.end() + 2 : marker.end() + 3]
    whole = frame_kind in (0xC2, 0xC6, 0xCA, 0xCE) or scans > 1 or in_first_scan < frame[5:6]
    return 2 * coefficients if whole else 0


def _coefficients(frame: bytes) -> int:
    """Of all components, from the frame's head: precision, height, width, and of each component the sampling."""
    height, width, count = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big"), frame[5]
    sampling = [(frame[at] >> 4, frame[at] & 15) for at in range(7, min(6 + 3 * count, len(frame)), 3)]
    widest, highest = max(h for h, _ in sampling), max(v for _, v in sampling)
    if not widest or not highest:
        return 0
    return sum(width * height * h * v // (widest * highest) for h, v in sampling)
