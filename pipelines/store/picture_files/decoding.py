"""A stranger's picture as plain pixels, unpacked within a bounded memory: what it takes is known before it is taken.

Large pictures are turned, converted and made narrower band by band, with the same result as the whole at once. Runs in
the confined child (see `child`).
"""

import io
import math
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageChops,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from pipelines.errors import BadFile
from pipelines.store.picture_files.bounds import (
    DAMAGED,
    LESS_KEPT,
    MOST_KEPT,
    MOST_PIXELS,
    ROOM,
    UNKNOWN,
    check_bytes,
    check_size,
    too_much_memory,
)
from pipelines.store.picture_files.jpeg_scans import coefficient_bytes
from pipelines.store.picture_files.roles import CLEAR, MASK, PICTURE
from pipelines.store.picture_files.trimming import format_of, trimmed
from pipelines.store.picture_files.variants import check_variant, strip_bytes

PLUGINS = (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # a confined process starts no others
WHITE = 128  # a mask's level from which on it says: paint here
BAND_PIXELS = 1 << 18
GAP = 2.0  # of Pillow's thumbnail: beyond twice this factor pixels are averaged before they are resampled
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SWAPPING = (TURNS[5], TURNS[6], TURNS[7], TURNS[8])  # width and height
Size = tuple[int, int]
Box = tuple[float, float, float, float]
_SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_GREY = ("1", "L", *_SIXTEEN_BITS)
_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}  # a pixel in Pillow's memory, else 4
_WEBP_BYTES = 12  # libwebp's two canvases and the copy of one that it hands out
_AVIF_BYTES = {"L": 5, "RGB": 12, "RGBA": 15}  # dav1d's planes, libavif's pixels and Pillow's; eight bits, measured
_TO_EIGHT_BITS = ((np.arange(65536, dtype=np.uint32) + 128) // 257).astype(np.uint8)
# What Pillow raises at damaged files, besides OSError.
_ERRORS = (SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError, OverflowError, struct.error, zlib.error)


def read(data: bytes, role: str = PICTURE, most: int = MOST_KEPT) -> Image.Image:
    """A stranger's picture with nothing but its pixels: mode L or RGB, upright, scaled down where it has more than
    `most`; masks are L. Raises BadFile."""
    return read_with_alpha(data, role, most)[0]


def read_with_alpha(data: bytes, role: str = PICTURE, most: int = MOST_KEPT) -> tuple[Image.Image, bool]:
    """The same, and whether any of the file is transparent."""
    check_bytes(len(data))
    try:
        small, size, box = _narrowed(data, most)
        if small.size != size:
            small = small.resize(size, Image.Resampling.LANCZOS, box)
        small = small.convert("RGBA") if small.mode == "RGBa" else small
        transparent = small.mode == "RGBA" and small.getchannel("A").getextrema()[0] < 255  # type: ignore[operator]
        return _FORMS[role](small), transparent
    except Image.DecompressionBombError:
        raise BadFile(
            "the picture has more than {most} million pixels. Scale it down.", most=MOST_PIXELS // 10**6
        ) from None
    except Image.UnidentifiedImageError:
        raise BadFile(UNKNOWN) from None
    except (OSError, *_ERRORS):
        raise BadFile(DAMAGED) from None


def opened(data: bytes) -> Image.Image:
    """The picture with its pixels unpacked, a large JPEG to a half, a quarter or an eighth. Raises BadFile."""
    return _opened(data, MOST_KEPT)[0]


def _opened(data: bytes, most: int) -> tuple[Image.Image, int]:
    """The same, and how many of its pixels there is memory to keep, `most` or fewer."""
    kind, file = format_of(data), trimmed(data)
    copies = (len(file) if file is not data else 0) + (len(file) if kind in ("WEBP", "AVIF", "TIFF") else 0)
    image = Image.open(io.BytesIO(file), formats=(kind,))
    check_size(*image.size)
    check_variant(image)
    beside = coefficient_bytes(file) if kind == "JPEG" else strip_bytes(image)
    most = _fitting(image, ROOM - len(data) - copies, beside, most)
    if kind == "WEBP":
        return _webp_canvas(image), most
    image.load()
    check_size(*image.size)
    return image, most


def _fitting(image: Image.Image, room: int, beside: int, most: int) -> int:
    """How many pixels, `most` or fewer, can be kept within `room`, of which unpacking takes `beside` for itself; a
    JPEG is set to a smaller scale where not even few can. Raises BadFile."""
    width, height = image.size
    for scale in (1, 2, 4, 8) if isinstance(image, JpegImagePlugin.JpegImageFile) else (1,):
        if scale > 1:
            image.draft(None, (-(-width // scale), -(-height // scale)))
        for kept in (most, min(most, LESS_KEPT)):
            if (needed := _needed(image, beside, kept)) <= room:
                return kept
    raise too_much_memory(width, height, needed)


def _needed(image: Image.Image, beside: int, most: int) -> int:
    """Bytes that unpacking takes at its peak, or its pixels and the upright, narrower picture that is made of them."""
    width, height = image.size
    pixels = width * height
    grey = image.mode in _GREY and "transparency" not in image.info
    upright = int(pixels * _scale(width, height, most)) * (1 if grey else 4)
    if image.format == "WEBP":  # all but one canvas is gone before it is made narrower
        return max(pixels * _WEBP_BYTES, pixels * 4 + upright)
    if image.format == "AVIF":
        return max(pixels * _AVIF_BYTES.get(image.mode, 15), pixels * 4 + upright)
    own = pixels * _BYTES.get(image.mode, 4)
    return own + max(beside, upright)


def _webp_canvas(image: Image.Image) -> Image.Image:
    """The first canvas as libwebp hands it out, without the copies that Pillow's own load makes."""
    decoded = image._decoder.get_next()  # type: ignore[attr-defined]
    if decoded is None:
        raise BadFile(DAMAGED)
    image._decoder = None  # type: ignore[attr-defined]  # and with it libwebp's canvases
    mode = "RGBA" if image.mode == "RGBA" else "RGBX"
    canvas = Image.frombuffer(mode, image.size, decoded[0], "raw", mode, 0, 1)
    canvas.info.update({name: image.info[name] for name in ("exif", "xmp") if name in image.info})
    return canvas


def _narrowed(data: bytes, most: int) -> tuple[Image.Image, Size, Box | None]:
    """The picture as wide as it will be, its final size, and the box of it that is resampled to that size.

    It is a new picture, so that no profile, comment or place comes along."""
    image, most = _opened(data, most)
    turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
    width, height = image.size if turn not in SWAPPING else image.size[::-1]
    size = _bounded(width, height, most)
    if size == (width, height):
        return _joined(image, turn, 1, lambda band: band), size, None
    averaged = (int(width / size[0] / GAP) or 1, int(height / size[1] / GAP) or 1)
    if image.has_transparency_data or max(averaged) == 1:
        return _joined(image, turn, 1, lambda band: _resampled(band, size[0])), size, None
    made = _joined(image, turn, averaged[1], lambda band: band.reduce(averaged))
    return made, size, (0, 0, width / averaged[0], height / averaged[1])


def _resampled(band: Image.Image, width: int) -> Image.Image:
    band = band.convert("RGBa") if band.mode == "RGBA" else band
    return band.resize((width, band.height), Image.Resampling.LANCZOS)


def _joined(
    image: Image.Image, turn: Image.Transpose | None, multiple: int, narrow: Callable[[Image.Image], Image.Image]
) -> Image.Image:
    """The upright picture, each of its bands made narrower."""
    parts = (narrow(_plain(band)) for band in _bands(image, turn, multiple))
    first = next(parts)
    height = image.width if turn in SWAPPING else image.height
    made = Image.new(first.mode, (first.width, -(-height // multiple)))
    made.paste(first, (0, 0))
    top = first.height
    for part in parts:
        made.paste(part, (0, top))
        top += part.height
    return made


def _bands(image: Image.Image, turn: Image.Transpose | None, multiple: int) -> Iterator[Image.Image]:
    """The upright picture from top to bottom, each band's height a multiple of `multiple`."""
    width, height = image.size
    turned_width, turned_height = (height, width) if turn in SWAPPING else (width, height)
    rows = max(BAND_PIXELS // turned_width // multiple, 1) * multiple
    for top in range(0, turned_height, rows):
        low = min(top + rows, turned_height)
        if turn in (TURNS[5], TURNS[6]):
            box = (top, 0, low, height)
        elif turn in (TURNS[7], TURNS[8]):
            box = (width - low, 0, width - top, height)
        elif turn in (TURNS[3], TURNS[4]):
            box = (0, height - low, width, height - top)
        else:
            box = (0, top, width, low)
        band = image.crop(box)
        yield band if turn is None else band.transpose(turn)


def _scale(width: int, height: int, most: int) -> float:
    return min(1.0, math.sqrt(most / (width * height)))


def _bounded(width: int, height: int, most: int) -> tuple[int, int]:
    """The size of Pillow's thumbnail with no more than `most` pixels."""
    size, longest = (width, height), int(max(width, height) * _scale(width, height, most))
    while size[0] * size[1] > most:  # the shorter side may be rounded up
        size, longest = _thumbnail(width / height, longest), longest - 1
    return size


def _thumbnail(aspect: float, longest: int) -> tuple[int, int]:
    if aspect <= 1:
        return _nearest(longest * aspect, lambda n: abs(aspect - n / longest)), longest
    return longest, _nearest(longest / aspect, lambda n: abs(aspect - longest / n) if n else 0)


def _nearest(number: float, key: Callable[[int], float]) -> int:
    return max(min(math.floor(number), math.ceil(number), key=key), 1)


def _plain(image: Image.Image) -> Image.Image:
    """L, RGB or RGBA of any mode; of 16 bits a pixel the upper 8."""
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in _SIXTEEN_BITS:
        return Image.fromarray(_TO_EIGHT_BITS[np.asarray(image).clip(0, 65535)])
    return image.convert("L" if image.mode in _GREY else "RGB")


def _by_rows(image: Image.Image, form: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """`form` of the picture, which looks at single pixels, a few rows at a time."""
    parts = (form(band) for band in _bands(image, None, 1))
    first = next(parts)
    made, top = Image.new(first.mode, image.size), first.height
    made.paste(first, (0, 0))
    for part in parts:
        made.paste(part, (0, top))
        top += part.height
    return made


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    return _by_rows(
        image, lambda rows: Image.alpha_composite(Image.new("RGBA", rows.size, "white"), rows).convert("RGB")
    )


def _mask(image: Image.Image) -> Image.Image:
    """As light as the picture is, and black where it is transparent. One that is drawn in black on nothing, which would
    be black all over, is white where it is drawn, as A1111 reads masks."""
    if image.mode != "RGBA":
        return image.convert("L")
    light = _by_rows(image, lambda rows: ImageChops.multiply(rows.convert("RGB").convert("L"), rows.getchannel("A")))
    return light if light.getextrema()[1] >= WHITE else image.getchannel("A")  # type: ignore[operator]


def _clear(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return Image.new("L", image.size)
    return ImageChops.invert(image.getchannel("A"))


_FORMS = {PICTURE: _on_white, MASK: _mask, CLEAR: _clear}
