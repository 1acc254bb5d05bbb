"""Pictures that people bring: one id for one picture, nothing but its pixels, one sentence for what cannot be read."""

import hashlib
import io
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from pipelines.errors import BadFile, BadRequest, NotFound, StorageError
from pipelines.store import inputs
from pipelines.store.inputs import InputStore
from pipelines.store.picture_files.decoding import read
from pipelines.store.picture_files.roles import MASK

COLOURS = np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8)
PICTURE = Image.fromarray(COLOURS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[InputStore]:
    opened = InputStore(tmp_path / "outputs")
    yield opened
    opened.close()


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_a_picture_is_kept_under_the_digest_of_its_file(store):
    kept = store.add(encoded(PICTURE))
    assert kept.id == hashlib.sha256(store.path(kept.id).read_bytes()).hexdigest()
    assert (kept.width, kept.height) == (40, 24)
    assert np.array_equal(store.load(kept.id), COLOURS)
    assert store.load(kept.id).dtype == np.uint8


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_picture_that_somebody_brought_is_the_owners_alone(store):
    kept = store.add(encoded(PICTURE))
    assert store.path(kept.id).stat().st_mode & 0o077 == 0


def test_the_same_picture_has_one_id_and_one_file_however_it_comes(store):
    ids = {
        store.add(encoded(PICTURE, kind, **lossless)).id
        for kind, lossless in (("PNG", {}), ("WEBP", {"lossless": True}))
    }
    (one,) = ids
    assert store.add(store.path(one).read_bytes()).id == one, "a kept picture brought again is itself"
    assert len(list(store.path(one).parent.iterdir())) == 1


def test_pictures_that_differ_in_one_level_have_two_ids(store):
    other = COLOURS.copy()
    other[3, 4, 1] ^= 1
    assert store.add(encoded(PICTURE)).id != store.add(encoded(Image.fromarray(other))).id


def test_many_may_bring_the_same_picture_at_once(store, tmp_path):
    others = InputStore(tmp_path / "outputs")
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda keeper=keeper: ids.append(keeper.add(encoded(PICTURE)).id))
        for keeper in (store, others) * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8 and len(set(ids)) == 1 and np.array_equal(store.load(ids[0]), COLOURS)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_turned_as_its_camera_says(kind):
    exif = Image.Exif()
    exif[0x0112] = 6  # its right side is up
    left_white = Image.fromarray(np.repeat([[255, 0]], 24, axis=0).repeat(20, axis=1).astype(np.uint8)).convert("RGB")
    turned = np.asarray(read(encoded(left_white, kind, exif=exif)))
    assert turned.shape == (40, 24, 3)
    assert turned[:19].mean() > 240 and turned[21:].mean() < 15


def test_nothing_but_pixels_is_kept(store):
    exif = Image.Exif()
    exif[0x8298] = "somebody's secret"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    said = PngInfo()
    said.add_text("Comment", "somebody's secret")
    kept = store.path(store.add(encoded(PICTURE, exif=exif, icc_profile=profile, pnginfo=said)).id).read_bytes()
    assert kept == store.path(store.add(encoded(PICTURE)).id).read_bytes()
    chunks = [kept[at : at + 4] for at in range(len(kept)) if kept[at : at + 4] in (b"tEXt", b"eXIf", b"iCCP", b"iTXt")]
    assert not chunks and b"secret" not in kept


@pytest.mark.parametrize(
    "clear",
    [
        Image.fromarray(np.dstack([COLOURS, np.zeros((24, 40), np.uint8)])),
        Image.fromarray(np.zeros((24, 40), np.uint8)).convert("LA").point(lambda level: 0),
    ],
    ids=["RGBA", "LA"],
)
def test_what_is_transparent_becomes_white(clear):
    assert np.asarray(read(encoded(clear))).min() == 255


def test_half_transparent_is_half_way_to_white():
    half = Image.new("RGBA", (16, 16), (0, 100, 255, 128))
    assert np.asarray(read(encoded(half)))[0, 0].tolist() == [127, 177, 255]


def disc(inside: tuple[int, ...], outside: tuple[int, ...], kind: str = "PNG") -> bytes:
    """RGBA, 24 x 24."""
    rows, columns = np.mgrid[:24, :24]
    where = (rows - 12) ** 2 + (columns - 12) ** 2 < 64
    return encoded(Image.fromarray(np.where(where[..., None], inside, outside).astype(np.uint8)), kind)


WHITE_DISC = disc((255,) * 4, (0, 0, 0, 255))


