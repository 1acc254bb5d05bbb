"""Trains the upscaler on drawn pictures: the truth is a picture drawn large, the input the same made small and worse.

    python -m pipelines.training.upscaler --out assets/models/upscaler

Every second batch the input is the network's own enlargement, as in the second doubling of a 4x. A part of the inputs
has been through the embedded model's decoder, since that is what it will meet.
"""

import argparse
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_dc import AutoencoderDC
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from safetensors.torch import save_file
from torch import Tensor

from pipelines import places
from pipelines.data import mixture, scenes, subjects
from pipelines.data.scenes import Scene
from pipelines.diffusion.enlarging.upscaler import MARGIN, Doubler, Upscaler
from pipelines.learning import optimisers, rates
from pipelines.learning.events import Report
from pipelines.learning.moments import Moment
from pipelines.learning.recipe import Recipe
from pipelines.learning.task import Lesson, Player
from pipelines.learning.training import Training
from pipelines.requests.limits import FACTORS
from pipelines.training import autoencoder

PATCH = 32
"""The side of what is doubled in training, without margins, in pixels."""
HELD_OUT_ONE_IN = 10
"""Every tenth subject is in no training picture."""
DEGRADED = 0.75
"""The share of inputs that are made worse after being made smaller; what a decoder paints is never quite clean."""
TRIES = 6
PAINTED = 0.4
"""The share of pictures whose input has been through the embedded model's autoencoder."""

Picture = NDArray[np.uint8]
Painter = Callable[[Picture], Picture]


@dataclass(frozen=True)
class Drawn:
    """A true picture, and where a decoder has painted it `factor` times smaller, that."""

    truth: Picture
    painted: Picture | None = None


def is_held_out(scene: Scene) -> bool:
    """Whether the scene shows a subject that the upscaler never sees in training."""
    return any(thing.noun in subjects.names()[::HELD_OUT_ONE_IN] for thing in scene.things)


def truths(count: int, rng: np.random.Generator, least: int = 1, most: int = 4) -> list[Picture]:
    """Pictures of the training mixture, each drawn at a random scale within bounds at which all of it is sharp."""
    drawn: list[Picture] = []
    while len(drawn) < count:
        scene, _kind = mixture.scene(rng)
        sharpest = min(most, scenes.sharpest_scale(scene))
        if not is_held_out(scene) and sharpest >= least:
            drawn.append(scenes.draw(scene, int(rng.integers(least, sharpest + 1))))
    return drawn


