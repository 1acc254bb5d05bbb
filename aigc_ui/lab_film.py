"""A film of pictures that the page has drawn itself: a stranger's PNGs, read within bounds, made into one file."""

import base64
import struct
from collections.abc import Callable
from typing import Any

from pipelines.errors import BadFile, BadRequest
from pipelines.params import Range, described
from pipelines.store import film

MOST_PICTURES = 201  # the points' 200 steps, and the noise that they begin with
SIDE = Range(16, 1280)
MOST_PIXELS = 80_000_000  # of all pictures together; the encoders hold them all
A_STEP = Range(20, 1000)
DEFAULTS: dict[str, Any] = {"pictures": [], "milliseconds": film.A_STEP}
_BEGINS = "data:image/png;base64,"
_PNG = b"\x89PNG\r\n\x1a\n"


PixelsOf = Callable[[bytes], film.Picture]


def make(kind: str, asked: dict[str, Any], pixels_of: PixelsOf) -> bytes:
    """The film's bytes from PNG data URIs of one size, each shown so many milliseconds. Raises BadRequest, BadFile."""
    film.check_kind(kind)
    a_step = int(A_STEP.check("milliseconds", asked["milliseconds"], int))
    return film.encode(read(asked["pictures"], pixels_of), kind, a_step)


def read(uris: Any, pixels_of: PixelsOf) -> list[film.Picture]:
    """uint8 (H, W, 3) each. What the heads say is checked before `pixels_of` unpacks any picture."""
    if not isinstance(uris, list):
        raise BadRequest("pictures must be a list of PNG data URIs; got {got}.", got=described(uris))
    if not 2 <= len(uris) <= MOST_PICTURES:
        raise BadRequest(
            "a film must have 2 to {most} pictures; got {got}. Take more or fewer steps.",
            most=MOST_PICTURES,
            got=len(uris),
        )
    files = [_bytes(uri, number) for number, uri in enumerate(uris, 1)]
    width, height = _size(files)
    if width * height * len(files) > MOST_PIXELS:
        most = f"{MOST_PIXELS // 10**6} million pixels"
        raise BadRequest(
            "{number} pictures of {width} x {height} have more than {most}. Take fewer or smaller ones.",
            number=len(files),
            width=width,
            height=height,
            most=most,
        )
    return [_picture(data, number, (height, width), pixels_of) for number, data in enumerate(files, 1)]


def _bytes(uri: Any, number: int) -> bytes:
    """A PNG's bytes; that it begins as one, no more."""
    try:
        data = base64.b64decode(uri.removeprefix(_BEGINS), validate=True) if _is_png_uri(uri) else b""
    except ValueError:
        data = b""
    if len(data) < 33 or data[:8] != _PNG or data[12:16] != b"IHDR":
        raise BadFile(
            "picture {number} of the film is no PNG in a data URI. It must begin with {begins}",
            number=number,
            begins=_BEGINS,
        )
    return data


def _is_png_uri(uri: Any) -> bool:
    return isinstance(uri, str) and uri.startswith(_BEGINS)


def _size(files: list[bytes]) -> tuple[int, int]:
    """The (width, height) that all heads say."""
    width, height = size = struct.unpack(">II", files[0][16:24])
    for number, data in enumerate(files, 1):
        w, h = struct.unpack(">II", data[16:24])
        if (w, h) != size:
            raise BadRequest(
                "all pictures of a film must be of one size; picture {number} is {w} x {h}, the first is {width} x "
                "{height}.",
                number=number,
                w=w,
                h=h,
                width=width,
                height=height,
            )
    if not all(SIDE.low <= side <= SIDE.high for side in size):
        raise BadRequest(
            "a film must be {low:g} to {high:g} pixels wide and high; got {width} x {height}.",
            low=SIDE.low,
            high=SIDE.high,
            width=width,
            height=height,
        )
    return width, height


def _picture(data: bytes, number: int, shape: tuple[int, int], pixels_of: PixelsOf) -> film.Picture:
    try:
        picture = pixels_of(data)
    except BadFile as error:
        raise BadFile("picture {number} of the film: {why}", number=number, why=error.sentence) from None
    if picture.shape[:2] != shape:
        raise BadFile("picture {number} of the film is not as large as its head says. Draw it again.", number=number)
    return picture
