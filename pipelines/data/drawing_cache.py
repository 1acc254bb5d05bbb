"""All drawings as small pictures in one file, drawn once from their SVG and mapped into memory by every process.

`python -m pipelines.data.drawing_cache` makes it, in runs/. It alone needs resvg-py (requirements-dev.txt).
"""

import io
import json
import lzma
import os
import time
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.data import drawing_regions, drawing_table, recolouring

SIZE = 160
"""The longer side of every picture."""
PAINT_SIZE = 96
"""How large a drawing is when its paints are told apart."""
RUNS = Path(__file__).parents[2] / "runs"
PIXELS, INDEX = RUNS / "drawings.bin", RUNS / "drawings.json"


@dataclass(frozen=True)
class Raster:
    """One drawing: `rgba` (H, W, 4) with premultiplied alpha; `region` (H, W), how much of each pixel is the part that
    changes its colour; `shade` (H, W), see recolouring. The last two are empty, (0, 0), if nothing changes."""

    rgba: NDArray[np.uint8]
    region: NDArray[np.uint8]
    shade: NDArray[np.uint8]

    @property
    def recolourable(self) -> bool:
        return self.region.size > 0


def render(svg: str, size: int, hard_edges: bool = False) -> NDArray[np.uint8]:
    """(size, size, 4) RGBA."""
    import resvg_py

    edges = "crisp_edges" if hard_edges else "geometric_precision"
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True, shape_rendering=edges)
    with Image.open(io.BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGBA"))


def document(body: str, box: float) -> str:
    return (
        f'<svg xmlns="{drawing_regions.SVG}" xmlns:xlink="{drawing_regions.XLINK}" viewBox="0 0 {box:g} {box:g}">'
        f"{body}</svg>"
    )


def draw(body: str, box: float, part: str, size: int = SIZE) -> Raster:
    """The drawing cut to its outline, its longer side `size`, and its part that may change colour."""
    large, outline = _rendered(document(body, box), size)
    rgba = _fit(large, outline, size)
    empty = np.zeros((0, 0), np.uint8)
    if not part:
        return Raster(rgba, empty, empty)
    found = drawing_regions.paints(body, box, lambda svg: render(svg, PAINT_SIZE, hard_edges=True))
    chosen = {paint.key for paint in drawing_regions.main_part(found, part)}
    if not chosen:
        return Raster(rgba, empty, empty)
    mask = drawing_regions.flatten(body, box, lambda paint: "#fff" if paint in chosen else "#000")
    region = _cover(_fit(render(mask, len(large)), outline, size))
    region[rgba[..., 3] == 0] = 0
    return Raster(rgba, region, recolouring.shade(rgba, region))


def _rendered(svg: str, size: int) -> tuple[NDArray[np.uint8], tuple[int, int, int, int]]:
    """The picture so large that its outline (left, top, right, bottom) is no smaller than `size`, and that outline."""
    large = render(svg, size + size // 4)
    outline = Image.fromarray(large).getchannel("A").getbbox() or (0, 0, 1, 1)
    longest = max(outline[2] - outline[0], outline[3] - outline[1])
    if longest < size:
        large = render(svg, min(4 * size, len(large) * size // longest + 2))
        outline = Image.fromarray(large).getchannel("A").getbbox() or (0, 0, 1, 1)
    return large, outline


def _fit(picture: NDArray[np.uint8], outline: tuple[int, int, int, int], size: int) -> NDArray[np.uint8]:
    """The part inside `outline` with its longer side `size`, its alpha premultiplied."""
    cut = Image.fromarray(picture).convert("RGBa").crop(outline)
    width, height = (max(1, round(side * size / max(cut.size))) for side in cut.size)
    return np.asarray(cut.resize((width, height), Image.Resampling.HAMMING)).copy()


def _cover(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How white each pixel of (H, W, 4) is that has premultiplied alpha, whatever that is."""
    alpha = np.maximum(mask[..., 3].astype(np.int32), 1)
    cover = np.minimum(255, (mask[..., 0].astype(np.int32) * 255 + alpha // 2) // alpha)
    return np.where(cover < 8, 0, cover).astype(np.uint8)


def artist_bodies(artist: str) -> tuple[float, dict[str, str]]:
    """The artist's canvas in SVG units and the SVG body of every subject."""
    content = json.loads(lzma.decompress((drawing_table.FOLDER / f"{artist}.json.xz").read_bytes()))
    return content["box"], content["bodies"]


def fingerprint() -> str:
    """Changes with what the pictures are made from."""
    files = [drawing_table.TABLE, *(drawing_table.FOLDER / f"{artist}.json.xz" for artist in drawing_table.ARTISTS)]
    code = [Path(__file__), Path(drawing_regions.__file__), Path(drawing_table.__file__), Path(recolouring.__file__)]
    return sha256(b"".join(path.read_bytes() for path in [*files, *code])).hexdigest()


def build() -> None:
    """Draw everything into PIXELS, and where each picture lies into INDEX."""
    RUNS.mkdir(exist_ok=True)
    places: list[list[object]] = []
    half = PIXELS.with_suffix(f".{os.getpid()}")
    with half.open("wb") as file:
        for artist in drawing_table.ARTISTS:
            box, bodies = artist_bodies(artist)
            for name, body in bodies.items():
                raster = draw(body, box, drawing_table.part_of(name, artist))
                places.append([name, artist, file.tell(), *raster.rgba.shape[:2], raster.recolourable])
                for plane in (raster.rgba, raster.region, raster.shade):
                    file.write(np.ascontiguousarray(plane).tobytes())
    half.replace(PIXELS)
    INDEX.write_text(json.dumps({"fingerprint": fingerprint(), "places": places}), "utf-8")


@cache
def load() -> dict[tuple[str, str], Raster]:
    """Every drawing by subject and artist, mapped from the file, which is made first if missing or out of date."""
    if not INDEX.exists() or json.loads(INDEX.read_text("utf-8"))["fingerprint"] != fingerprint():
        build()
    pixels = np.memmap(PIXELS, np.uint8, "r")
    found = {}
    for name, artist, start, height, width, recolourable in json.loads(INDEX.read_text("utf-8"))["places"]:
        area = height * width
        rgba = pixels[start : start + 4 * area].reshape(height, width, 4)
        planes = pixels[start + 4 * area : start + 6 * area].reshape(2, height, width) if recolourable else None
        empty = pixels[:0].reshape(0, 0)
        found[name, artist] = Raster(np.asarray(rgba), *(planes if planes is not None else (empty, empty)))
    return found


if __name__ == "__main__":
    started = time.monotonic()
    build()
    print(f"{PIXELS.stat().st_size / 1e6:.0f} MB in {time.monotonic() - started:.0f} s")
