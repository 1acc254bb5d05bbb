"""How large a stranger's picture may be: its file, its sides, and the memory that unpacking it takes."""

from pipelines.errors import BadFile, Sentence
from pipelines.params.specs import MOST_PIXELS as MOST_KEPT

MOST_BYTES = 32 * 2**20
MOST_PIXELS = 64_000_000  # of a file: a few bytes of PNG may ask for gigabytes
LESS_KEPT = MOST_KEPT // 4  # pixels of one that leaves no memory for more
SHORTEST_SIDE = 8
MOST_RATIO = 16  # of the longer side to the shorter: beyond it a crop keeps next to nothing

MOST_MEMORY = 200_000_000
"""Bytes that the process which reads a picture may hold, Python and the libraries included."""
BASE_MEMORY = 42_000_000
"""Of these what it holds before a picture comes, and what the smaller steps take."""
ROOM = MOST_MEMORY - BASE_MEMORY

DAMAGED = Sentence("the picture is damaged or cut off. Choose another copy of it.")
UNKNOWN = Sentence("this is not a picture that can be read. Choose a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF.")
HEIC = Sentence("this is a HEIC picture, which cannot be read here. Save it as a JPEG or PNG.")


def check_bytes(length: int) -> None:
    if length > MOST_BYTES:
        raise BadFile(
            "the picture is {length:.0f} MiB; at most {most} fit. Scale it down.",
            length=length / 2**20,
            most=MOST_BYTES // 2**20,
        )


def check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise BadFile(
            "the picture has {width} x {height} pixels, more than {most} million. Scale it down.",
            width=width,
            height=height,
            most=MOST_PIXELS // 10**6,
        )
    if min(width, height) < SHORTEST_SIDE:
        raise BadFile(
            "the picture has {width} x {height} pixels; at least {least} x {least} are needed. Choose a larger one.",
            width=width,
            height=height,
            least=SHORTEST_SIDE,
        )
    if max(width, height) > MOST_RATIO * min(width, height):
        raise BadFile(
            "the picture has {width} x {height} pixels: more than {most} times as long on one side as on the "
            "other. Cut out the part that matters.",
            width=width,
            height=height,
            most=MOST_RATIO,
        )


def too_much_memory(width: int, height: int, needed: int) -> BadFile:
    return BadFile(
        "the picture has {width} x {height} pixels, which take {needed:.0f} MB in this format; at most "
        "{room} fit. Scale it down, or save it as an ordinary JPEG.",
        width=width,
        height=height,
        needed=needed / 1000000.0,
        room=ROOM // 10**6,
    )
