"""JPEG and WebP of a kept picture: the same settings as the PNG's, in the bytes that A1111 writes and reads."""

import io
from pathlib import Path

import numpy as np
import piexif.helper
import pytest
from PIL import Image

from pipelines.errors import BadFile, NotFound
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import copies, foreign, infotext, recipe

REQUEST = TextToImageRequest.of(prompt="a panda, 熊猫 🐼", negative_prompt="blurry", seed=7, sampler="euler").values()


@pytest.fixture
def png(tmp_path: Path) -> Path:
    return saved(tmp_path, REQUEST)


def saved(folder: Path, request: dict) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    file = folder / "picture.png"
    Image.fromarray(pixels).save(file, pnginfo=recipe.embed(recipe.new("text-to-image", request)))
    return file


@pytest.mark.parametrize("kind", copies.KINDS)
def test_a_copy_says_what_the_png_says_in_the_bytes_that_other_tools_read(png: Path, kind: str):
    data = copies.copy(png, kind, 90)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == (copies.KINDS[kind], (48, 32))
        comment = image.getexif().get_ifd(0x8769)[0x9286]
    assert comment[:8] == b"UNICODE\0"
    assert comment[8:].decode("utf-16-be") == infotext.write(recipe.read(png))
    found = foreign.read(data, TextToImageRequest)
    said = infotext.parse(infotext.write(recipe.read(png)))["request"]
    assert found.tool.startswith("AIGC Studio") and found.settings == said
    assert TextToImageRequest.parse(found.settings).values() == REQUEST


@pytest.mark.parametrize("kind", copies.KINDS)
def test_other_programs_read_the_comment_as_bytes(png: Path, kind: str, tmp_path: Path):
    """A reader that trusts EXIF's type gets a tuple of numbers where the entry says BYTE."""
    file = tmp_path / f"copy.{kind}"
    file.write_bytes(copies.copy(png, kind, 90))
    comment = piexif.load(str(file))["Exif"][piexif.ExifIFD.UserComment]
    assert isinstance(comment, bytes)
    assert piexif.helper.UserComment.load(comment) == infotext.write(recipe.read(png))


@pytest.mark.parametrize("kind", copies.KINDS)
def test_more_quality_is_more_bytes(png: Path, kind: str):
    sizes = [len(copies.copy(png, kind, quality)) for quality in (10, 60, 95)]
    assert sizes == sorted(set(sizes))


def test_settings_too_long_for_a_jpeg_are_refused_and_fit_a_webp(tmp_path: Path):
    long = saved(tmp_path, REQUEST | {"prompt": "狐" * 40_000})
    with pytest.raises(BadFile, match="PNG or the WebP"):
        copies.copy(long, "jpg", 90)
    assert foreign.read(copies.copy(long, "webp", 90), TextToImageRequest).settings["seed"] == 7


def test_a_picture_without_a_recipe_has_no_comment(tmp_path: Path):
    Image.new("RGBA", (16, 16), (255, 0, 0, 0)).save(tmp_path / "plain.png")
    assert foreign.read(copies.copy(tmp_path / "plain.png", "jpg", 90), TextToImageRequest).tool == ""


def test_other_kinds_are_refused(png: Path):
    with pytest.raises(NotFound):
        copies.copy(png, "bmp", 90)
