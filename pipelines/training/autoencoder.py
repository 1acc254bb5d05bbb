"""The embedded model's autoencoder: an exact linear encoder of 16x16 patches and a learned decoder to twice the size.

Pictures of 256 x 256 are halved, and each 16x16x3 patch is projected on its principal components, so that the diffusion
network can be trained while no decoder exists yet, on pictures drawn at 128 x 128, and the live preview of a latent is
one matrix product. The decoder paints at 256 x 256; it, an `AutoencoderDC`'s
(arXiv:2410.10733), puts patches in place by pixel shuffle, which an upsampling by nearest neighbours cannot learn
(docs/LOG.md), and takes away block edges and ringing. `python -m pipelines.training.autoencoder` trains it, or trains
it further where the run has one.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_dc import AutoencoderDC, DCUpBlock2d, Decoder, ResBlock
from torch import Tensor, nn

from pipelines.data import compositions, corpus
from pipelines.learning import optimisers, precision
from pipelines.learning.events import Report
from pipelines.learning.moments import Moment
from pipelines.learning.recipe import Recipe
from pipelines.learning.task import Lesson, Player
from pipelines.learning.training import Training

PATCH = 16
CHANNELS = 96
ENLARGED = 2
"""What is decoded is so many times as large as what the transform sees."""
WHITENING = 0.6
"""A component's deviation s becomes s ** (1 - WHITENING): coarse ones stay louder and are decided first."""
ENCODER = (4, 4, 16, 64, 256, 1024)
"""Channels from 256 x 256 pixels to 8 x 8: as many after the first halving, which takes means; then four times as many
at each, so that nothing is lost. The fourth stays empty, as the class halves to multiples of four only."""
DECODER = (12, 24, 48, 96, 192, 192)
DECODER_LAYERS = (0, 1, 2, 2, 1, 1)
UNSURE = 0.2
"""The most noise on the decoder's training latents, whose variance is about 1. What 20 sampled steps leave on a plain
patch was measured: a deviation of 0.23 on the fine components, 0.07 on the coarsest."""
LOUD = 60.0
"""The constant that keeps the decoder's last norm from changing anything at the start of training."""