@pytest.mark.parametrize(
    "data",
    [
        disc((255, 255, 255, 255), (255, 255, 255, 0)),  # white on transparent white
        disc((255, 255, 255, 255), (0, 0, 0, 0)),
        disc((0, 0, 0, 255), (0, 0, 0, 0)),  # drawn in black on nothing
        disc((0, 0, 0, 255), (255, 255, 255, 0)),
        disc((255, 255, 255, 255), (90, 20, 60, 255)),
    ],
)
def test_where_a_mask_is_transparent_it_says_keep(store, data):
    got, wanted = (store.load(store.add(file, MASK).id) >= 128 for file in (data, WHITE_DISC))
    assert np.array_equal(got, wanted) and got.any() and not got.all()


def test_a_soft_mask_stays_soft(store):
    levels = np.linspace(0, 255, 24).astype(np.uint8)[None].repeat(24, axis=0)
    soft = np.dstack([np.full((24, 24, 3), 255, np.uint8), levels])
    assert np.array_equal(store.load(store.add(encoded(Image.fromarray(soft)), MASK).id)[..., 0], levels)


def test_of_a_picture_that_is_transparent_somewhere_a_mask_of_that_part_is_kept_too(store):
    kept = store.add(disc((200, 30, 30, 0), (10, 20, 30, 255)))
    assert np.array_equal(store.load(kept.clear) >= 128, store.load(store.add(WHITE_DISC, MASK).id) >= 128)
    assert store.add(disc((200, 30, 30, 255), (10, 20, 30, 255))).clear == ""
    assert store.add(encoded(PICTURE)).clear == ""


def test_what_is_read_as_something_else_is_refused(store):
    with pytest.raises(BadRequest, match="as must be picture or mask; got 'sky'"):
        store.add(encoded(PICTURE), "sky")


@pytest.mark.parametrize("mode", ["1", "L"])
def test_a_mask_stays_grey_and_is_loaded_with_three_equal_channels(store, mode):
    mask = Image.fromarray((COLOURS[..., 0] > 127) * np.uint8(255)).convert(mode)
    kept = store.add(encoded(mask)).id
    with Image.open(store.path(kept)) as file:
        assert file.mode == "L"
    assert np.array_equal(store.load(kept), np.asarray(mask.convert("RGB")))


def test_sixteen_bits_keep_their_range():
    ramp = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    levels = np.asarray(read(encoded(Image.fromarray(ramp))))
    assert levels.dtype == np.uint8 and levels.min() == 0 and levels.max() == 255 and 126 < levels.mean() < 129


@pytest.mark.parametrize("image", [PICTURE.convert("P"), PICTURE.convert("CMYK")], ids=["P", "CMYK"])
def test_other_ways_of_saying_colours_become_rgb(image):
    plain = read(encoded(image, "PNG" if image.mode == "P" else "JPEG"))
    assert plain.mode == "RGB" and plain.size == (40, 24) and np.asarray(plain).std() > 30


def test_of_a_moving_picture_the_first_is_kept():
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "WEBP", "PNG"):
        moving = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        assert np.asarray(read(moving))[8, 8].tolist() == pytest.approx([255, 0, 0], abs=3)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "AVIF"])
def test_a_picture_of_any_kind_keeps_its_colours(store, kind):
    data = encoded(PICTURE.resize((160, 96)), kind)
    with Image.open(io.BytesIO(data)) as opened:
        theirs = np.asarray(opened.convert("RGB"))
    assert np.array_equal(store.load(store.add(data).id), theirs)


@pytest.mark.parametrize("compression", ["raw", "packbits", "tiff_lzw", "tiff_adobe_deflate"])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16", "CMYK"])
def test_tiffs_of_every_usual_mode_are_read(mode, compression):
    picture = PICTURE.convert("L").convert("I;16") if mode == "I;16" else PICTURE.convert(mode)
    plain = read(encoded(picture, "TIFF", compression=compression))
    assert plain.size == PICTURE.size and plain.mode == ("L" if mode in ("1", "L", "I;16") else "RGB")


