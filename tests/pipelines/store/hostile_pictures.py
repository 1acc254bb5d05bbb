"""Picture files that cost a reader without bounds gigabytes or minutes, made in code: each name says what it does."""

import functools
import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

from PIL import Image

Maker = Callable[[], bytes]
RED = (255, 0, 0)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def png(
    width: int, height: int, depth: int, colour: int, raw: int = 0, interlaced: int = 0, before: bytes = b""
) -> bytes:
    """A PNG of zeros: `raw` bytes of them."""
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(bytes(min(2**22, raw - at))) for at in range(0, raw, 2**22)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def red_png(before: bytes = b"", after: bytes = b"") -> bytes:
    """A small red PNG with something before or after its pixels."""
    whole = encoded(Image.new("RGB", (32, 32), RED), "PNG")
    at = whole.index(b"IDAT") - 4
    return whole[:at] + before + whole[at:-12] + after + whole[-12:]


def red_jpeg(after_start: bytes = b"", size: tuple[int, int] | None = None, **options: Any) -> bytes:
    data = bytearray(encoded(Image.new("RGB", (64, 64), RED), "JPEG", **options))
    if size:
        at = next(at for at in range(len(data)) if data[at] == 0xFF and data[at + 1] in (0xC0, 0xC2))
        data[at + 5 : at + 9] = struct.pack(">HH", size[1], size[0])
    return bytes(data[:2]) + after_start + bytes(data[2:])


def segment(kind: int, body: bytes) -> bytes:
    return bytes([0xFF, kind]) + struct.pack(">H", len(body) + 2) + body


def gif(screen: int, frame: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HH", screen, screen) + b"\x80\0\0" + bytes(RED) + bytes(3)
    return head + b"," + struct.pack("<HHHHB", 0, 0, frame, frame, 0) + b"\x02\x02\x44\x01\0;"


def red_gif(extensions: bytes) -> bytes:
    picture = Image.new("P", (32, 32), 0)
    picture.putpalette([*RED, 0, 0, 255])
    data = encoded(picture, "GIF")
    at = 13 + (3 << (data[10] & 7) + 1)
    return data[:at] + extensions + data[at:]


def riff(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def webp_head(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    return riff(b"VP8L" + struct.pack("<I", 14) + b"\x2f" + struct.pack("<I", bits) + bytes(9))


def webp_canvas(width: int, height: int) -> bytes:
    canvas = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return riff(b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + canvas + animated_webp()[30:])


@functools.cache
def animated_webp(frames: int = 2) -> bytes:
    """The second frame of a real animation, over and over."""
    pair = [Image.new("RGB", (32, 32), colour) for colour in (RED, (0, 0, 255))]
    data = encoded(pair[0], "WEBP", save_all=True, append_images=pair[1:], lossless=True)
    at = data.rindex(b"ANMF")
    return riff(data[12:at] + data[at:] * (frames - 1))


def animated_png(frames: int) -> bytes:
    pair = [Image.new("RGB", (32, 32), colour) for colour in (RED, (0, 0, 255))]
    data = encoded(pair[0], "PNG", save_all=True, append_images=pair[1:])
    at = data.rindex(b"fcTL") - 4
    return data[:at] + data[at:-12] * (frames - 1) + data[-12:]


def animated_gif(frames: int) -> bytes:
    pair = [Image.new("P", (32, 32), 0), Image.new("P", (32, 32), 1)]
    for picture in pair:
        picture.putpalette([*RED, 0, 0, 255])
    data = encoded(pair[0], "GIF", save_all=True, append_images=pair[1:])
    at = data.rindex(b"!\xf9")
    return data[:at] + data[at:-1] * (frames - 1) + b";"


def overlapping_exif(length: int) -> bytes:
    """A directory of texts, each as long as the whole file."""
    count = min((length - 14) // 12, 65535)
    entries = b"".join(struct.pack("<HHII", 0x9000 + i % 4096, 2, length - 8, 8) for i in range(count))
    return (b"II*\0" + struct.pack("<IH", 8, count) + entries).ljust(length, b"\0")


def scans(repeated: int, size: tuple[int, int]) -> bytes:
    data = red_jpeg(size=size, progressive=True)
    at = data.rindex(b"\xff\xda")
    return data[:at] + data[at:-2] * repeated + data[-2:]


def webp_with_exif() -> bytes:
    exif = overlapping_exif(900_000)
    flagged = b"VP8X" + struct.pack("<I", 10) + b"\x08\0\0\0" + struct.pack("<I", 31)[:3] * 2
    pixels = encoded(Image.new("RGB", (32, 32), RED), "WEBP")[12:]
    return riff(flagged + pixels + b"EXIF" + struct.pack("<I", len(exif)) + exif)


def bmp(width: int, height: int, pixels: bytes = b"", compression: int = 0, bits: int = 24) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(pixels), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + head + pixels


def tiff(*tags: tuple[int, int, int, int], body: bytes = b"") -> bytes:
    """Tags (number, type, count, value) in order, then the body."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0) + body


def tiff_of(width: int, height: int, compression: int, *more: tuple[int, int, int, int], body: bytes = b"") -> bytes:
    """Grey, its one strip at the body's begin, unless `more` says otherwise."""
    plain = {256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 8), 259: (3, 1, compression), 262: (3, 1, 1)}
    plain |= {273: (4, 1, 0), 278: (4, 1, height), 279: (4, 1, len(body))} | {tag[0]: tag[1:] for tag in more}
    start = 14 + 12 * len(plain)
    placed = {
        n: (kind, count, start if n in (273, 324) and not value else value) for n, (kind, count, value) in plain.items()
    }
    return tiff(*((n, *placed[n]) for n in sorted(placed)), body=body)


def tiff_of_tags(count: int, length: int) -> bytes:
    """Tags that each hold the whole file."""
    more = [(400 + i, 7, length - 8, 8) for i in range(count)]
    return tiff_of(32, 32, 1, *more, body=bytes(length - 14 - 12 * (count + 8)))


def avif(claimed: tuple[int, int] | None = None, length: int = 0, **options: Any) -> bytes:
    """A red picture of 32 x 32 that says to have another size, or is followed by so many bytes."""
    data = encoded(Image.new("RGB", (32, 32), RED), "AVIF", **options)
    if claimed:
        at = data.index(b"ispe") + 8
        data = data[:at] + struct.pack(">II", *claimed) + data[at + 8 :]
    return data + (struct.pack(">I", length) + b"free").ljust(length, b"\0") if length else data


def avif_of(width: int, height: int) -> bytes:
    return encoded(Image.new("L", (width, height)), "AVIF", speed=10)


ZTXT = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**20 - 8), 9))
ITXT = chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(2**26), 9))

