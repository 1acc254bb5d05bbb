"""How large a stranger's picture may be: its file, its sides, and the memory that unpacking it takes."""

from pipelines.errors import BadFile

MOST_BYTES = 32 * 2**20
MOST_PIXELS = 64_000_000  # a few bytes of PNG may ask for gigabytes
LONGEST_SIDE = 2048
SHORTEST_SIDE = 8
MOST_RATIO = 16  # of the longer side to the shorter: beyond it a crop keeps next to nothing

MOST_MEMORY = 200_000_000
"""Bytes that the process which reads a picture may hold, Python and the libraries included."""
BASE_MEMORY = 38_000_000
"""Of these what it holds before a picture comes, and what the smaller steps take."""
ROOM = MOST_MEMORY - BASE_MEMORY

DAMAGED = "the picture is damaged or cut off. Choose another copy of it."
UNKNOWN = "this is not a picture that can be read. Choose a PNG, JPEG, WebP or GIF."


def check_bytes(length: int) -> None:
    if length > MOST_BYTES:
        raise BadFile(f"the picture is {length / 2**20:.0f} MiB; at most {MOST_BYTES // 2**20} fit. Scale it down.")


def check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise BadFile(
            f"the picture has {width} x {height} pixels, more than {MOST_PIXELS // 10**6} million. Scale it down."
        )
    if min(width, height) < SHORTEST_SIDE:
        raise BadFile(
            f"the picture has {width} x {height} pixels; at least {SHORTEST_SIDE} x {SHORTEST_SIDE} are needed. "
            "Choose a larger one."
        )
    if max(width, height) > MOST_RATIO * min(width, height):
        raise BadFile(
            f"the picture has {width} x {height} pixels: more than {MOST_RATIO} times as long on one side as on the "
            "other. Cut out the part that matters."
        )


def too_much_memory(width: int, height: int, needed: int) -> BadFile:
    return BadFile(
        f"the picture has {width} x {height} pixels, which take {needed / 1e6:.0f} MB in this format; "
        f"at most {ROOM // 10**6} fit. Scale it down, or save it as an ordinary JPEG."
    )
