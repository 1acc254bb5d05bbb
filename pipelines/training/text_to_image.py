"""Trains the embedded text-to-image model: UNet and text encoder together, on pictures drawn on the fly.

One process:        python -m pipelines.training.text_to_image
Two on the CPU:     torchrun --standalone --nproc_per_node 2 -m pipelines.training.text_to_image
GPUs and hosts:     accelerate launch -m pipelines.training.text_to_image

The run's folder holds everything: the last checkpoints (a run goes on from them), the averaged weights, the log.
Ctrl-C ends a run after the step that it is in, and keeps it.
"""

import argparse
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import AttnProcessor
from diffusers.models.autoencoders.autoencoder_dc import AutoencoderDC
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, PreTrainedTokenizerFast

from pipelines.data import composition_layout as layout
from pipelines.data import sentences, vocabulary
from pipelines.errors import BadFile, StudioError
from pipelines.learning import console, optimisers
from pipelines.learning import recipe as learning
from pipelines.learning.events import Event, Report, Resumed, Saved
from pipelines.learning.moments import Moment
from pipelines.learning.task import Lesson, Player
from pipelines.learning.training import Training
from pipelines.learning.wishes import Wishes
from pipelines.training import autoencoder, earlier_model, pool
from pipelines.training import word_tokenizer as tokenizer
from pipelines.training.together import Together

NUM_TRAIN_TIMESTEPS = 1000
BETAS = {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02}
"""Sixty-four latents agree on a background, so its colour is decided far out in the noise: at an SNR of 1/400. The
linear schedule spends a fifth of its steps there; the cosine one three in a hundred (docs/LOG.md)."""


WIDTH = 128
"""Of the text encoder."""
BLOCKS = (128, 192)
"""Channels of the UNet's two levels."""
CAPTIONS = 9
"""What the dice of captions are for: the pool has the moment's own."""


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

    def loop(self, processes: int, save_every: float) -> learning.Recipe:
        """The same for the loop, which counts steps of all processes together."""
        steps = math.ceil(self.pictures / (self.batch * processes))
        return learning.Recipe(
            steps, self.batch, seed=self.seed, ema_decay=self.ema_decay, report_every=20, save_every=save_every
        )


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


class Examples:
    """What is drawn and said of it, for every moment of a training."""

    def __init__(self, words: PreTrainedTokenizerFast, transform: autoencoder.PatchTransform, dropout: float) -> None:
        self._words, self._transform, self._dropout = words, transform, dropout
        self._pools: dict[int, pool.Pool] = {}

    def batch(self, moment: Moment) -> Batch:
        examples = self._pools.setdefault(moment.part, pool.Pool(self._transform))
        latents, made, kinds = examples.draw(moment)
        rng = np.random.default_rng((moment.seed, CAPTIONS, moment.step, moment.part))
        dropped = rng.random(moment.batch) < self._dropout
        captions = ["" if drop else sentences.of_composition(one, rng) for one, drop in zip(made, dropped, strict=True)]
        tokens = self._words(
            captions, padding="max_length", max_length=tokenizer.MAX_LENGTH, truncation=True, return_tensors="pt"
        ).input_ids
        layouts = torch.from_numpy(np.stack([layout.of_composition(one) for one in made]))
        return Batch(latents, tokens, layouts, kinds)


def losses_of(
    model: Callable[..., tuple[Tensor, Tensor]], process: DDPMScheduler, batch: Batch, noise: torch.Generator
) -> tuple[Tensor, Tensor]:
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


class PicturesTask:
    """Text encoder and UNet, and the drawn pictures that they learn from."""

    def __init__(self, recipe: Recipe, model: Model, examples: Examples, processes: Together) -> None:
        self.model, self._recipe, self._examples, self._processes = model, recipe, examples, processes
        rates = (recipe.muon_learning_rate, recipe.learning_rate)
        self.players = {"": Player(optimisers.muon_and_adamw(model, rates), clip=1.0)}
        self._process = DDPMScheduler(NUM_TRAIN_TIMESTEPS, **BETAS, prediction_type="v_prediction")

    def turns(self, step: int) -> Sequence[str]:
        return ("",)

    def rate(self, step: int) -> float:
        return self._recipe.rate(step * self._recipe.batch * self._processes.count)

    def lesson(self, player: str, moment: Moment) -> Lesson:
        batch = self._examples.batch(moment).to(self._processes.device)
        error, missed = losses_of(self._answer, self._process, batch, moment.draw())
        bands: dict[str, list[float]] = {"reading": missed.detach().tolist()}
        for kind, value in zip(batch.kinds, error.detach().tolist(), strict=True):
            bands.setdefault(kind, []).append(value)
        return Lesson(error.mean() + self._recipe.reading * missed.mean(), bands)

    def _answer(self, *given: Tensor) -> tuple[Tensor, Tensor]:
        with self._processes.autocast():
            return self.model(*given)