@dataclass(frozen=True)
class PatchTransform:
    """patch -> latent is `weight @ (patch - mean)`; latent -> patch is `inverse @ latent + mean`; both for [-1, 1]."""

    mean: Tensor  # (768,)
    weight: Tensor  # (CHANNELS, 768)
    inverse: Tensor  # (768, CHANNELS)

    def encode(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> latents (N, CHANNELS, H/16, W/16) of about unit variance."""
        patches = F.pixel_unshuffle(pictures, PATCH)  # (N, 768, h, w), channel order c, py, px
        return torch.einsum("kp,nphw->nkhw", self.weight, patches - self.mean[:, None, None])

    def decode(self, latents: Tensor) -> Tensor:
        """The linear reconstruction, (N, 3, H, W) about in [-1, 1]: the preview."""
        patches = torch.einsum("pk,nkhw->nphw", self.inverse, latents) + self.mean[:, None, None]
        return F.pixel_shuffle(patches, PATCH)


def pictures(count: int, rng: np.random.Generator) -> Tensor:
    """Pictures of the corpus, (count, 3, 128, 128) in [-1, 1]."""
    return to_tensor(np.stack([corpus.example(rng).picture for _ in range(count)]))


def large_pictures(count: int, rng: np.random.Generator) -> Tensor:
    """The same at twice the size, (count, 3, 256, 256)."""
    drawn = [compositions.draw(corpus.composition(rng)[0], ENLARGED) for _ in range(count)]
    return to_tensor(np.stack(drawn))


def halved(pictures: Tensor) -> Tensor:
    """What the transform sees of them: means of 2 x 2 pixels."""
    return F.avg_pool2d(pictures, ENLARGED)


def to_tensor(batch: np.ndarray) -> Tensor:
    """uint8 (N, H, W, 3) -> float (N, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 127.5 - 1


def fit_transform(sample: Tensor) -> PatchTransform:
    """Principal components of the 16x16 patches of `sample`, (N, 3, H, W) in [-1, 1], partly whitened."""
    patches = F.pixel_unshuffle(sample, PATCH).permute(0, 2, 3, 1).reshape(-1, 3 * PATCH**2).double()
    mean = patches.mean(dim=0)
    variance, basis = torch.linalg.eigh(torch.cov((patches - mean).T))
    variance, basis = variance.flip(0)[:CHANNELS], basis.flip(1)[:, :CHANNELS]
    gain = variance.sqrt() ** -WHITENING
    gain = gain / (gain**2 * variance).mean().sqrt()
    return PatchTransform(mean.float(), (gain[:, None] * basis.T).float(), (basis / gain).float())


def build(transform: PatchTransform) -> AutoencoderDC:
    """An AutoencoderDC whose encoder is exactly the transform and whose decoder is about its linear inverse."""
    vae = AutoencoderDC(
        latent_channels=CHANNELS,
        encoder_block_out_channels=ENCODER,
        encoder_layers_per_block=(1, 1, 1, 1, 1, 0),
        encoder_qkv_multiscales=((),) * 6,
        encoder_out_shortcut=False,
        decoder_block_out_channels=DECODER,
        decoder_layers_per_block=DECODER_LAYERS,
        decoder_qkv_multiscales=((),) * 6,
        scaling_factor=1.0,
    )
    # what StableDiffusionPipeline asks for the size of a latent; an AutoencoderDC calls it otherwise
    vae.register_to_config(block_out_channels=DECODER)
    with torch.no_grad():
        _write_encoder(vae, transform)
        _write_decoder(vae, transform)
    return vae


def _write_encoder(vae: AutoencoderDC, transform: PatchTransform) -> None:
    """The first shortcut takes means of 2x2 pixels, four more gather them into channels; the last convolution is the
    projection."""
    for weight in vae.encoder.parameters():
        weight.zero_()
    first, last = vae.encoder.conv_in, vae.encoder.conv_out
    assert isinstance(first, nn.Conv2d)
    assert last.bias is not None
    first.weight[range(3), range(3), 1, 1] = 1.0
    order = _unshuffled(_unshuffled(_unshuffled(_unshuffled(_pixel_numbers()))))[0, :, 0, 0].long()
    empty = torch.zeros(CHANNELS, PATCH**2)
    last.weight[:, :, 1, 1] = torch.cat([transform.weight, empty], dim=1)[:, order]
    last.bias[:] = -transform.weight @ transform.mean


def _write_decoder(vae: AutoencoderDC, transform: PatchTransform) -> None:
    """Every level parts a patch into quarters, each in coordinates of a basis for patches of its size.

    So training starts at the linear inverse; residual blocks start as the identity, and channels that no coordinate
    needs start at random.
    """
    decoder = vae.decoder
    for block in decoder.modules():
        if isinstance(block, ResBlock):
            for weight in block.norm.parameters():
                weight.zero_()
    _write_rows(decoder.conv_in, torch.eye(CHANNELS), torch.zeros(CHANNELS), DECODER[-1] // CHANNELS)
    patch, offset = _enlarged(transform.inverse), _enlarged(transform.mean[:, None])
    *levels, final = _ups(decoder)
    for up in levels:
        quarters, channels = _quarters(patch), up.conv.out_channels // 4
        basis = _basis(torch.cat(list(quarters), dim=1))[:, :channels]
        rows, bias = basis.T @ quarters, basis.T @ _quarters(offset)
        if up is levels[-1]:  # a ReLU and a norm follow: both signs, and a channel too loud for the rest to matter
            rows = torch.cat([rows, -rows, torch.zeros_like(rows[:, :1])], dim=1)
            bias = torch.cat([bias, -bias, torch.full_like(bias[:, :1], LOUD)], dim=1)
        _write_rows(up.conv, rows.transpose(0, 1).flatten(0, 1), bias.transpose(0, 1).flatten(), up.repeats)
        patch = basis.view(3, patch.shape[1] // 2, patch.shape[2] // 2, -1)
        offset = torch.zeros_like(patch[..., :1])
    known = patch.shape[-1]
    gains = cast(Tensor, decoder.norm_out.weight)
    gains[: 2 * known] = LOUD / len(gains) ** 0.5
    pixels = _quarters(patch).transpose(0, 1).flatten(0, 1)  # (3 * 4, known): of a patch of 2x2
    final.conv.weight.zero_()
    _write_rows(final.conv, torch.cat([pixels, -pixels], dim=1), torch.zeros(len(pixels)), 0)


def _basis(columns: Tensor) -> Tensor:
    """Orthonormal columns that span the given ones, the strongest first."""
    directions, strengths, _ = torch.linalg.svd(columns, full_matrices=False)
    return directions[:, strengths > 1e-5 * strengths[0]]


def _enlarged(patches: Tensor) -> Tensor:
    """(3 * PATCH * PATCH, K) -> (3, 2 * PATCH, 2 * PATCH, K), each pixel repeated."""
    whole = patches.view(3, PATCH, PATCH, -1)
    return whole.repeat_interleave(ENLARGED, 1).repeat_interleave(ENLARGED, 2)


def _ups(decoder: Decoder) -> list[DCUpBlock2d]:
    """In the order in which a latent passes them."""
    blocks = [*list(cast(nn.ModuleList, decoder.up_blocks))[::-1], cast(nn.Module, decoder.conv_out)]
    return [module for block in blocks for module in block.modules() if isinstance(module, DCUpBlock2d)]


def _quarters(patch: Tensor) -> Tensor:
    """(3, size, size, K) -> (4, 3 * size/2 * size/2, K), in the order of a pixel shuffle."""
    half = patch.shape[1] // 2
    parts = patch.unflatten(2, (2, half)).unflatten(1, (2, half))  # (3, 2, half, 2, half, K)
    return parts.permute(1, 3, 0, 2, 4, 5).reshape(4, 3 * half * half, -1)


def _write_rows(conv: nn.Conv2d, rows: Tensor, bias: Tensor, repeats: int) -> None:
    """Make the first outputs `rows @ input + bias` at each place, less a shortcut that repeats each input."""
    assert conv.bias is not None
    count, known = rows.shape
    conv.weight[:count] = 0
    conv.weight[:count, :known, 1, 1] = rows
    conv.bias[:count] = bias
    if repeats:
        outputs = torch.arange(count)
        conv.weight[outputs, outputs // repeats, 1, 1] -= 1


def _pixel_numbers() -> Tensor:
    """One patch, (1, 4, PATCH, PATCH), in which each value is its own index in the transform's order c, y, x."""
    return torch.arange(4 * PATCH**2, dtype=torch.float32).view(1, 4, PATCH, PATCH)


def _unshuffled(picture: Tensor) -> Tensor:
    return F.pixel_unshuffle(picture, 2)


class DecoderTask:
    """Absolute error plus the error of local differences, on latents with a little noise as a sampler leaves.

    The learning rate falls along a line to zero. It is small, since training starts at the linear inverse: at 4e-3 the
    first hundred steps doubled the loss.
    """

    def __init__(self, decoder: Decoder, transform: PatchTransform, steps: int) -> None:
        self.model, self._transform, self._steps = decoder, transform, steps
        self.players = {"": Player(optimisers.muon_and_adamw(decoder, (8e-4, 4e-4)))}

    def turns(self, step: int) -> Sequence[str]:
        return ("",)

    def rate(self, step: int) -> float:
        return min((step + 1) / 50, 1 - step / self._steps)

    def lesson(self, player: str, moment: Moment) -> Lesson:
        wanted, noise = large_pictures(moment.batch, moment.rng()), moment.draw()
        latents = self._transform.encode(halved(wanted))
        spread = UNSURE * torch.rand(moment.batch, 1, 1, 1, generator=noise)
        latents = latents + spread * torch.randn(latents.shape, generator=noise)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision.rough() is torch.bfloat16):
            made = self.model(latents)
        made = made.float()
        return Lesson(F.l1_loss(made, wanted) + F.l1_loss(_edges(made), _edges(wanted)))


def train_decoder(
    vae: AutoencoderDC, transform: PatchTransform, steps: int, batch: int, seed: int, log: Callable[[str], None]
) -> None:
    """Train the decoder in place."""
    recipe = Recipe(steps, batch, seed=seed, report_every=100)
    for event in Training(DecoderTask(vae.decoder, transform, steps), recipe).run():
        if isinstance(event, Report):
            log(f"decoder step {event.step} loss {event.losses['loss']:.4f} {event.seconds:.0f} s")


def _edges(pictures: Tensor) -> Tensor:
    """Differences to the right and lower neighbour, side by side: (N, 6, H-1, W-1)."""
    right = pictures[..., :-1, 1:] - pictures[..., :-1, :-1]
    lower = pictures[..., 1:, :-1] - pictures[..., :-1, :-1]
    return torch.cat([right, lower], dim=1)


@torch.no_grad()
def psnr(vae: AutoencoderDC, sample: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of encode and decode on pictures (N, 3, 256, 256) in [-1, 1], at half the size:
    the mean over pictures."""
    made = torch.cat([vae.decoder(vae.encoder(part)) for part in sample.split(16)]).clamp(-1, 1)
    errors = (halved(made) - halved(sample)).square().flatten(1).mean(1)
    return float((10 * torch.log10(4 / errors.clamp_min(1e-8))).mean())


def save_transform(transform: PatchTransform, path: Path) -> None:
    from safetensors.torch import save_file

    tensors = {"mean": transform.mean, "weight": transform.weight, "inverse": transform.inverse}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)


def load_transform(path: Path) -> PatchTransform:
    from safetensors.torch import load_file

    return PatchTransform(**load_file(path))


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the embedded model's decoder.")
    parser.add_argument(
        "--run-folder", dest="run", type=Path, default=Path("runs/text-to-image"), help="the run's folder"
    )
    parser.add_argument("--steps", type=int, default=1400)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="where to write the autoencoder (default: the run's folder)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    transform = load_transform(args.run / "transform.safetensors")
    earlier = args.run / "vae"
    vae = AutoencoderDC.from_pretrained(earlier) if earlier.exists() else build(transform)
    train_decoder(vae, transform, args.steps, args.batch, 1 + earlier.exists(), lambda line: print(line, flush=True))
    print(f"held-out PSNR {psnr(vae, large_pictures(256, np.random.default_rng(99))):.2f} dB")
    vae.save_pretrained(args.out or args.run / "vae")


if __name__ == "__main__":
    main()