REFUSED: dict[str, Maker] = {
    "WebP of 34 bytes": lambda: webp_head(16383, 3900),
    "WebP of a large canvas": lambda: webp_canvas(7900, 8000),
    "PNG of 16 bits and four channels": lambda: png(8000, 8000, 16, 6, 2**20),
    "PNG in colour": lambda: png(8000, 7999, 8, 2, 2**20),
    "PNG without pixels": lambda: png(8000, 8000, 8, 0),
    "PNG of many chunks": lambda: red_png(chunk(b"abCd", b"") * 200_000),
    "PNG of many empty pixel chunks": lambda: red_png(chunk(b"IDAT", b"") * 200_000),
    "GIF of 35 bytes": lambda: gif(8000, 8000),
    "GIF whose frame leaves the screen": lambda: gif(10, 60_000),
    "JPEG of 65500 x 65500": lambda: red_jpeg(size=(65500, 65500)),
    "JPEG of 2000 scans": lambda: scans(2000, (7000, 7000)),
    "JPEG of many comments": lambda: red_jpeg(segment(0xFE, b"") * 200_000),
    "EXIF that says much over and over": lambda: red_jpeg(segment(0xE1, b"Exif\0\0" + overlapping_exif(65_000))),
    "the same in a PNG": lambda: red_png(chunk(b"eXIf", overlapping_exif(900_000))),
    "the same in a WebP": webp_with_exif,
    "BMP of 54 bytes": lambda: bmp(8000, 8000),
    "BMP of negative height": lambda: bmp(8000, -8000, bits=32),
    "BMP of run lengths": lambda: bmp(7000, 7000, b"\1\1" * 2**23, compression=1, bits=8),
    "TIFF without pixels": lambda: tiff_of(8000, 8000, 1),
    "TIFF of one packed strip": lambda: tiff_of(8000, 7999, 8, (258, 3, 1, 16), body=zlib.compress(bytes(2**20))),
    "TIFF of a JPEG": lambda: tiff_of(64, 64, 7, body=red_jpeg()),
    "TIFF of 60,000 tags that hold it all": lambda: tiff_of_tags(60_000, 2**20),
    "TIFF of 300 tags that hold it all": lambda: tiff_of_tags(300, 2**24),
    "TIFF of 2,000,000 strips": lambda: tiff_of(
        8000, 8000, 1, (273, 4, 2_000_000, 200), (278, 4, 1, 1), body=bytes(8_000_200)
    ),
    "TIFF of tiles of one pixel": lambda: tiff_of(
        4000, 4000, 1, (322, 3, 1, 1), (323, 3, 1, 1), (324, 4, 1_000_000, 250), (273, 4, 1, 250), body=bytes(4_000_250)
    ),
    "TIFF of fractions": lambda: encoded(Image.new("F", (32, 32)), "TIFF"),
    "AVIF that says to be large": lambda: avif((8000, 8000)),
    "AVIF of 36 megapixels": lambda: avif_of(6000, 6000),
}
"""What no reader should take."""