def pool(count: int, factor: int, rng: np.random.Generator, painter: Painter | None) -> list[Drawn]:
    """Pictures to cut patches from, with room for margins; without a painter all inputs are made by averaging."""
    painted = round(PAINTED * count) if painter else 0
    plain = [Drawn(_padded(truth, 2)) for truth in truths(count - painted, rng, least=factor // 2)]
    for truth in truths(painted, rng, least=factor, most=factor):
        assert painter is not None
        plain.append(Drawn(_padded(truth, factor), _padded(painter(smaller(truth, factor)), 1)))
    return plain


def _padded(picture: Picture, times: int) -> Picture:
    wide = 2 * MARGIN * times
    return np.pad(picture, ((wide, wide), (wide, wide), (0, 0)), mode="edge")


def painter_of(folder: Path, rng: np.random.Generator) -> Painter:
    """What the autoencoder in `folder` makes of a picture, its latents a little off as a sampler leaves them."""
    vae = AutoencoderDC.from_pretrained(folder, torch_dtype=torch.float32)

    @torch.inference_mode()
    def paint(picture: Picture) -> Picture:
        latents = vae.encoder(to_tensor([picture]) * 2 - 1)
        noise = torch.from_numpy(rng.normal(0, rng.uniform(0, autoencoder.UNSURE), tuple(latents.shape))).float()
        made = vae.decoder(latents + noise)[0].clamp(-1, 1).add(1).mul(127.5).round()
        return made.permute(1, 2, 0).to(torch.uint8).numpy()

    return paint


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


def pair(pool: list[Drawn], factor: int, rng: np.random.Generator) -> tuple[Picture, Picture]:
    """A patch of one picture, made `factor` times smaller and worse, with its margins; and the truth without them.

    The truth is what `factor` / 2 doublings and then one of PATCH x PATCH pixels should give: (2 PATCH, 2 PATCH, 3).
    """
    cut = 2 * MARGIN + (4 * MARGIN if factor == 4 else 0)  # what the last doubling and the one before it look at
    wide = 2 * PATCH + 2 * cut
    for _ in range(TRIES):  # a patch of one colour teaches nothing
        drawn = pool[rng.integers(len(pool))]
        top, left = (int(rng.integers(0, (length - wide) // factor + 1)) * factor for length in drawn.truth.shape[:2])
        patch = drawn.truth[top : top + wide, left : left + wide]
        truth = patch[cut:-cut, cut:-cut]
        if truth.std(axis=(0, 1)).max() > 4:
            break
    turns, mirrored, channels = int(rng.integers(4)), rng.random() < 0.5, rng.permutation(3)

    def turned(part: Picture) -> Picture:
        part = np.rot90(part[:, ::-1] if mirrored else part, turns)
        return np.ascontiguousarray(part[..., channels])

    if drawn.painted is None:
        return degraded(turned(smaller(patch, factor)), rng), turned(truth)
    top, left, wide = top // factor, left // factor, wide // factor
    return turned(drawn.painted[top : top + wide, left : left + wide]), turned(truth)


def to_tensor(pictures: list[Picture]) -> Tensor:
    """uint8 pictures (H, W, 3) of one size -> (N, 3, H, W) in [0, 1]."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255  # stays channels-last: faster


def loss_of(made: Tensor, wanted: Tensor) -> Tensor:
    """Absolute error, plus the absolute error of the differences to the right and lower neighbour."""
    return F.l1_loss(made, wanted) + sum(
        (F.l1_loss(made.diff(dim=side), wanted.diff(dim=side)) for side in (-1, -2)), start=torch.zeros(())
    )


class DoublingTask:
    """Single doublings and, every second step, the second doubling of a 4x."""

    def __init__(self, doubler: Doubler, steps: int, pools: dict[int, list[Drawn]]) -> None:
        self.model, self._steps, self._pools = doubler, steps, pools
        adamw = optimisers.adamw(doubler.parameters(), 3e-3, (0.9, 0.99), weight_decay=1e-4)
        self.players = {"": Player([adamw], clip=0.5)}

    def turns(self, step: int) -> Sequence[str]:
        return ("",)

    def rate(self, step: int) -> float:
        return rates.warm_cosine(step / self._steps, 0.1)

    def lesson(self, player: str, moment: Moment) -> Lesson:
        factor, rng = 2 if moment.step % 2 == 0 else 4, moment.rng()
        pairs = [pair(self._pools[factor], factor, rng) for _ in range(moment.batch)]
        x, wanted = to_tensor([low for low, _ in pairs]), to_tensor([truth for _, truth in pairs])
        if factor == 4:
            with torch.no_grad():
                x = self.model(x).clamp(0, 1)
        return Lesson(loss_of(self.model(x), wanted))


def train(
    doubler: Doubler,
    steps: int,
    batch: int,
    pictures: int,
    seed: int,
    log: Callable[[str], None],
    every: int = 200,
    painter: Painter | None = None,
) -> None:
    """Train in place on `pictures` drawn pictures, part of them as `painter` paints them."""
    rng = np.random.default_rng(seed)
    pools = {factor: pool(pictures // 2, factor, rng, painter) for factor in FACTORS.values()}
    log(f"{pictures} pictures drawn")
    doubler.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    recipe = Recipe(steps, batch, seed=seed, report_every=every)
    for event in Training(DoublingTask(doubler, steps, pools), recipe).run():
        if isinstance(event, Report):
            log(f"step {event.step} loss {event.losses['loss']:.5f} {event.seconds:.0f} s")


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


def table(upscaler: Upscaler, painter: Painter | None = None, count: int = 24) -> str:
    """Mean PSNR on held-out pictures beside bicubic's, for clean, worsened and painted inputs, as Markdown."""
    lines = ["| | pictures | input | bicubic | ours |", "|---|---|---|---|---|"]
    for factor in FACTORS.values():
        for kind, pictures in held_out(count, factor).items():
            rng = np.random.default_rng(5)
            clean = [smaller(picture, factor) for picture in pictures]
            ways = {"clean": clean, "worsened": [degraded(low, rng) for low in clean]}
            if painter and kind == "shapes":  # the subjects' truth is not large enough for the decoder's own size
                ways["painted"] = [painter(low) for low in clean]
            for name, inputs in ways.items():
                scores = [
                    np.mean([psnr(grow(low), truth) for low, truth in zip(inputs, pictures, strict=True)])
                    for grow in (lambda low: bicubic(low, factor), lambda low: upscaler(low, factor))  # noqa: B023
                ]
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
    own = places.EMBEDDED / "aigc-mini" / "vae"
    parser.add_argument("--autoencoder", type=Path, default=own, help="whose pictures it learns to enlarge")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    doubler = Doubler()

    def log(line: str) -> None:
        print(line, flush=True)

    painter = painter_of(args.autoencoder, np.random.default_rng(2))
    train(doubler, args.steps, args.batch, args.pictures, seed=1, log=log, painter=painter)
    save(doubler, args.out / "model.safetensors")
    log(table(Upscaler(doubler), painter))


if __name__ == "__main__":
    main()
