"""Trains the upscaler on drawn pictures: the truth is a picture drawn large, the input the same made small and worse.

    python -m pipelines.training.upscaler --out assets/models/upscaler

Every second batch the input is the network's own enlargement, as in the second doubling of a 4x.
"""

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from safetensors.torch import save_file
from torch import Tensor

from pipelines.data import mixture, scenes, subjects
from pipelines.data.scenes import Scene
from pipelines.requests import FACTORS
from pipelines.upscaler import MARGIN, Doubler, Upscaler

PATCH = 32
"""The side of what is doubled in training, without margins, in pixels."""
HELD_OUT_ONE_IN = 10
"""Every tenth subject is in no training picture."""
DEGRADED = 0.75
"""The share of inputs that are made worse after being made smaller; what a decoder paints is never quite clean."""
TRIES = 6

Picture = NDArray[np.uint8]


def is_held_out(scene: Scene) -> bool:
    """Whether the scene shows a subject that the upscaler never sees in training."""
    return any(thing.noun in subjects.names()[::HELD_OUT_ONE_IN] for thing in scene.things)


def truths(count: int, rng: np.random.Generator, least: int = 1) -> list[Picture]:
    """Pictures of the training mixture, each drawn at a random scale from `least` at which all of it is sharp."""
    drawn: list[Picture] = []
    while len(drawn) < count:
        scene, _kind = mixture.scene(rng)
        most = scenes.sharpest_scale(scene)
        if not is_held_out(scene) and most >= least:
            drawn.append(scenes.draw(scene, int(rng.integers(least, most + 1))))
    return drawn