READ: dict[str, Maker] = {
    "PNG of 16 bits": lambda: png(8000, 8000, 16, 0, 8000 * 16001),
    "PNG of a palette, partly clear": lambda: png(
        8000, 8000, 8, 3, 8000 * 8001, before=chunk(b"PLTE", bytes(RED)) + chunk(b"tRNS", b"\x80")
    ),
    "PNG, interlaced": lambda: png(5000, 5000, 8, 2, 5000 * 5000 * 3 + 20_000, interlaced=1),
    "PNG of a large profile": lambda: red_png(chunk(b"iCCP", b"a\0\0" + bytes(25 * 2**20))),
    "PNG of packed texts": lambda: red_png(ZTXT * 4000),
    "PNG of longer packed texts": lambda: red_png(ITXT * 20),
    "PNG of plain texts": lambda: red_png(after=chunk(b"tEXt", b"a\0" + b"b" * 2**20) * 24),
    "PNG of 10000 frames": lambda: animated_png(10_000),
    "WebP of 20000 frames": lambda: animated_webp(20_000),
    "GIF of 20000 frames": lambda: animated_gif(20_000),
    "GIF of a long comment": lambda: red_gif(b"!\xfe" + b"\1a" * 500_000 + b"\0"),
    "JPEG of filler": lambda: red_jpeg(b"\xff" * 2**24),
    "JPEG of junk": lambda: red_jpeg(b"\xff" + bytes(2**24)),
    "JPEG of attachments": lambda: red_jpeg(segment(0xE1, b"Exif\0\0" + bytes(65_000)) * 400),
    "JPEG, CMYK": lambda: encoded(Image.new("CMYK", (6000, 5000)), "JPEG"),
    "JPEG of 49 megapixels": lambda: encoded(Image.new("RGB", (8064, 6048), RED), "JPEG"),
    "JPEG, progressive": lambda: encoded(Image.new("RGB", (4000, 3000), RED), "JPEG", progressive=True),
    "BMP of 10 megapixels": lambda: bmp(3200, 3200, bytes(3200 * 9600)),
    "TIFF of 16 megapixels in one strip": lambda: tiff_of(4096, 4096, 8, body=zlib.compress(bytes(4096 * 4096), 1)),
    "TIFF, turned": lambda: tiff_of(4000, 4096, 8, (274, 3, 1, 6), body=zlib.compress(bytes(4096 * 4000), 1)),
    "AVIF of a long attachment": lambda: avif(length=2**24),
    "AVIF of 16 megapixels": lambda: avif_of(4096, 4096),
    "PNG of noise": lambda: encoded(Image.effect_noise((4096, 4096), 99).convert("RGB"), "PNG", compress_level=1),
}
"""What costs much and is a picture nevertheless, or damaged."""
