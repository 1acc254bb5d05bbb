"""How large a stranger's picture may be: its file, its sides, and the memory that unpacking it takes."""

from pipelines.errors import BadFile, Sentence

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

DAMAGED = Sentence("the picture is damaged or cut off. Choose another copy of it.")
UNKNOWN = Sentence("this is not a picture that can be read. Choose a PNG, JPEG, WebP or GIF.")


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
