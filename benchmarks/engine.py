"""Our own loop against diffusers' pipelines, in turn in one run: how far apart the latents are, and how long they take.

Random weights in the structure of Stable Diffusion 1 and XL at a quarter of their channels, so that two cores manage;
and what a preview costs beside a step of Stable Diffusion 1 at its real size.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)

from pipelines.device.worker import Worker
from pipelines.diffusion.architectures.unet import UNetNetwork
from pipelines.diffusion.conditions import Conditions
from pipelines.diffusion.denoiser import Denoiser
from pipelines.diffusion.preview import sd1_preview
from pipelines.theory.guidance import Guidance
from pipelines.theory.path import NoisePath
from pipelines.theory.process import trained_process, vp_scale
from pipelines.theory.samplers import SAMPLERS

Work = Callable[[], Any]
Measured = TypeVar("Measured")

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
SIDE, STEPS, GUIDANCE, TOKENS, WIDTH = 256, 4, 5.0, 77, 192
SD1 = {"block_out_channels": (96, 160, 320, 320), "attention_head_dim": 8}
XL = {
    "block_out_channels": (96, 160, 320),
    "attention_head_dim": (3, 5, 10),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 64,
    "projection_class_embeddings_input_dim": 6 * 64 + 128,
}


def pipeline(large: bool) -> Any:
    torch.manual_seed(0)
    kind = StableDiffusionXLPipeline if large else StableDiffusionPipeline
    parts: dict[str, Any] = {"text_encoder": None, "tokenizer": None}
    parts |= {"text_encoder_2": None, "tokenizer_2": None} if large else {}
    parts |= {} if large else {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    unet = UNet2DConditionModel(sample_size=SIDE // 8, cross_attention_dim=WIDTH, **(XL if large else SD1)).eval()
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(32, 64, 128, 128),
        latent_channels=4,
    )
    made = kind(vae=vae, unet=unet, scheduler=EulerDiscreteScheduler(**BETAS, timestep_spacing="leading"), **parts)
    made.set_progress_bar_config(disable=True)
    return made


def conditions(large: bool) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """What the network is told with the prompt and without."""
    noise = torch.Generator().manual_seed(1)
    made = []
    for _ in range(2):
        told = {"encoder_hidden_states": torch.randn(1, TOKENS, WIDTH, generator=noise)}
        if large:
            told["text_embeds"] = torch.randn(1, 128, generator=noise)
            told["time_ids"] = torch.tensor([[SIDE, SIDE, 0.0, 0.0, SIDE, SIDE]])
        made.append(told)
    return made[0], made[1]


def loops(large: bool) -> tuple[Callable[[], torch.Tensor], Callable[[], torch.Tensor], Worker]:
    """Theirs and ours, from the same noise to latents."""
    theirs, (cond, uncond) = pipeline(large), conditions(large)
    noise = torch.randn(1, 4, SIDE // 8, SIDE // 8, generator=torch.Generator().manual_seed(3))
    said = {"prompt_embeds": cond["encoder_hidden_states"], "negative_prompt_embeds": uncond["encoder_hidden_states"]}
    if large:
        said |= {"pooled_prompt_embeds": cond["text_embeds"], "negative_pooled_prompt_embeds": uncond["text_embeds"]}
    asked = {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE, "output_type": "latent"}
    theirs.scheduler.set_timesteps(STEPS)
    path = NoisePath(theirs.scheduler.sigmas.double(), theirs.scheduler.timesteps.double())
    worker = Worker(threads=torch.get_num_threads())
    process = trained_process(BETAS | {"prediction_type": "epsilon", "num_train_timesteps": 1000})
    network = UNetNetwork(theirs.unet, "bench", batch_rows=2)
    told = Conditions.fixed(*({name: tensor[0] for name, tensor in said.items()} for said in (cond, uncond)))

    def ours() -> torch.Tensor:
        denoiser = Denoiser(network, worker, process, path, told, Guidance(GUIDANCE, 0.0))
        *_, last = SAMPLERS["euler"](denoiser, noise / vp_scale(float(path.sigmas[0])), path.sigmas, torch.randn_like)
        return last.x

    return lambda: theirs(**said, **asked, height=SIDE, width=SIDE, latents=noise.clone()).images, ours, worker


def in_turn(one: Work, other: Work, runs: int, measure: Callable[[Work], Measured]) -> list[tuple[Measured, Measured]]:
    """What both cost, each first as often as the other, so that both meet the same load and the same caches."""
    pairs = []
    for i in range(runs):
        if i % 2:
            second, first = measure(other), measure(one)
        else:
            first, second = measure(one), measure(other)
        pairs.append((first, second))
    return pairs


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@torch.inference_mode()
def main(runs: int = 10) -> None:
    print(f"| random weights, {SIDE} x {SIDE}, {STEPS} steps | apart | theirs | ours | ours / theirs |")
    print("|---|---|---|---|---|")
    for large in (False, True):
        theirs, ours, worker = loops(large)
        first, second = theirs(), ours()
        apart = float((first - second).abs().max() / first.std().clamp(min=1))
        pairs = in_turn(theirs, ours, runs, seconds)
        worker.close()
        row = [statistics.median(column) for column in zip(*pairs, strict=True)]
        ratio = statistics.median(our / their for their, our in pairs)
        name = "Stable Diffusion XL" if large else "Stable Diffusion 1"
        print(f"| {name} | {apart:.1e} | {row[0]:.2f} s | {row[1]:.2f} s | {ratio:.2f} |", flush=True)
    previews()


@torch.inference_mode()
def previews(runs: int = 3) -> None:
    """A step of the real size is two evaluations: with the prompt and without."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768)
    unet.to_empty(device="cpu")
    for parameter in unet.parameters():
        parameter.normal_(0, 0.02)
    latents, words = torch.randn(2, 4, SIDE // 8, SIDE // 8), torch.randn(2, TOKENS, 768)
    linear, tiny = sd1_preview(), AutoencoderTiny().eval()
    works = (lambda: unet(latents, 500, words), lambda: linear(latents[:1]), lambda: tiny.decode(latents[:1]))
    for work in works:
        work()
    step, *looks = (
        statistics.median(column) for column in zip(*[[seconds(w) for w in works] for _ in range(runs)], strict=True)
    )
    print(f"\nA step of Stable Diffusion 1 at its real size, {SIDE} x {SIDE}: {step:.1f} s. ", end="")
    print(f"Of that, a preview by latent -> RGB takes {looks[0] / step:.2%}, one by TAESD {looks[1] / step:.1%}.")


if __name__ == "__main__":
    main()
