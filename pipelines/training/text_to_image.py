"""Trains the embedded text-to-image model: UNet and text encoder together, on pictures drawn on the fly.

One process:        python -m pipelines.training.text_to_image
Two on the CPU:     torchrun --standalone --nproc_per_node 2 -m pipelines.training.text_to_image
GPUs and hosts:     accelerate launch -m pipelines.training.text_to_image

The run's folder holds everything: the last checkpoint (a run goes on from it), the log, and at the end the pipeline.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from diffusers.models.attention_processor import AttnProcessor
from diffusers.models.autoencoders.autoencoder_dc import AutoencoderDC
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.training_utils import EMAModel
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, PreTrainedTokenizerFast

from pipelines.data import composition_layout as layout
from pipelines.data import sentences, vocabulary
from pipelines.learning import muon
from pipelines.training import autoencoder, earlier_model, pool
from pipelines.training import word_tokenizer as tokenizer

NUM_TRAIN_TIMESTEPS = 1000
BETAS = {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02}
"""Sixty-four latents agree on a background, so its colour is decided far out in the noise: at an SNR of 1/400. The
linear schedule spends a fifth of its steps there; the cosine one three in a hundred (docs/LOG.md)."""


WIDTH = 128
"""Of the text encoder."""
BLOCKS = (128, 192)
"""Channels of the UNet's two levels."""