@pytest.mark.parametrize("kind", ["TIFF", "AVIF"])
def test_these_too_are_turned_as_they_say(kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    tall = Image.new("RGB", (64, 32), "red")
    tall.paste("blue", (0, 0, 32, 32))
    turned = read(encoded(tall, kind, exif=exif))
    assert turned.size == (32, 64) and np.asarray(turned)[4, 4, 2] > 200, "its left is above"


def test_where_a_picture_of_any_kind_is_transparent_it_is_white(store):
    for kind in ("PNG", "WEBP", "TIFF", "AVIF"):
        kept = store.add(disc((200, 30, 30, 0), (10, 20, 30, 255), kind))
        assert kept.clear, kind


def test_a_photo_keeps_its_size(store):
    noise = np.random.default_rng(0).integers(0, 256, (2000, 3000, 3), np.uint8)
    kept = store.add(encoded(Image.fromarray(noise), "PNG", compress_level=1))
    assert (kept.width, kept.height) == (3000, 2000) and np.array_equal(store.load(kept.id), noise)


def test_a_large_picture_is_scaled_down_and_keeps_its_shape(store):
    kept = store.add(encoded(Image.new("L", (8000, 4000), 99)))
    assert kept.width * kept.height <= inputs.MOST_KEPT < 1.001 * kept.width * kept.height
    assert abs(kept.width - 2 * kept.height) <= 1 and (store.load(kept.id) == 99).all()


# --- what cannot be used ---------------------------------------------------------------------------------------------


def bomb(width: int, height: int) -> bytes:
    """A PNG of some hundred bytes that says to hold so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


WHOLE = encoded(PICTURE)
REFUSED = {
    "nothing": (b"", "not a picture"),
    "words": (b"<html>not found</html>", "not a picture"),
    "another kind": (encoded(PICTURE, "PPM"), "not a picture"),
    "a HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture, .* Save it as a JPEG"),
    "cut off": (WHOLE[: len(WHOLE) // 2], "damaged or cut off"),
    "damaged": (WHOLE[:60] + bytes(40) + WHOLE[100:], "damaged or cut off"),
    "half a JPEG": (encoded(PICTURE, "JPEG")[:-300], "damaged or cut off"),
    "a bomb": (bomb(60000, 60000), "more than 64 million"),
    "a smaller bomb": (bomb(8001, 8000), "8001 x 8000 pixels, more than 64 million"),
    "one pixel": (encoded(Image.new("RGB", (1, 1))), "1 x 1 pixels; at least 8 x 8"),
    "a line": (encoded(Image.new("RGB", (9, 400))), "9 x 400 pixels: more than 16 times as long"),
    "too many bytes": (bytes(inputs.MOST_BYTES + 1), "at most 32 fit"),
}


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_is_refused_in_one_sentence(store, tmp_path, data, words):
    started = time.monotonic()
    with pytest.raises(BadFile, match=words) as refused:
        store.add(data)
    assert len(str(refused.value)) < 300 and str(refused.value).endswith(".")
    assert not (tmp_path / "outputs").exists() and time.monotonic() - started < 5


def test_damaged_files_of_every_kind_are_refused_or_read_and_nothing_else():
    chance = np.random.default_rng(1)
    whole = [encoded(PICTURE.convert(mode), kind) for kind, mode in (("PNG", "RGBA"), ("JPEG", "RGB"), ("GIF", "P"))]
    whole += [encoded(PICTURE, "WEBP"), encoded(PICTURE, "JPEG", progressive=True)]
    refused = 0
    for i in range(500):
        data = bytearray(whole[i % len(whole)])
        data[chance.integers(len(data))] = chance.integers(256)
        try:
            read(bytes(data[: chance.integers(1, len(data) + 1)]))
        except BadFile:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize("name", ["", "0" * 63, "F" * 64, "../a", "a" * 64 + "\n", "a" * 64, "/etc/passwd"])
def test_what_is_no_id_or_not_there_is_not_found(store, tmp_path, name):
    store.add(WHOLE)
    (tmp_path / "outputs" / "a.png").write_bytes(WHOLE)
    for ask in (store.path, store.load):
        with pytest.raises(NotFound, match="not here any more"):
            ask(name)


def test_a_link_is_not_followed(store, tmp_path):
    kept = store.path(store.add(WHOLE).id)
    (kept.parent / f"{'a' * 64}.png").symlink_to(kept)
    with pytest.raises(NotFound):
        store.path("a" * 64)


def test_a_file_that_was_changed_on_the_disk_is_not_taken_for_the_picture_and_mended(store):
    kept = store.add(WHOLE).id
    store.path(kept).write_bytes(encoded(Image.new("RGB", (40, 24))))
    with pytest.raises(BadFile, match="changed or damaged"):
        store.load(kept)
    assert store.add(WHOLE).id == kept and np.array_equal(store.load(kept), COLOURS)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs permissions that bind")
def test_a_folder_that_cannot_be_written_is_said_in_words(tmp_path):
    (tmp_path / "outputs").mkdir(mode=0o500)
    with pytest.raises(StorageError, match="read-only"):
        InputStore(tmp_path / "outputs").add(WHOLE)


def test_leftovers_of_cut_off_writes_go_once_they_are_old(store):
    folder = store.path(store.add(WHOLE).id).parent
    old, young = folder / ".a.0123abcd.part", folder / ".b.0123abcd.part"
    for part, age in ((old, 3700), (young, 60)):
        part.write_bytes(b"half")
        os.utime(part, (time.time() - age, time.time() - age))
    InputStore(folder.parent)
    assert not old.exists() and young.exists()
