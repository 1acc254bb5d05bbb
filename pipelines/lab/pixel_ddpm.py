"""A diffusion model of 8 x 8 digits, in pixels and small enough to read: what a DDPM is without a latent space.

The network predicts eps (arXiv:2006.11239), and in one variant also where the reverse variance lies between its two
fixed choices (arXiv:2102.09672 eq. 15).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pipelines import places
from pipelines.data import digits
from pipelines.errors import BadFile
from pipelines.lab.requests import NETWORKS
from pipelines.models import strangers
from pipelines.models.packed import packed, unpacked
from pipelines.theory.betas import make_betas
from pipelines.theory.forward import DiffusionProcess
from pipelines.theory.guidance import guide
from pipelines.theory.path import timestep_of_sigma
from pipelines.theory.process import vp_scale, x0_from

FOLDER = places.EMBEDDED / "digits"
PIXELS = digits.SIDE**2
NO_LABEL = digits.CLASSES
"""The label that stands for no label at all, for guidance."""
BETA_SCHEDULE, NUM_TRAIN_TIMESTEPS = "linear", 100
WIDTH, BLOCKS, FREQUENCIES = 256, 3, 32


class Network(nn.Module):
    """A residual MLP. x_t (N, 64), t (N,), labels (N,) from 0 to NO_LABEL -> eps (N, 64), with variances (N, 128)."""

    def __init__(self, learned_variance: bool) -> None:
        super().__init__()
        self.learned_variance = learned_variance
        self.enter = nn.Linear(PIXELS, WIDTH)
        self.time = nn.Linear(2 * FREQUENCIES, WIDTH)
        self.label = nn.Embedding(NO_LABEL + 1, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.leave = nn.Linear(WIDTH, PIXELS * (2 if learned_variance else 1))
        nn.init.zeros_(self.leave.weight)

    def forward(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        condition = F.silu(self.time(waves(t)) + self.label(labels))  # (N, WIDTH)
        hidden = self.enter(x)
        for block in self.blocks:
            hidden = block(hidden, condition)
        return self.leave(F.silu(hidden))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.first = nn.Linear(WIDTH, WIDTH)
        self.told = nn.Linear(WIDTH, WIDTH)
        self.second = nn.Linear(WIDTH, WIDTH)

    def forward(self, hidden: Tensor, condition: Tensor) -> Tensor:
        return hidden + self.second(F.silu(self.first(self.norm(hidden)) + self.told(condition)))


def waves(t: Tensor) -> Tensor:
    """Timesteps (N,), whole or not, as sines and cosines, (N, 2 * FREQUENCIES)."""
    steps = torch.arange(FREQUENCIES, device=t.device) / FREQUENCIES
    angles = t.float()[:, None] * torch.exp(-math.log(NUM_TRAIN_TIMESTEPS) * steps)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


@dataclass(frozen=True, eq=False)
class PixelDDPM:
    """A trained network and the process that it was trained with."""

    network: Network
    process: DiffusionProcess

    def predict(self, labels: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
        """(x_t, t) -> what the network says for pictures of these labels: a model for pipelines.theory.bound."""

        @torch.no_grad()
        def model(x_t: Tensor, t: Tensor) -> Tensor:
            return self.network(x_t, t, labels)

        return model

    def denoiser(self, labels: Tensor, guidance_scale: float = 1.0) -> Callable[[Tensor, float], Tensor]:
        """The samplers' contract, (x, sigma) -> x0_pred, with classifier-free guidance (arXiv:2207.12598)."""
        nothing = torch.full_like(labels, NO_LABEL)

        @torch.no_grad()
        def denoise(x: Tensor, sigma: float) -> Tensor:
            x_t = x * vp_scale(sigma)
            t = torch.full((len(x),), timestep_of_sigma(self.process.sigmas, sigma), device=x.device)
            eps = self.network(x_t, t, labels)[:, :PIXELS]
            if guidance_scale != 1:
                eps = guide(eps, self.network(x_t, t, nothing)[:, :PIXELS], guidance_scale)
            return x0_from(eps, "epsilon", x, sigma)

        return denoise


def process() -> DiffusionProcess:
    """The process that both variants are trained with."""
    return DiffusionProcess(make_betas(BETA_SCHEDULE, NUM_TRAIN_TIMESTEPS))


def file_of(variant: str, folder: Path = FOLDER) -> Path:
    return folder / f"{variant}.safetensors"


def save(network: Network, file: Path) -> None:
    """Packed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(packed(network.state_dict()), file, {"variance": "learned" if network.learned_variance else "fixed"})


def load(variant: str = "fixed", folder: Path = FOLDER) -> PixelDDPM:
    """The shipped model, computing in float32. Raises BadFile where its weights are missing or another network's."""
    file = file_of(variant, folder)
    if variant not in NETWORKS or not file.is_file():
        raise BadFile(
            "there is no digits model {variant!r} (assets/models/digits). Copy that folder again.", variant=variant[:40]
        )
    network = Network(variant == "learned")
    strangers.check_safetensors(file)
    with safe_open(file, "pt") as opened:
        variance = (opened.metadata() or {}).get("variance")
    weights = unpacked(load_file(file))
    shapes = {name: weight.shape for name, weight in weights.items()}
    if variance != variant or shapes != {name: weight.shape for name, weight in network.state_dict().items()}:
        raise BadFile("assets/models/digits/{file} holds another network. Copy that folder again.", file=file.name)
    network.load_state_dict(weights)
    return PixelDDPM(network.eval().requires_grad_(False), process())