def smaller(picture: Picture, factor: int) -> Picture:
    """Each pixel the mean of factor x factor."""
    height, width = picture.shape[:2]
    return np.asarray(Image.fromarray(picture).resize((width // factor, height // factor), Image.Resampling.BOX))


def degraded(picture: Picture, rng: np.random.Generator) -> Picture:
    """A little soft, ringing, blotchy or noisy, as a decoder or a JPEG leaves a picture; sometimes as it was."""
    if rng.random() > DEGRADED:
        return picture
    image = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.7)))
    if rng.random() < 0.5:  # overshoot beside edges
        image = image.filter(ImageFilter.UnsharpMask(rng.uniform(0.6, 2.0), int(rng.uniform(10, 60)), 0))
    if rng.random() < 0.3:
        data = io.BytesIO()
        image.save(data, "JPEG", quality=int(rng.integers(70, 96)), subsampling=0)
        image = Image.open(data)
    noise = rng.normal(0, rng.uniform(0, 3), picture.shape)
    blotches = rng.normal(0, rng.uniform(0, 6), (-(-picture.shape[0] // 4), -(-picture.shape[1] // 4), 3))
    blotches = blotches.repeat(4, 0).repeat(4, 1)[: picture.shape[0], : picture.shape[1]]
    return (np.asarray(image) + noise + 0.5 * blotches).round().clip(0, 255).astype(np.uint8)


def pair(pool: list[Picture], factor: int, rng: np.random.Generator) -> tuple[Picture, Picture]:
    """A patch of one picture, made `factor` times smaller and worse, with its margins; and the truth without them.

    The truth is what `factor` / 2 doublings and then one of PATCH x PATCH pixels should give: (2 PATCH, 2 PATCH, 3).
    """
    cut = 2 * MARGIN + (4 * MARGIN if factor == 4 else 0)  # what the last doubling and the one before it look at
    wide = 2 * PATCH + 2 * cut
    for _ in range(TRIES):  # a patch of one colour teaches nothing
        picture = pool[rng.integers(len(pool))]
        top, left = (int(rng.integers(0, length - wide + 1)) for length in picture.shape[:2])
        patch = picture[top : top + wide, left : left + wide]
        truth = patch[cut:-cut, cut:-cut]
        if truth.std(axis=(0, 1)).max() > 4:
            break
    turns, mirrored, channels = int(rng.integers(4)), rng.random() < 0.5, rng.permutation(3)

    def turned(part: Picture) -> Picture:
        part = np.rot90(part[:, ::-1] if mirrored else part, turns)
        return np.ascontiguousarray(part[..., channels])

    return degraded(turned(smaller(patch, factor)), rng), turned(truth)


def to_tensor(pictures: list[Picture]) -> Tensor:
    """uint8 pictures (H, W, 3) of one size -> (N, 3, H, W) in [0, 1]."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255  # stays channels-last: faster


def loss_of(made: Tensor, wanted: Tensor) -> Tensor:
    """Absolute error, plus the absolute error of the differences to the right and lower neighbour."""
    return F.l1_loss(made, wanted) + sum(
        (F.l1_loss(made.diff(dim=side), wanted.diff(dim=side)) for side in (-1, -2)), start=torch.zeros(())
    )


def train(
    doubler: Doubler, steps: int, batch: int, pictures: int, seed: int, log: Callable[[str], None], every: int = 200
) -> None:
    """Train in place on `pictures` drawn pictures."""
    rng = np.random.default_rng(seed)
    padding = ((2 * MARGIN, 2 * MARGIN), (2 * MARGIN, 2 * MARGIN), (0, 0))
    any_size = [np.pad(picture, padding, mode="edge") for picture in truths(pictures // 2, rng)]
    large = [np.pad(picture, padding, mode="edge") for picture in truths(pictures - pictures // 2, rng, least=2)]
    log(f"{pictures} pictures drawn")
    doubler.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    optimiser = torch.optim.AdamW(doubler.parameters(), lr=2e-3, betas=(0.9, 0.99), weight_decay=1e-4, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps, pct_start=0.1)
    start, running = time.monotonic(), 0.0
    for step in range(steps):
        first = step % 2 == 0
        pool, factor = (any_size, 2) if first else (large, 4)
        pairs = [pair(pool, factor, rng) for _ in range(batch)]
        x, wanted = to_tensor([low for low, _ in pairs]), to_tensor([truth for _, truth in pairs])
        if not first:
            with torch.no_grad():
                x = doubler(x).clamp(0, 1)
        loss = loss_of(doubler(x), wanted)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(doubler.parameters(), 0.5)
        optimiser.step()
        schedule.step()
        running = loss.item() if not step else 0.98 * running + 0.02 * loss.item()
        if (step + 1) % every == 0 or step + 1 == steps:
            log(f"step {step + 1} loss {running:.5f} {time.monotonic() - start:.0f} s")


def held_out(count: int, factor: int, seed: int = 99) -> dict[str, list[Picture]]:
    """Truths that training never draws: shapes at `factor` times their size, and the held-out subjects."""
    rng = np.random.default_rng(seed)
    shapes = [scenes.draw(mixture.one_shape(rng), factor) for _ in range(count)]
    unseen: list[Picture] = []
    while len(unseen) < count:
        scene = mixture.one_subject(rng)
        if is_held_out(scene):
            unseen.append(scenes.draw(scene))
    return {"shapes": shapes, "subjects": unseen}


def bicubic(picture: Picture, factor: int) -> Picture:
    """What the upscaler is compared with."""
    height, width = picture.shape[:2]
    return np.asarray(Image.fromarray(picture).resize((factor * width, factor * height), Image.Resampling.BICUBIC))


def psnr(made: Picture, truth: Picture) -> float:
    """Peak signal-to-noise ratio in dB."""
    error = np.square(made.astype(np.float64) - truth).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-3)))


def table(upscaler: Upscaler, count: int = 24) -> str:
    """Mean PSNR on held-out pictures beside bicubic's, for clean and for worsened inputs, as Markdown."""
    lines = ["| | pictures | input | bicubic | ours |", "|---|---|---|---|---|"]
    for factor in FACTORS.values():
        for kind, pictures in held_out(count, factor).items():
            for worse in (False, True):
                rng = np.random.default_rng(5)
                inputs = [smaller(picture, factor) for picture in pictures]
                inputs = [degraded(low, rng) for low in inputs] if worse else inputs
                scores = [
                    np.mean([psnr(grow(low), truth) for low, truth in zip(inputs, pictures, strict=True)])
                    for grow in (lambda low: bicubic(low, factor), lambda low: upscaler(low, factor))  # noqa: B023
                ]
                name = "worsened" if worse else "clean"
                lines.append(f"| {factor}x | {kind} | {name} | {scores[0]:.2f} dB | {scores[1]:.2f} dB |")
    return "\n".join(lines)


def save(doubler: Doubler, file: Path) -> None:
    """Half precision: the network adds small differences, so that nothing is lost."""
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: weight.half().contiguous() for name, weight in doubler.state_dict().items()}, file)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the upscaler.")
    parser.add_argument("--out", type=Path, default=Path("runs/upscaler"), help="the folder for model.safetensors")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--pictures", type=int, default=1600)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    doubler = Doubler()

    def log(line: str) -> None:
        print(line, flush=True)

    train(doubler, args.steps, args.batch, args.pictures, seed=1, log=log)
    save(doubler, args.out / "model.safetensors")
    log(table(Upscaler(doubler)))


if __name__ == "__main__":
    main()