Optimisers = Sequence[torch.optim.Optimizer]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what the run learns."""

    pictures: int = 650_000
    batch: int = 64  # a process
    learning_rate: float = 5e-4  # AdamW's: vectors, embeddings, first and last layers
    muon_learning_rate: float = 1.5e-3  # all other weights
    warm_up: int = 3_000  # pictures
    cool_down: float = 0.8  # the last share of the run, in which the rate falls to zero
    caption_dropout: float = 0.1
    ema_decay: float = 0.997
    reading: float = 0.2  # the weight of the loss of `Model.reader`
    seed: int = 0

    def rate(self, seen: int) -> float:
        """The share of the learning rates after `seen` pictures: up, level, and down along a line."""
        falling = (self.pictures - seen) / (self.cool_down * self.pictures)
        return max(0.0, min(1.0, (seen + 1) / self.warm_up, falling))


class Model(nn.Module):
    """Text encoder and UNet as one module, so that one optimiser and one gradient exchange serve both.

    While it trains, a linear `reader` names the noun and colour of every cell from the features in the UNet's middle.
    In the noise these can only come from the caption, so the words are bound to their places long before the squared
    error alone would do it. The idea is REPA's (arXiv:2410.06940), with the drawn truth for the features to be like.
    """

    def __init__(self, words: PreTrainedTokenizerFast) -> None:
        super().__init__()
        self.text_encoder = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(words),
                hidden_size=WIDTH,
                intermediate_size=4 * WIDTH,
                projection_dim=WIDTH,
                num_hidden_layers=4,
                num_attention_heads=2,
                max_position_embeddings=tokenizer.MAX_LENGTH,
                bos_token_id=cast(int, words.bos_token_id),
                eos_token_id=cast(int, words.eos_token_id),
                pad_token_id=cast(int, words.pad_token_id),
            )
        )
        self.unet = UNet2DConditionModel(
            sample_size=8,
            in_channels=autoencoder.CHANNELS,
            out_channels=autoencoder.CHANNELS,
            block_out_channels=BLOCKS,
            layers_per_block=1,
            down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
            cross_attention_dim=WIDTH,
            encoder_hid_dim=WIDTH,
            attention_head_dim=4,  # diffusers' name for the number of heads
            resnet_time_scale_shift="scale_shift",
            addition_embed_type="text",
            addition_embed_type_num_heads=4,
        )
        self.reader = nn.Conv2d(BLOCKS[-1], len(layout.nouns()) + len(layout.colours()), 1)
        self._middle: list[Tensor] = []
        self.unet.up_blocks[0].register_forward_hook(self._keep)

    def _keep(self, _block: nn.Module, _inputs: Any, made: Any) -> None:
        self._middle.append(made)

    def attend_by_plain_products(self) -> None:
        """For training on the CPU, where the fused attention's backward pass costs a third of a step."""
        self.text_encoder.set_attn_implementation("eager")
        self.unet.set_attn_processor(AttnProcessor())

    def forward(self, noisy: Tensor, timesteps: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """v for noisy latents (N, C, 8, 8) at integer timesteps (N,), given token ids (N, L); and what is read."""
        context = self.text_encoder(tokens).last_hidden_state  # (N, L, WIDTH)
        made = self.unet(noisy, timesteps, context).sample
        return made, self.reader(self._middle.pop())  # (N, C, 8, 8), (N, nouns + colours, 8, 8)


@dataclass(frozen=True)
class Batch:
    """What one process learns from in one step."""

    latents: Tensor  # (N, C, 8, 8)
    tokens: Tensor  # (N, L)
    layouts: Tensor  # (N, 2, 8, 8): the class of each cell's noun and colour
    kinds: list[str]

    def to(self, device: torch.device) -> "Batch":
        return Batch(self.latents.to(device), self.tokens.to(device), self.layouts.to(device), self.kinds)


def batches(recipe: Recipe, words: PreTrainedTokenizerFast, transform, rank: int, start: int) -> Iterator[Batch]:
    """Endless; a resumed run draws other examples than the first part did."""
    rng = np.random.default_rng((recipe.seed, rank, start))
    examples = pool.Pool(transform, rng)
    while True:
        latents, made, kinds = examples.draw(recipe.batch)
        dropped = rng.random(recipe.batch) < recipe.caption_dropout
        captions = ["" if drop else sentences.of_composition(one, rng) for one, drop in zip(made, dropped, strict=True)]
        tokens = words(
            captions, padding="max_length", max_length=tokenizer.MAX_LENGTH, truncation=True, return_tensors="pt"
        ).input_ids
        layouts = torch.from_numpy(np.stack([layout.of_composition(one) for one in made]))
        yield Batch(latents, tokens, layouts, kinds)


def losses_of(model: nn.Module, process: DDPMScheduler, batch: Batch, noise: torch.Generator) -> tuple[Tensor, Tensor]:
    """The squared error of v and the cross-entropy of what is read, for each picture.

    Noise levels are stratified over the batch (arXiv:2107.00630, sec. I.1).
    """
    latents = batch.latents
    n = latents.shape[0]
    strata = (torch.arange(n) + torch.rand(n, generator=noise)) / n
    timesteps = (strata * NUM_TRAIN_TIMESTEPS).long().clamp(max=NUM_TRAIN_TIMESTEPS - 1)
    timesteps = timesteps[torch.randperm(n, generator=noise)].to(latents.device)
    eps = torch.randn(latents.shape, generator=noise).to(latents.device)
    noisy = process.add_noise(latents, eps, cast(Any, timesteps))
    made, read = model(noisy, timesteps, batch.tokens)
    wanted = process.get_velocity(latents, eps, cast(Any, timesteps))
    error = F.mse_loss(made.float(), wanted, reduction="none").mean(dim=(1, 2, 3))
    classes = read.float().split([len(layout.nouns()), len(layout.colours())], dim=1)
    missed = [F.cross_entropy(each, batch.layouts[:, i], reduction="none") for i, each in enumerate(classes)]
    return error, (missed[0] + missed[1]).mean(dim=(1, 2))


def train(recipe: Recipe, run: Path, threads: int, save_every: float, earlier: Path | None = None) -> None:
    """Train until `recipe.pictures` were seen, saving a resumable checkpoint every `save_every` seconds."""
    torch.set_num_threads(threads)
    accelerator = Accelerator(
        cpu=not torch.accelerator.is_available(),  # else several CPU processes would not know of one another
        mixed_precision="bf16",
        kwargs_handlers=[DistributedDataParallelKwargs(gradient_as_bucket_view=True)],
    )
    run.mkdir(parents=True, exist_ok=True)
    words, transform = _vocabulary_and_transform(run, accelerator, earlier)
    torch.manual_seed(recipe.seed)
    model = Model(words)
    if earlier:
        earlier_model.take_over(model.unet, model.text_encoder, words, earlier)
    ema = EMAModel(model.parameters(), decay=recipe.ema_decay, use_ema_warmup=True, power=0.75)
    matrices, rest = muon.split(model)
    rates = (recipe.muon_learning_rate, recipe.learning_rate)
    optimisers: Optimisers = (
        muon.Muon(matrices, lr=rates[0]),
        torch.optim.AdamW(rest, lr=rates[1], betas=(0.9, 0.99), weight_decay=0.01, fused=True),
    )
    if accelerator.device.type == "cpu":
        model.attend_by_plain_products()
    state = _resume(run, model, ema, optimisers)
    model, *prepared = accelerator.prepare(model, *optimisers)
    ema.to(accelerator.device)
    process = DDPMScheduler(NUM_TRAIN_TIMESTEPS, **BETAS, prediction_type="v_prediction")
    seen, seconds, step = state["pictures"], state["seconds"], state["steps"]
    noise = torch.Generator().manual_seed(hash((recipe.seed, accelerator.process_index, seen)) % 2**63)
    saved, last, losses = time.monotonic(), time.monotonic(), {}
    for batch in batches(recipe, words, transform, accelerator.process_index, seen):
        for optimiser, highest in zip(optimisers, rates, strict=True):
            for group in optimiser.param_groups:
                group["lr"] = highest * recipe.rate(seen)
        error, missed = losses_of(model, process, batch.to(accelerator.device), noise)
        accelerator.backward(error.mean() + recipe.reading * missed.mean())
        accelerator.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser in prepared:
            optimiser.step()
            optimiser.zero_grad()
        ema.step(model.parameters())
        seen += recipe.batch * accelerator.num_processes
        step += 1
        seconds, last = seconds + time.monotonic() - last, time.monotonic()
        _collect(losses, batch.kinds, error)
        _collect(losses, ["reading"] * len(missed), missed)
        if step % 20 == 0 and accelerator.is_main_process:
            _log(run, step, seen, seconds, recipe.rate(seen), losses)
        done = seen >= recipe.pictures
        if (done or last - saved > save_every) and accelerator.is_main_process:
            counts = {"pictures": seen, "steps": step, "seconds": seconds}
            _save(run, accelerator.unwrap_model(model), ema, optimisers, counts, recipe)
            saved = last
        if done:
            break
    accelerator.wait_for_everyone()
    accelerator.end_training()


def _vocabulary_and_transform(run: Path, accelerator: Accelerator, earlier: Path | None):
    """The run's tokenizer and patch transform, made by its first process if they are not there yet; the latents stay
    those of the `earlier` model, so that its decoder stays right."""
    with accelerator.main_process_first():
        if not (run / "transform.safetensors").exists():
            tokenizer.build().save_pretrained(run / "tokenizer")
            autoencoder.save_transform(_transform(earlier), run / "transform.safetensors")
    words = PreTrainedTokenizerFast.from_pretrained(run / "tokenizer")
    return words, autoencoder.load_transform(run / "transform.safetensors")


def _transform(earlier: Path | None) -> autoencoder.PatchTransform:
    if earlier:
        return earlier_model.transform_of(earlier)
    return autoencoder.fit_transform(autoencoder.pictures(4000, np.random.default_rng(0)))


def _collect(losses: dict[str, list[float]], kinds: list[str], each: Tensor) -> None:
    for kind, value in zip(kinds, each.detach().tolist(), strict=True):
        losses.setdefault(kind, []).append(value)


def _log(run: Path, step: int, seen: int, seconds: float, rate: float, losses: dict[str, list[float]]) -> None:
    means = {kind: round(float(np.mean(values)), 4) for kind, values in sorted(losses.items())}
    losses.clear()
    entry = {"step": step, "pictures": seen, "seconds": round(seconds), "rate": round(rate, 6), "loss": means}
    with open(run / "log.jsonl", "a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")
    print(json.dumps(entry), flush=True)


def _save(run: Path, model: Model, ema: EMAModel, optimisers: Optimisers, counts: dict, recipe: Recipe) -> None:
    """The checkpoint, whole or not at all: written beside the old one and renamed over it."""
    if any(not torch.isfinite(p).all() for p in model.parameters()):
        raise SystemExit("The weights are no longer finite; the last good checkpoint is kept.")
    names = [name for name, _ in model.named_parameters()]
    save_file(dict(zip(names, (p.clone() for p in ema.shadow_params), strict=True)), run / "ema.tmp")
    states = [optimiser.state_dict() for optimiser in optimisers]
    whole = {"model": model.state_dict(), "optimisers": states, "ema": ema.state_dict(), "counts": counts}
    torch.save(whole, run / "checkpoint.tmp")
    (run / "ema.tmp").replace(run / "ema.safetensors")
    (run / "checkpoint.tmp").replace(run / "checkpoint.pt")
    (run / "run.json").write_text(json.dumps({"recipe": asdict(recipe)} | counts, indent=1) + "\n")


def _resume(run: Path, model: Model, ema: EMAModel, optimisers: Optimisers) -> dict:
    if not (run / "checkpoint.pt").exists():
        return {"pictures": 0, "steps": 0, "seconds": 0.0}
    whole = torch.load(run / "checkpoint.pt", weights_only=True)
    model.load_state_dict(whole["model"])
    for optimiser, kept in zip(optimisers, whole["optimisers"], strict=True):
        optimiser.load_state_dict(kept)
    ema.load_state_dict(whole["ema"])
    return whole["counts"]


def assemble(run: Path, dtype: torch.dtype = torch.float16) -> StableDiffusionPipeline:
    """The pipeline of a run: averaged weights, its tokenizer, its autoencoder (untrained if there is none yet)."""
    words = PreTrainedTokenizerFast.from_pretrained(run / "tokenizer")
    model = Model(words)
    model.load_state_dict(load_file(run / "ema.safetensors"), strict=False)
    transform = autoencoder.load_transform(run / "transform.safetensors")
    vae = autoencoder.build(transform)
    if (run / "vae").exists():
        vae = AutoencoderDC.from_pretrained(run / "vae")
    scheduler = DPMSolverMultistepScheduler(
        NUM_TRAIN_TIMESTEPS,
        **BETAS,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        steps_offset=1,
    )
    parts: dict[str, Any] = {"tokenizer": words, "text_encoder": model.text_encoder, "unet": model.unet, "vae": vae}
    absent: dict[str, Any] = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    pipe = StableDiffusionPipeline(scheduler=cast(Any, scheduler), **parts, **absent)
    return pipe.to(dtype=dtype)


def export(run: Path, folder: Path) -> None:
    """Write the run's pipeline, fp16 safetensors, with the linear preview and its words beside it."""
    assemble(run).save_pretrained(folder)
    _read_as_float32(folder / "text_encoder" / "config.json")
    transform = autoencoder.load_transform(run / "transform.safetensors")
    preview = {"weight": transform.inverse.T.contiguous(), "bias": transform.mean.contiguous()}
    save_file(preview, folder / "preview.safetensors")
    vocabulary.write(folder)
    _without_blanks(folder / "tokenizer" / "tokenizer.json")


def _read_as_float32(config: Path) -> None:
    """transformers reads weights as their config says, diffusers as float32: together they must say the same."""
    config.write_text(json.dumps(json.loads(config.read_text()) | {"dtype": "float32"}, indent=2) + "\n")


def _without_blanks(file: Path) -> None:
    """transformers writes a token a line, twice the bytes."""
    value = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the embedded text-to-image model.")
    parser.add_argument(
        "--run-folder", dest="run", type=Path, default=Path("runs/text-to-image"), help="the run's folder"
    )
    parser.add_argument("--pictures", type=int, default=Recipe.pictures, help="how many the run sees in all")
    parser.add_argument("--batch", type=int, default=Recipe.batch, help="pictures a step and process")
    parser.add_argument("--seed", type=int, default=Recipe.seed, help="of everything random in the run")
    parser.add_argument("--threads", type=int, default=1, help="a process's")
    parser.add_argument("--save-every", type=float, default=300, help="seconds between checkpoints")
    parser.add_argument("--earlier", type=Path, help="a model of ours whose weights a new run begins with")
    parser.add_argument("--export", type=Path, help="write the run's pipeline to this folder instead of training")
    args = parser.parse_args()
    if args.export:
        export(args.run, args.export)
    else:
        recipe = Recipe(pictures=args.pictures, batch=args.batch, seed=args.seed)
        train(recipe, args.run, args.threads, args.save_every, args.earlier)


if __name__ == "__main__":
    main()
