"""A model folder in memory: prompt -> embedding, rows -> prediction, latents -> pixels."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from pipelines import libs, models, prompts
from pipelines.diffusion.denoiser import TrainedProcess, UNetNetwork
from pipelines.diffusion.preview import LinearPreview, fitted_preview, sd1_preview
from pipelines.errors import BadFile, BadRequest
from pipelines.memory import is_out_of_memory
from pipelines.models import ModelInfo
from pipelines.prompts import embedding

KEPT_PROMPTS = 64
LARGEST_PREVIEW_PATCH = 16
_loading = threading.Lock()  # both libraries patch torch while they load; two loads at once could see each other


class Bundle:
    """Text encoder, UNet and decoder of one model. Encoding and decoding hold a lock: fast tokenizers are not
    safe in two threads, and each prompt and each picture goes through alone, so that company cannot change it."""

    def __init__(self, info: ModelInfo, tokenizer: Any, text_encoder: Any, unet: Any, vae: Any) -> None:
        self.info, self.tokenizer, self.text_encoder, self.unet, self.vae = info, tokenizer, text_encoder, unet, vae
        self.process = trained_process(info.configs["scheduler"])
        self._lock = threading.Lock()
        self._prompts: OrderedDict[tuple[prompts.Sections, str], tuple[Tensor, int]] = OrderedDict()
        self._check_parts_fit()
        self.preview = self._preview()

    @property
    def nbytes(self) -> int:
        return sum(p.nbytes for part in self._parts() for p in (*part.parameters(), *part.buffers()))

    @property
    def device(self) -> torch.device:
        return self.unet.device

    def to(self, device: Any) -> "Bundle":
        with self._lock:
            for part in self._parts():
                part.to(device)
            self.preview = self.preview.to(device)
            self._prompts.clear()
        return self

    def _parts(self) -> tuple[Any, Any, Any]:
        return self.text_encoder, self.unet, self.vae

    @property
    def latent_factor(self) -> int:
        """Pixels along one side of a latent pixel."""
        return 2 ** (len(self.vae.config.block_out_channels) - 1)

    @property
    def prompt_length(self) -> int:
        return min(self.tokenizer.model_max_length, self.text_encoder.config.max_position_embeddings)

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        f = self.latent_factor
        if width % f or height % f:
            raise BadRequest(f"width and height must be multiples of {f} for this model; got {width} and {height}.")
        return self.unet.config.in_channels, height // f, width // f

    def network(self, shape: tuple[int, int, int]) -> UNetNetwork:
        rows = rows_of_a_batch(self.device.type, shape[1] * shape[2])
        return UNetNetwork(self.unet, f"{self.info.name}:{shape[1]}x{shape[2]}", rows)

    @property
    def most_tokens(self) -> int:
        """How much of a prompt is read: chunks of what the text encoder can take at once."""
        return embedding.MOST_CHUNKS * embedding.Frame.of(self.tokenizer, self.prompt_length).room

    def embed(self, sections: prompts.Sections, weighting: str) -> tuple[Tensor, int]:
        """Embedding (L, D) of a text with weights, and how many tokens at its end were left out."""
        with self._lock, torch.inference_mode():
            key = (sections, weighting)
            if key not in self._prompts:
                length = self.prompt_length
                self._prompts[key] = embedding.embed(sections, self.tokenizer, self._encode_ids, length, weighting)
                if len(self._prompts) > KEPT_PROMPTS:
                    self._prompts.popitem(last=False)
            self._prompts.move_to_end(key)
            return self._prompts[key]

    def _encode_ids(self, ids: list[int], read: int) -> Tensor:
        """Embedding (L, D) of the ids of one chunk, the first `read` of which are not padding."""
        mask = None
        if getattr(self.text_encoder.config, "use_attention_mask", None):
            mask = (torch.arange(len(ids), device=self.device) < read).long()[None]
        return self.text_encoder(torch.tensor([ids], device=self.device), attention_mask=mask)[0][0]

    def encode_picture(self, picture: np.ndarray) -> Tensor:
        """uint8 (H, W, 3) -> latents (C, h, w) in the network's own scale: the most likely ones, without a draw."""
        image = torch.from_numpy(picture).permute(2, 0, 1)[None].to(self.device) / 127.5 - 1  # (1, 3, H, W) in [-1, 1]
        with self._lock, torch.inference_mode():
            latents = _encoded(self.vae.encode(image.to(self.vae.dtype)))[0].float()
        if not torch.isfinite(latents).all():
            raise BadRequest("this model's encoder turned the picture into NaN. Choose another picture or model.")
        return (latents - self._shift) * self.vae.config.scaling_factor

    def decode(self, latents: Tensor) -> np.ndarray:
        """Latents (C, h, w) of one picture in the network's own scale -> uint8 (H, W, 3)."""
        with self._lock, torch.inference_mode():
            picture = self._decode(latents[None])[0].float()  # (3, H, W) in [-1, 1]
        if not torch.isfinite(picture).all():
            raise BadRequest("the decoder turned these latents into NaN; lower guidance_scale or use more steps.")
        levels = (picture / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
        return levels.permute(1, 2, 0).cpu().numpy()

    def _decode(self, latents: Tensor) -> Tensor:
        scaled = latents.to(self.vae.dtype) / self.vae.config.scaling_factor + self._shift
        return self.vae.decode(scaled, return_dict=False)[0]

    @property
    def _shift(self) -> float:
        """The mean of the autoencoder's own latents, where its config says one."""
        return self.vae.config.get("shift_factor") or 0.0

    def _preview(self) -> LinearPreview:
        file = self.info.folder / "preview.safetensors"
        channels = self.unet.config.in_channels
        if file.is_file():
            return _preview_from(file, channels)
        config = self.vae.config
        if channels == 4 and len(config.block_out_channels) == 4 and abs(config.scaling_factor - 0.18215) < 1e-6:
            return sd1_preview()
        with torch.inference_mode():
            return fitted_preview(self._decode, channels, self.device)

    def _check_parts_fit(self) -> None:
        unet, text, vae = self.unet.config, self.text_encoder.config, self.vae.config
        for what, one, other in (
            ("the UNet's in_channels and out_channels", unet.in_channels, unet.out_channels),
            ("the UNet's in_channels and the decoder's latent_channels", unet.in_channels, vae.latent_channels),
            ("the UNet's cross_attention_dim and the text encoder's width", unet.cross_attention_dim, text.hidden_size),
        ):
            if one != other:
                raise BadFile(f"{what} must be equal; got {one} and {other}. The folder mixes parts of two models.")
        if len(self.tokenizer) > text.vocab_size:
            raise BadFile(
                f"the tokenizer has {len(self.tokenizer)} tokens, the text encoder only {text.vocab_size}. "
                "The folder mixes parts of two models."
            )


def _encoded(output: Any) -> Tensor:
    """Latents as each kind of autoencoder says them: AutoencoderKL, AutoencoderTiny, AutoencoderDC."""
    if hasattr(output, "latent_dist"):
        return output.latent_dist.mode()
    return output.latents if hasattr(output, "latents") else output.latent


def rows_of_a_batch(device_type: str, latent_pixels: int) -> int:
    """How many rows every call of the network has. Small latents batch nearly for free, large ones not at all."""
    if device_type == "cpu":
        return 4 if latent_pixels <= 64 else 2 if latent_pixels <= 256 else 1
    return 16 if latent_pixels <= 256 else 4 if latent_pixels <= 1024 else 2


def trained_process(config: dict[str, Any]) -> TrainedProcess:
    """The noise process that a scheduler's config describes, as diffusers computes it."""
    known = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas")
    settings = {name: config[name] for name in known if config.get(name) is not None}
    settings["rescale_betas_zero_snr"] = bool(config.get("rescale_betas_zero_snr", False))
    try:
        scheduler = libs.diffusers().DDPMScheduler(**settings)
        alphas_cumprod = scheduler.alphas_cumprod.double()
    except (ValueError, TypeError, NotImplementedError, RuntimeError):
        raise BadFile("scheduler_config.json describes no known noise schedule. Copy the folder again.") from None
    if alphas_cumprod[-1] == 0:  # zero terminal SNR: its sigma would be infinite; diffusers stops at 2**-24 as well
        alphas_cumprod[-1] = min(2.0**-24, float(alphas_cumprod[-2]) / 2)
    falling = bool((alphas_cumprod.diff() < 0).all()) if len(alphas_cumprod) > 1 else False
    if not falling or not 0 < alphas_cumprod[-1] < alphas_cumprod[0] < 1:
        raise BadFile("the betas in scheduler_config.json must lie between 0 and 1. Copy the folder again.")
    return TrainedProcess(alphas_cumprod, config.get("prediction_type", "epsilon"))


def load(info: ModelInfo, dtype: Any = torch.float32) -> Bundle:
    """The model of a folder that `models.inspect` has passed, on the CPU. Raises BadFile when its parts do not fit."""
    diffusers, transformers = libs.diffusers(), libs.transformers()
    with _loading:
        unet = _load_part(diffusers.UNet2DConditionModel.from_pretrained, info, "unet", dtype)
        vae = _load_part(getattr(diffusers, info.classes["vae"]).from_pretrained, info, "vae", dtype)
        text_encoder = _load_part(transformers.CLIPTextModel.from_pretrained, info, "text_encoder", dtype)
        tokenizer = load_tokenizer(transformers, info)
        return Bundle(info, tokenizer, text_encoder, unet, vae)


def _load_part(from_pretrained: Callable[..., Any], info: ModelInfo, part: str, dtype: Any) -> Any:
    half = ".fp16." in info.weights[part].name
    try:
        module, report = from_pretrained(
            str(info.folder / part),
            dtype=dtype,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            **({"variant": "fp16"} if half else {}),
        )
    except (ValueError, RuntimeError, OSError, TypeError, KeyError, ZeroDivisionError, IndexError) as error:
        if is_out_of_memory(error):
            raise
        raise BadFile(f"the weights of {part} do not fit its config.json: one of the two is not its own.") from error
    missing = report["missing_keys"]
    if missing:
        raise BadFile(f"{part} lacks {len(missing)} of its weights ({min(missing)[:60]}, ...). Copy the folder again.")
    if not all(bool(torch.isfinite(p).all()) for p in module.parameters()):
        raise BadFile(f"{part} has weights that are not numbers (NaN or infinite). Copy the folder again.")
    return module.eval().requires_grad_(False)


def load_tokenizer(transformers: Any, info: ModelInfo) -> Any:
    """The model's tokenizer alone. Raises BadFile."""
    folder = info.folder / "tokenizer"
    kind = transformers.PreTrainedTokenizerFast if (folder / "tokenizer.json").is_file() else transformers.CLIPTokenizer
    try:
        tokenizer = kind.from_pretrained(str(folder), local_files_only=True)
    except (ValueError, OSError, KeyError, TypeError, AttributeError) as error:
        raise BadFile("the tokenizer's files are damaged. Copy the folder again.") from error
    if tokenizer.pad_token_id is None:
        raise BadFile("the tokenizer has no pad token; set pad_token in tokenizer_config.json.")
    return tokenizer


def _preview_from(file: Any, channels: int) -> LinearPreview:
    shapes = models.check_safetensors(file)
    match shapes.get("weight"), shapes.get("bias"):
        case (c, columns), (also,) if c == channels and columns == also <= 3 * LARGEST_PREVIEW_PATCH**2:
            tensors = safetensors.torch.load_file(str(file))
            return LinearPreview(tensors["weight"].float(), tensors["bias"].float())
    raise BadFile(f"preview.safetensors must hold weight ({channels}, 3*p*p) and bias (3*p*p); remove the file.")
