"""Peak bytes of one evaluation and of one decoding at real models' sizes, without their weights or their arithmetic.

Everything runs on torch's meta device, which knows shapes and nothing else; the bytes of what is alive are counted.
`pipelines/diffusion/footprint.py` has its constants from here: the last column, per token instead of per latent pixel
for the transformers, whose tokens are patches of 2 x 2 latent pixels and those of the prompt.
"""

import weakref
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    FluxTransformer2DModel,
    PixArtTransformer2DModel,
    SD3Transformer2DModel,
    UNet2DConditionModel,
)
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode


class Alive(TorchDispatchMode):
    """Counts the bytes of all tensors that were made in here and are still held; `most` is their peak."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._seen: dict[int, int] = {}

    def _gone(self, key: int) -> None:
        self.now -= self._seen.pop(key, 0)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                key = storage._cdata
                if key not in self._seen:
                    self._seen[key] = storage.nbytes()
                    self.now += storage.nbytes()
                    self.most = max(self.most, self.now)
                    weakref.finalize(storage, self._gone, key)
        return result


class FlashAttention(TorchFunctionMode):
    """Attention that makes its answer alone, as fused kernels do, and not the table of all pairs."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.nn.functional.scaled_dot_product_attention:
            return torch.empty_like(args[0] if args else kwargs["query"])
        return func(*args, **(kwargs or {}))


def peak(call: Any) -> int:
    counter = Alive()
    with torch.inference_mode(), FlashAttention(), counter:
        call()
    return counter.most


def unet(sdxl: bool) -> UNet2DConditionModel:
    if not sdxl:
        return UNet2DConditionModel(cross_attention_dim=768)
    return UNet2DConditionModel(
        block_out_channels=(320, 640, 1280),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 2, 10),
        attention_head_dim=(5, 10, 20),
        cross_attention_dim=2048,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816,
    )


def evaluations() -> dict[str, tuple[int, Any]]:
    """Name -> the width that its activations grow with, and a call for (side of the latents, rows)."""
    found: dict[str, tuple[int, Any]] = {}
    with torch.device("meta"):
        sd, sdxl = unet(False), unet(True)
        sd3 = SD3Transformer2DModel(sample_size=128, num_layers=2, num_attention_heads=24, caption_projection_dim=1536,
                                    attention_head_dim=64, joint_attention_dim=4096, pooled_projection_dim=2048,
                                    pos_embed_max_size=192, out_channels=16, in_channels=16)  # fmt: skip
        pixart = PixArtTransformer2DModel(
            num_layers=2, sample_size=128, use_additional_conditions=False, caption_channels=4096
        )
        flux = FluxTransformer2DModel(num_layers=1, num_single_layers=1, guidance_embeds=True)

    def told(*shape: int) -> torch.Tensor:
        return torch.empty(*shape, device="meta")

    found["sd"] = 320, lambda s, n: sd(told(n, 4, s, s), told(n), told(n, 77, 768))
    added = lambda n: {"text_embeds": told(n, 1280), "time_ids": told(n, 6)}  # noqa: E731
    found["sdxl"] = 320, lambda s, n: sdxl(told(n, 4, s, s), told(n), told(n, 77, 2048), added_cond_kwargs=added(n))
    found["sd3"] = 1536, lambda s, n: sd3(told(n, 16, s, s), told(n, 333, 4096), told(n, 2048), told(n))
    found["pixart"] = (
        1152,
        lambda s, n: pixart(told(n, 4, s, s), told(n, 120, 4096), told(n), {"resolution": None, "aspect_ratio": None}),
    )
    found["flux"] = 3072, lambda s, n: flux(told(n, s * s // 4, 64), told(n, 512, 4096), told(n, 768), told(n),
                                            told(s * s // 4, 3), told(512, 3), told(n))  # fmt: skip
    return found


def decoders() -> dict[str, tuple[int, Any]]:
    levels = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
    with torch.device("meta"):
        kl = AutoencoderKL(block_out_channels=(128, 256, 512, 512), layers_per_block=2, **levels)
        tiny = AutoencoderTiny()
    return {
        "AutoencoderKL": (128, lambda s, n: kl.decode(torch.empty(n, 4, s, s, device="meta"))),
        "AutoencoderTiny": (64, lambda s, n: tiny.decode(torch.empty(n, 4, s, s, device="meta"))),
    }


def main() -> None:
    print(
        f"{'':16} {'latents':>8} {'rows':>4} {'peak MiB (float32)':>20} {'elements / (row, latent pixel, width)':>40}"
    )
    for name, (width, call) in (evaluations() | decoders()).items():
        for side, rows in ((32, 1), (64, 1), (64, 2), (128, 1), (128, 2)):
            most = peak(lambda call=call, side=side, rows=rows: call(side, rows))
            print(f"{name:16} {side:5}^2 {rows:4} {most / 2**20:20.1f} {most / 4 / rows / side**2 / width:40.2f}")


if __name__ == "__main__":
    main()
