"""Latents to pixels in as much memory as there is: the whole picture, tiles of it, tiles on the CPU.

A picture is never lost for its last step. Tiles overlap and are blended, so no seam shows; what one tile's middle
attention and norms do not see of the others stays a small difference, and a note says so.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines.device import cuts, hardware, turns
from pipelines.device.evaluations import Note
from pipelines.device.memory import is_out_of_memory
from pipelines.device.placement import CPU, Placement, Way, separate
from pipelines.diffusion.decoding_cost import decoding_bytes
from pipelines.diffusion.native import NativeNetwork
from pipelines.errors import BadRequest, NotDecoded, Sentence

TILE, OVERLAP = 64, 16
"""Sides of a tile and of what it shares with the next one, in latent pixels."""

HAND_OVER_SECONDS = 0.001
"""So long is the lock left, so that whoever waits for it wakes up and has it."""
IN_TILES = Sentence("memory ran out at decoding; the picture was decoded in tiles")
ON_CPU = Sentence("memory ran out at decoding; the picture was decoded in tiles on the CPU")
IN_FLOAT32 = Sentence("the decoder gave NaN in float16; it decoded again in float32")


Decode = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Decoder:
    """An autoencoder where it lies, asked by one thread at a time: each picture alone, so company cannot change it.
    `native`: its way without torch, where it has one."""

    vae: Any
    placement: Placement
    lock: AbstractContextManager[Any]
    scale: float = 1.0
    shift: float = 0.0
    native: NativeNetwork | None = None

    def picture(self, latents: Tensor, note: Note) -> np.ndarray:
        """Latents (C, h, w) in the network's own scale -> uint8 (H, W, 3)."""
        with self.lock, torch.inference_mode(), self._open(latents):
            tiles_first = self.placement.way >= Way.TILES or self._too_large(latents)
            picture = decoded(self.vae, self.unscaled(latents[None]), self.placement, tiles_first, note, self._decode)
            if self.native is not None and self.native.judged.why:
                note(self.native.judged.why)
            levels = (picture / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
            return levels.permute(1, 2, 0).cpu().numpy()

    @contextmanager
    def _open(self, latents: Tensor) -> Iterator[None]:
        """On a CPU, where a large picture takes many seconds, others read prompts and decode between its blocks.
        Elsewhere weights may be on a visit, or be moved to make room, while nobody holds the lock."""
        if separate(self.placement.device):
            yield
            return
        with turns.serving_between(self._give_way), cuts.CutAttention() if cuts.worth_it(latents) else nullcontext():
            yield

    def _give_way(self) -> None:
        self.lock.__exit__(None, None, None)
        try:
            time.sleep(HAND_OVER_SECONDS)
            if (turn := turns.current()) is not None:
                turn.wait()
        finally:
            self.lock.__enter__()

    def unscaled(self, latents: Tensor) -> Tensor:
        """As the autoencoder itself made them, around their mean."""
        return latents / self.scale + self.shift

    def _decode(self, latents: Tensor) -> Tensor:
        """Latents (1, C, h, w) as the autoencoder has them -> (1, 3, H, W) in [-1, 1], float32."""
        in_torch, native = functools.partial(decoded_by, self.vae, latents), self.native
        if native is None or not native.suits(self.vae, latents.shape[1:]) or not native.takes({"latents": latents}):
            return in_torch()
        _, _, height, width = latents.shape
        return native.judged({"latents": latents}, (1, 3, self._factor * height, self._factor * width), in_torch)

    @property
    def _channels(self) -> Sequence[int]:
        """Of each block; every further one doubles the sides."""
        config = self.vae.config
        return config.get("block_out_channels") or config.get("decoder_block_out_channels") or [64]

    @property
    def _factor(self) -> int:
        """Pixels along one side of a latent pixel."""
        return 2 ** (len(self._channels) - 1)

    def _too_large(self, latents: Tensor) -> bool:
        """Whether not to try it in one piece, where running out of memory ends the program instead of an operation."""
        if self.placement.device.type in ("cuda", "xpu"):
            return False
        side, pixels = self._factor, latents.shape[-1] * latents.shape[-2]
        kind, item = type(self.vae).__name__, self.vae.dtype.itemsize
        needed = decoding_bytes(kind, self.vae.config, side, side * pixels, item)
        return needed > hardware.memory_of(str(self.placement.device))[0]


def decoded_by(vae: Any, latents: Tensor) -> Tensor:
    """Latents (n, C, h, w) as the autoencoder has them -> (n, 3, H, W) in [-1, 1], float32."""
    return vae.decode(latents.to(vae.device, vae.dtype), return_dict=False)[0].float()


def decoded(vae: Any, latents: Tensor, placement: Placement, tiles_first: bool, note: Note, run: Decode) -> Tensor:
    """Latents (1, C, h, w) as the autoencoder has them -> (3, H, W) in [-1, 1], float32, perhaps on the CPU. `run`
    asks it.

    Raises BadRequest for NaN that float32 does not mend, NotDecoded where memory does not suffice even on the CPU.
    """
    picture = _by_the_ladder(vae, latents, placement, tiles_first, note, run)
    if not torch.isfinite(picture).all() and vae.dtype == torch.float16 and torch.isfinite(latents).all():
        vae.float()  # and stays so: the next picture would overflow as well
        note(IN_FLOAT32)
        picture = _by_the_ladder(vae, latents, placement, tiles_first, note, run)
    if not torch.isfinite(picture).all():
        raise BadRequest("the decoder turned these latents into NaN; lower guidance_scale or use more steps.")
    return picture


def _by_the_ladder(
    vae: Any, latents: Tensor, placement: Placement, tiles_first: bool, note: Note, run: Decode
) -> Tensor:
    def whole() -> Tensor:
        with placement.visit("vae"):
            return run(latents)[0]

    def in_tiles() -> Tensor:
        with placement.visit("vae"):
            return tiled(run, latents)

    def on_cpu() -> Tensor:
        with _in_main_memory(vae):
            return tiled(run, latents.to(CPU))

    rungs = [(in_tiles, "" if tiles_first else IN_TILES)]
    rungs = rungs if tiles_first else [(whole, ""), *rungs]
    for decode, told in [*rungs, (on_cpu, ON_CPU)] if separate(placement.device) else rungs:
        picture = _tried(decode)
        if picture is not None:
            if told:
                note(told)
            return picture
    raise NotDecoded("Memory ran out at decoding, even in tiles. Close other programs, then decode again.")


def _tried(decode: Callable[[], Tensor]) -> Tensor | None:
    """None where memory ran out; outside of the except block the error's traceback no longer holds the tensors."""
    try:
        return decode()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    return None


@contextmanager
def _in_main_memory(vae: Any) -> Iterator[None]:
    """The autoencoder on the CPU and in float32 while the block runs."""
    homes = [(tensor, tensor.data) for tensor in (*vae.parameters(), *vae.buffers())]
    with torch.inference_mode(False):
        try:
            for tensor, home in homes:
                tensor.data = home.to(CPU, torch.float32 if home.is_floating_point() else home.dtype)
            with torch.inference_mode():
                yield
        finally:
            for tensor, home in homes:
                tensor.data = home


def tiled(decode: Decode, latents: Tensor, tile: int = TILE, overlap: int = OVERLAP) -> Tensor:
    """Latents (1, C, h, w) -> (3, H, W) in main memory: tiles decoded one by one, each fading into the next."""
    picture = total = torch.zeros(())
    for top, bottom in spans(latents.shape[2], tile, overlap):
        for left, right in spans(latents.shape[3], tile, overlap):
            part = decode(latents[:, :, top:bottom, left:right])[0].to(CPU)  # (3, f * th, f * tw)
            f = part.shape[1] // (bottom - top)
            if not picture.ndim:
                picture = torch.zeros(3, latents.shape[2] * f, latents.shape[3] * f)
                total = torch.zeros(picture.shape[1:])
            down = fade(part.shape[1], overlap * f, top > 0, bottom < latents.shape[2])
            across = fade(part.shape[2], overlap * f, left > 0, right < latents.shape[3])
            weight = down[:, None] * across  # (f * th, f * tw)
            where = (slice(top * f, bottom * f), slice(left * f, right * f))
            picture[:, *where] += part * weight
            total[where] += weight
    return picture / total


def spans(length: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """Evenly spread tiles that cover 0 ... length, neighbours sharing at least `overlap`."""
    if length <= tile:
        return [(0, length)]
    count = math.ceil((length - overlap) / (tile - overlap))
    starts = [round(i * (length - tile) / (count - 1)) for i in range(count)]
    return [(start, start + tile) for start in starts]


def fade(length: int, overlap: int, before: bool, after: bool) -> Tensor:
    """(length,) weights in (0, 1]: rising over the overlap at an inner edge, 1 elsewhere."""
    weight = torch.ones(length)
    ramp = (torch.arange(overlap) + 0.5) / overlap
    if before:
        weight[:overlap] = torch.minimum(weight[:overlap], ramp)
    if after:
        weight[-overlap:] = torch.minimum(weight[-overlap:], ramp.flip(0))
    return weight
