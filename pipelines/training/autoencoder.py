"""The embedded model's autoencoder: an exact linear encoder of 8x8 patches and a small learned decoder.

The encoder projects each 8x8x3 patch on its principal components, so that the diffusion network can be trained while
no decoder exists yet, and the live preview of a latent is one matrix product. The decoder, an `AutoencoderTiny`'s,
learns to give sharp pictures without block edges. `python -m pipelines.training.autoencoder` trains it.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from torch import Tensor, nn

from pipelines.data import mixture

PATCH = 16
CHANNELS = 64
WHITENING = 0.6
"""A component's deviation s becomes s ** (1 - WHITENING): coarse ones stay louder and are decided first."""
SCALING = 3.0
"""Latents for diffusion have unit variance; the autoencoder's own are a third of them, within its clamp at 3."""
DECODER_BLOCKS = (4, 3, 1, 0)
WIDTH = 48


@dataclass(frozen=True)
class PatchTransform:
    """patch -> latent is `weight @ (patch - mean)`; latent -> patch is `inverse @ latent + mean`; both for [-1, 1]."""

    mean: Tensor  # (192,)
    weight: Tensor  # (CHANNELS, 192)
    inverse: Tensor  # (192, CHANNELS)

    def encode(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> latents (N, CHANNELS, H/8, W/8) of about unit variance."""
        patches = F.pixel_unshuffle(pictures, PATCH)  # (N, 192, h, w), channel order c, py, px
        return torch.einsum("kp,nphw->nkhw", self.weight, patches - self.mean[:, None, None])

    def decode(self, latents: Tensor) -> Tensor:
        """The linear reconstruction, (N, 3, H, W) about in [-1, 1]: the preview."""
        patches = torch.einsum("pk,nkhw->nphw", self.inverse, latents) + self.mean[:, None, None]
        return F.pixel_shuffle(patches, PATCH)


def pictures(count: int, rng: np.random.Generator) -> Tensor:
    """Pictures of the training mixture, (count, 3, 64, 64) in [-1, 1]."""
    return to_tensor(np.stack([mixture.example(rng).picture for _ in range(count)]))


def to_tensor(batch: np.ndarray) -> Tensor:
    """uint8 (N, H, W, 3) -> float (N, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 127.5 - 1


def fit_transform(sample: Tensor) -> PatchTransform:
    """Principal components of the 8x8 patches of `sample`, (N, 3, H, W) in [-1, 1], partly whitened."""
    patches = F.pixel_unshuffle(sample, PATCH).permute(0, 2, 3, 1).reshape(-1, 3 * PATCH**2).double()
    mean = patches.mean(dim=0)
    variance, basis = torch.linalg.eigh(torch.cov((patches - mean).T))
    variance, basis = variance.flip(0)[:CHANNELS], basis.flip(1)[:, :CHANNELS]
    gain = variance.sqrt() ** -WHITENING
    gain = gain / (gain**2 * variance).mean().sqrt()
    return PatchTransform(mean.float(), (gain[:, None] * basis.T).float(), (basis / gain).float())


def build(transform: PatchTransform) -> AutoencoderTiny:
    """An AutoencoderTiny whose encoder is exactly the transform and whose decoder is fresh."""
    vae = AutoencoderTiny(
        encoder_block_out_channels=(WIDTH,) * 4,
        decoder_block_out_channels=(WIDTH,) * 4,
        num_encoder_blocks=(0, 0, 0, 0),
        num_decoder_blocks=DECODER_BLOCKS,
        latent_channels=CHANNELS,
        scaling_factor=SCALING,
    )
    with torch.no_grad():
        _write_encoder(vae, transform)
    return vae


def _write_encoder(vae: AutoencoderTiny, transform: PatchTransform) -> None:
    """Two stride-2 convolutions gather 4x4 pixels into 48 channels; the third applies the projection of 8x8."""
    first, down1, down2, down3, last = (cast(nn.Conv2d, layer) for layer in vae.encoder.layers)
    for convolution in (first, down1, down2, down3, last):
        convolution.weight.zero_()
        if convolution.bias is not None:
            convolution.bias.zero_()
    first.weight[range(3), range(3), 1, 1] = 1.0
    for stage, channels in ((down1, 3), (down2, 12)):
        for c in range(channels):
            for dy in (0, 1):
                for dx in (0, 1):  # kernel taps 1 and 2 of a padded stride-2 convolution are pixels 2i and 2i + 1
                    stage.weight[c * 4 + dy * 2 + dx, c, 1 + dy, 1 + dx] = 1.0
    # Stage one packs the lowest bits of y and x into channels, stage two the next ones; the highest are down3's taps.
    weight = 2.0 * transform.weight.reshape(CHANNELS, 3, PATCH, PATCH) / SCALING  # the encoder sees [0, 1]
    for colour in range(3):
        for y in range(PATCH):
            for x in range(PATCH):
                inner = (colour * 4 + (y & 1) * 2 + (x & 1)) * 4 + (y >> 1 & 1) * 2 + (x >> 1 & 1)
                down3.weight[:CHANNELS, inner, 1 + (y >> 2), 1 + (x >> 2)] = weight[:, colour, y, x]
    last.weight[range(CHANNELS), range(CHANNELS), 1, 1] = 1.0
    cast(Tensor, last.bias)[:] = -(transform.weight @ (transform.mean + 1.0)) / SCALING


def train_decoder(vae: AutoencoderTiny, transform: PatchTransform, steps: int, batch: int, seed: int, log) -> None:
    """Absolute error plus the error of local differences, on latents with a little noise as a sampler leaves."""
    rng, noise = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(vae.decoder.parameters(), lr=2e-3, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps, pct_start=0.05)
    start = time.monotonic()
    for step in range(steps):
        wanted = pictures(batch, rng)
        latents = transform.encode(wanted)
        spread = 0.06 * torch.rand(batch, 1, 1, 1, generator=noise)
        latents = latents + spread * torch.randn(latents.shape, generator=noise)
        with torch.autocast("cpu", torch.bfloat16):
            made = vae.decoder(latents / SCALING)
        made = made.float()
        loss = F.l1_loss(made, wanted) + F.l1_loss(_edges(made), _edges(wanted))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.decoder.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 100 == 0 or step == steps - 1:
            log(f"decoder step {step} loss {loss.item():.4f} {time.monotonic() - start:.0f} s")


def _edges(pictures: Tensor) -> Tensor:
    """Differences to the right and lower neighbour, side by side: (N, 6, H-1, W-1)."""
    right = pictures[..., :-1, 1:] - pictures[..., :-1, :-1]
    lower = pictures[..., 1:, :-1] - pictures[..., :-1, :-1]
    return torch.cat([right, lower], dim=1)


@torch.no_grad()
def psnr(vae: AutoencoderTiny, sample: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of encode and decode on pictures (N, 3, 64, 64) in [-1, 1]."""
    made = vae.decoder(vae.encoder(sample)).clamp(-1, 1)
    return float(10 * torch.log10(4 / F.mse_loss(made, sample)))


def save_transform(transform: PatchTransform, path: Path) -> None:
    from safetensors.torch import save_file

    tensors = {"mean": transform.mean, "weight": transform.weight, "inverse": transform.inverse}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)


def load_transform(path: Path) -> PatchTransform:
    from safetensors.torch import load_file

    return PatchTransform(**load_file(path))


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the embedded model's decoder.")
    parser.add_argument("--run", type=Path, default=Path("runs/text-to-image"), help="the run's folder")
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    transform = load_transform(args.run / "transform.safetensors")
    vae = build(transform)
    train_decoder(vae, transform, args.steps, args.batch, seed=1, log=lambda line: print(line, flush=True))
    print(f"held-out PSNR {psnr(vae, pictures(256, np.random.default_rng(99))):.2f} dB")
    vae.save_pretrained(args.run / "vae")


if __name__ == "__main__":
    main()