def train(
    recipe: Recipe,
    run: Path,
    threads: int,
    save_every: float,
    earlier: Path | None = None,
    wishes: Wishes | None = None,
) -> None:
    """Train until `recipe.pictures` were seen, saving a checkpoint every `save_every` seconds. Raises BadFile where an
    older studio began the run, BadRequest where it diverges."""
    torch.set_num_threads(threads)
    checkpoints = run / "checkpoints"
    if (run / "checkpoint.pt").exists() and not checkpoints.exists():
        raise BadFile("this run was begun by an older version and cannot go on. Export it, or give another folder.")
    processes = Together("bf16")
    run.mkdir(parents=True, exist_ok=True)
    words, transform = _vocabulary_and_transform(run, processes, earlier)
    torch.manual_seed(recipe.seed)
    model = Model(words)
    if earlier:
        earlier_model.take_over(model.unet, model.text_encoder, words, earlier)
    if processes.device.type == "cpu":
        model.attend_by_plain_products()
    model.to(processes.device)
    task = PicturesTask(recipe, model, Examples(words, transform, recipe.caption_dropout), processes)
    training = Training(task, recipe.loop(processes.count, save_every), processes)
    for event in training.run(checkpoints, wishes):
        if processes.rank == 0:
            _write(run, event, training, recipe)
    processes.close()


def _vocabulary_and_transform(run: Path, processes: Together, earlier: Path | None):
    """The run's tokenizer and patch transform, made by its first process if they are not there yet; the latents stay
    those of the `earlier` model, so that its decoder stays right."""
    with processes.first_before_others():
        if not (run / "transform.safetensors").exists():
            tokenizer.build().save_pretrained(run / "tokenizer")
            autoencoder.save_transform(_transform(earlier), run / "transform.safetensors")
    words = PreTrainedTokenizerFast.from_pretrained(run / "tokenizer")
    return words, autoencoder.load_transform(run / "transform.safetensors")


def _transform(earlier: Path | None) -> autoencoder.PatchTransform:
    if earlier:
        return earlier_model.transform_of(earlier)
    return autoencoder.fit_transform(autoencoder.pictures(4000, np.random.default_rng(0)))


def _write(run: Path, event: Event, training: Training, recipe: Recipe) -> None:
    """What an event leaves in the run's folder: a line of the log; the averaged weights of what was saved."""
    if isinstance(event, Report):
        means = {kind: round(value, 4) for kind, value in event.losses.items()}
        entry: dict[str, Any] = {"step": event.step, "pictures": event.seen, "seconds": round(event.seconds)}
        entry |= {"a_second": round(event.a_second, 1), "gradient": round(event.gradient, 3)}
        entry |= {"rate": round(recipe.rate(event.seen), 6), "loss": means}
        with open(run / "log.jsonl", "a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")
        print(json.dumps(entry), flush=True)
    elif isinstance(event, Resumed) and event.note:
        print(event.note, flush=True)
    if isinstance(event, Saved | Resumed):
        averaged = {name: weight.contiguous() for name, weight in training.averaged.named_parameters()}
        save_file(averaged, run / "ema.tmp")
        (run / "ema.tmp").replace(run / "ema.safetensors")
        counts = {"pictures": training.seen, "steps": training.step, "seconds": training.seconds}
        (run / "run.json").write_text(json.dumps({"recipe": asdict(recipe)} | counts, indent=1) + "\n")


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
        try:
            train(recipe, args.run, args.threads, args.save_every, args.earlier, console.stopped_by_signals())
        except StudioError as error:
            raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
