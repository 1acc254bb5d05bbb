"""Recipes in PNG files: they come back as they went in, and a stranger's file can do no harm."""

import io
import struct
import tracemalloc
import zlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from pipelines.errors import BadFile, BadRequest
from pipelines.store import recipe as recipes

SIGNATURE = b"\x89PNG\r\n\x1a\n"
text = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n狐🦊é–"), max_size=80)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
request = st.fixed_dictionaries(
    {"prompt": text, "negative_prompt": text, "seed": st.integers(0, 2**32 - 1)}, optional={"strange": json_values}
)


def png(chunks: PngImagePlugin.PngInfo | None = None) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(file, "PNG", pnginfo=chunks)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def with_chunk(kind: bytes, data: bytes) -> bytes:
    """A good PNG with one more chunk behind its header."""
    whole = png()
    return whole[:33] + chunk(kind, data) + whole[33:]


@settings(max_examples=100, deadline=None)
@given(request, st.lists(text, max_size=3))
@example({"prompt": "一只狐狸\n在雪地里 🦊", "negative_prompt": "模糊", "seed": 1}, ["接近原图"])
@example({"prompt": "café", "negative_prompt": "", "seed": 1}, [])
def test_a_recipe_comes_back_from_the_png(request, notes):
    recipe = {"version": 1, "generator": "text-to-image", "request": request, "notes": notes}
    assert recipes.read(png(recipes.embed(recipe))) == recipe


@settings(max_examples=100, deadline=None)
@given(text.filter(lambda s: "\0" not in s))
def test_the_infotext_comes_back_when_our_own_chunk_is_gone(prompt):
    chunks = PngImagePlugin.PngInfo()
    whole = recipes.head(png(recipes.embed({"request": {"prompt": prompt, "seed": 5}}))).texts["parameters"]
    chunks.add_text("parameters", whole)
    assert recipes.read(png(chunks))["request"] == {"prompt": prompt, "negative_prompt": "", "seed": 5}


def test_pillow_reads_both_texts():
    image = Image.open(io.BytesIO(png(recipes.embed({"request": {"prompt": "狐狸", "seed": 5}}))))
    assert image.info["parameters"].startswith("狐狸\n")
    assert '"seed": 5' in image.info["aigc"]


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt", "iTXt deflated"])
def test_every_kind_of_text_chunk_is_read(kind):
    words = "a fox\nSteps: 9, Sampler: Euler, Seed: 3"
    data = {
        "tEXt": b"parameters\0" + words.encode(),
        "zTXt": b"parameters\0\0" + zlib.compress(words.encode()),
        "iTXt": b"parameters\0\0\0en\0parametres\0" + words.encode(),
        "iTXt deflated": b"parameters\0\1\0\0\0" + zlib.compress(words.encode()),
    }[kind]
    assert recipes.read(with_chunk(kind[:4].encode(), data))["request"]["seed"] == 3


def test_a_recipe_is_read_from_a_path_and_from_behind_the_pixels(tmp_path):
    whole = png()
    late = whole[:-12] + chunk(b"tEXt", b'aigc\0{"request": {"seed": 8}}') + whole[-12:]
    (tmp_path / "late.png").write_bytes(late)
    assert recipes.read(tmp_path / "late.png") == {"request": {"seed": 8}}


def test_a_picture_without_a_recipe_has_an_empty_one():
    assert recipes.read(png()) == {}


@pytest.mark.parametrize(
    "ours",
    [b"[1]", b"{", b'{"a": NaN}', b'{"a": 1e999}', b'{"a": "\\ud800"}', b'{"a":' * 90_000, b"", b"9" * 9999],
)
def test_json_that_cannot_be_handed_on_is_no_recipe(ours):
    assert recipes.read(with_chunk(b"tEXt", b"aigc\0" + ours)) == {}


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"<html>" * 99, SIGNATURE + b"\0" * 99])
def test_what_is_no_png_is_refused_in_words(data):
    with pytest.raises(BadFile, match="not a PNG"):
        recipes.read(data)


def test_a_file_that_cannot_be_opened_is_refused_without_its_path(tmp_path):
    with pytest.raises(BadFile) as caught:
        recipes.read(tmp_path / "gone.png")
    assert str(tmp_path) not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_png_cut_or_spoilt_anywhere_is_read_or_refused(data):
    whole = png(recipes.embed({"request": {"prompt": "狐狸", "seed": 5}}))
    at = data.draw(st.integers(0, len(whole) - 1))
    cut = whole[:at]
    spoilt = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    for broken in (cut, spoilt):
        try:
            assert isinstance(recipes.read(broken), dict)
        except BadFile:
            pass
    if at >= 33:
        assert not recipes.head(cut).complete


@pytest.mark.slow
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
def test_a_huge_text_costs_little_memory(kind):
    bomb = zlib.compress(b"a" * 200_000_000, 9)
    data = {
        b"tEXt": b"parameters\0" + b"a" * 30_000_000,
        b"zTXt": b"parameters\0\0" + bomb,
        b"iTXt": b"parameters\0\1\0\0\0" + bomb,
    }[kind]
    file = with_chunk(kind, data)
    tracemalloc.start()
    assert recipes.read(file) == {}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * recipes.MAX_TEXT + len(file)


def test_a_text_whose_checksum_is_wrong_is_no_recipe():
    good = with_chunk(b"tEXt", b'aigc\0{"seed": 5}')
    assert recipes.read(good) == {"seed": 5}
    assert recipes.read(good.replace(b'"seed": 5', b'"seed": 6')) == {}


def test_many_texts_are_bounded_together():
    many = b"".join(chunk(b"tEXt", b"k%d\0" % i + b"a" * 1_000_000) for i in range(20))
    whole = png()
    kept = recipes.head(whole[:33] + many + whole[33:])
    assert sum(map(len, kept.texts.values())) <= 4 * recipes.MAX_TEXT
    assert kept.complete


def test_the_size_is_read_without_decoding():
    head = recipes.head(png())
    assert (head.width, head.height, head.complete) == (8, 6, True)


def test_a_recipe_that_could_not_be_read_back_is_not_written():
    with pytest.raises(BadRequest, match="too large"):
        recipes.embed({"request": {"prompt": "a" * (recipes.MAX_TEXT + 1)}})
