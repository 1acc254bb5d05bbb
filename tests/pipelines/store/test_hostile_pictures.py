"""Pictures cost what is promised and no more, whatever they are: 200 MB, a few seconds, one sentence or the picture."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.errors import BadFile, StudioError
from pipelines.store.picture_files import decoding
from pipelines.store.picture_files.bounds import MOST_KEPT, MOST_MEMORY
from pipelines.store.picture_files.reader import PictureReader
from tests.pipelines.store import hostile_pictures as hostile

MOST_CPU_SECONDS = 8.0  # two on a quiet machine
ON_LINUX = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="counts memory as Linux tells it")


@pytest.fixture(scope="module")
def reader() -> Iterator[PictureReader]:
    opened = PictureReader()
    yield opened
    opened.close()


@dataclass(frozen=True)
class Reading:
    """What a reader answered, the picture or the sentence, and what its process took."""

    picture: Image.Image | None
    sentence: str
    peak: int
    cpu_seconds: float


def measured(reader: PictureReader, data: bytes) -> Reading:
    reader.png(hostile.red_png())  # so that there is a process
    child = reader._worker._child
    assert child is not None
    process = Path("/proc", str(child.pid))
    (process / "clear_refs").write_text("5")  # the peak begins anew
    before = cpu_seconds(process)
    picture, sentence = None, ""
    try:
        picture = Image.open(io.BytesIO(reader.png(data).png))
    except StudioError as error:
        assert isinstance(error, BadFile), error
        sentence = str(error)
    peak = next(int(line.split()[1]) for line in (process / "status").read_text().splitlines() if "VmHWM" in line)
    return Reading(picture, sentence, peak * 1024, cpu_seconds(process) - before)


def cpu_seconds(process: Path) -> float:
    fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def check_cost(reading: Reading) -> None:
    assert reading.peak <= MOST_MEMORY and reading.cpu_seconds < MOST_CPU_SECONDS, reading


@ON_LINUX
@pytest.mark.parametrize("name", hostile.REFUSED)
def test_a_hostile_picture_is_refused_in_a_sentence_at_a_bounded_cost(reader: PictureReader, name: str) -> None:
    reading = measured(reader, hostile.REFUSED[name]())
    check_cost(reading)
    assert reading.picture is None and len(reading.sentence) < 300 and reading.sentence.endswith(".")


@pytest.mark.slow
@ON_LINUX
@pytest.mark.parametrize("name", hostile.READ)
def test_a_costly_picture_is_read_at_a_bounded_cost(reader: PictureReader, name: str) -> None:
    reading = measured(reader, hostile.READ[name]())
    check_cost(reading)
    if reading.picture is None:
        pytest.fail(reading.sentence)
    assert reading.picture.width * reading.picture.height <= MOST_KEPT
    if reading.picture.size in ((32, 32), (64, 64)):
        assert np.abs(np.asarray(reading.picture.convert("RGB"))[8, 8].astype(int) - hostile.RED).max() < 8


@pytest.mark.slow
@ON_LINUX
@pytest.mark.parametrize("name", [*hostile.REFUSED, *hostile.READ])
def test_reading_the_texts_of_a_hostile_picture_has_a_bounded_cost(reader: PictureReader, name: str) -> None:
    data = (hostile.REFUSED | hostile.READ)[name]()
    reader.png(hostile.red_png())
    child = reader._worker._child
    assert child is not None
    process = Path("/proc", str(child.pid))
    (process / "clear_refs").write_text("5")
    before = cpu_seconds(process)
    for texts_of in (reader.texts, reader.hidden_texts):
        try:
            assert sum(map(len, texts_of(data).values())) < 2**23
        except BadFile as error:
            assert len(str(error)) < 300
    peak = next(int(line.split()[1]) for line in (process / "status").read_text().splitlines() if "VmHWM" in line)
    assert peak * 1024 <= MOST_MEMORY and cpu_seconds(process) - before < MOST_CPU_SECONDS


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"])
def test_a_picture_cut_off_anywhere_is_refused_or_read(kind: str) -> None:
    whole = hostile.encoded(Image.new("RGB", (64, 64), hostile.RED), kind)
    for length in range(0, len(whole), 7):
        try:
            assert decoding.read(whole[:length]).size == (64, 64)
        except BadFile as error:
            assert str(error).endswith(".")


def test_sixteen_bits_become_the_nearest_of_eight() -> None:
    levels = np.arange(65536)
    assert np.array_equal(decoding._TO_EIGHT_BITS, (levels / 257).round().astype(np.uint8))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(2300, 700), (700, 2300), (8300, 600)], ids=str)
@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_band_by_band_is_the_same_as_the_whole_at_once(
    size: tuple[int, int], mode: str, orientation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import ImageOps

    monkeypatch.setattr(decoding, "BAND_PIXELS", 1 << 16)
    noise = np.random.default_rng(0).integers(0, 256, (*size[::-1], 4), np.uint8)
    picture = Image.fromarray(noise[..., :3] if mode == "P" else noise[..., : len(mode)].squeeze()).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = hostile.encoded(picture, "PNG", exif=exif, compress_level=1)
    with Image.open(io.BytesIO(data)) as opened:
        whole = decoding._plain(ImageOps.exif_transpose(opened))
    read = decoding.read(data, most=2**19)
    whole.thumbnail((max(read.size), max(read.size)), Image.Resampling.LANCZOS)
    assert np.array_equal(np.asarray(read), np.asarray(decoding._on_white(whole)))


def test_no_picture_is_lost_when_the_process_is_killed(reader: PictureReader) -> None:
    for _ in range(2):
        reader.png(hostile.red_png())
        assert reader._worker._child is not None
        reader._worker._child.kill()
        assert reader.png(hostile.red_png()).width == 32


def test_closing_ends_the_process_and_the_next_picture_starts_another() -> None:
    reader = PictureReader()
    reader.png(hostile.red_png())
    child = reader._worker._child
    reader.close()
    assert child is not None and child.returncode is not None
    assert reader.png(hostile.red_png()).width == 32
    reader.close()
