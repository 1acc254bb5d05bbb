"""Small add-ons with random weights, in the forms that other tools write them."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from diffusers.models.embeddings import ImageProjection, IPAdapterFullImageProjection, IPAdapterPlusImageProjection
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

RANK, ALPHA = 3, 6.0
UNET_MARKS = ("attn1.to_q", "attn2.to_k", "attn1.to_out.0", "proj_in", "resnets.0.conv1", "resnets.0.time_emb_proj")
TEXT_MARKS = ("self_attn.q_proj", "mlp.fc1")
TRANSFORMER_MARKS = ("attn.to_q", "attn.to_out.0")

Products = dict[tuple[str, str], tuple[Tensor, Tensor]]
"""(part, module path) -> down, up."""


def random_products(parts: dict[str, Any], seed: int = 0, spread: float = 0.3) -> Products:
    """Products for some modules of every part: linear maps, convolutions, 1 x 1 convolutions."""
    draw = torch.Generator().manual_seed(seed)
    products: Products = {}
    for part, path, module in _modules(parts):
        weight = module.weight
        down = torch.randn(RANK, *weight.shape[1:], generator=draw) * spread
        products[part, path] = down, torch.randn(weight.shape[0], RANK, *[1] * (weight.dim() - 2), generator=draw)
    return products


def _modules(parts: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for part, whole in parts.items():
        marks = {"unet": UNET_MARKS, "transformer": TRANSFORMER_MARKS}.get(part, TEXT_MARKS)
        for path, module in whole.named_modules():
            if isinstance(module, nn.Linear | nn.Conv2d) and path.endswith(marks):
                yield part, path.removeprefix("text_model."), module


def t5_products(part: str, encoder: Any) -> Products:
    draw = torch.Generator().manual_seed(7)
    paths = [path for path, _ in encoder.named_modules() if path.endswith(("SelfAttention.q", "DenseReluDense.wo"))]
    shapes = {path: encoder.get_submodule(path).weight.shape for path in paths}
    return {
        (part, path): (torch.randn(RANK, wide, generator=draw) * 0.3, torch.randn(high, RANK, generator=draw))
        for path, (high, wide) in shapes.items()
    }


def merge(parts: dict[str, Any], products: Products, weight: float, text_weight: float, scale: float = ALPHA / RANK):
    """Adds the products into the weights themselves, the plainest form of what a LoRA means."""
    for (part, path), (down, up) in products.items():
        whole = parts[part]
        inner = getattr(whole, "text_model", whole)
        module = inner.get_submodule(path)
        product = torch.einsum("or,r...->o...", up.flatten(1), down) * scale
        module.weight.data += product * (text_weight if part.startswith("text") else weight)


def kohya(products: Products, sdxl: bool = False, names: Callable[[str], str] = lambda path: path) -> dict[str, Tensor]:
    prefixes = {"unet": "lora_unet_", "text_encoder_2": "lora_te2_text_model_"}
    prefixes["text_encoder"] = "lora_te1_text_model_" if sdxl else "lora_te_text_model_"
    keys: dict[str, Tensor] = {}
    for (part, path), (down, up) in products.items():
        name = prefixes[part] + (names(path) if part == "unet" else path).replace(".", "_")
        keys |= {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up, f"{name}.alpha": torch.tensor(ALPHA)}
    return keys


def diffusers(products: Products, scale: float = ALPHA / RANK) -> dict[str, Tensor]:
    """Without an alpha: what it says is in `up`."""
    keys: dict[str, Tensor] = {}
    for (part, path), (down, up) in products.items():
        inner = "text_model." if part.startswith("text") else ""
        name = f"{part}.{inner}{path}"
        keys |= {f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up * scale}
    return keys


def older_diffusers(products: Products, scale: float = ALPHA / RANK) -> dict[str, Tensor]:
    """The processors' keys of the attention, as the first scripts wrote them; only those can be said so."""
    keys: dict[str, Tensor] = {}
    for (part, path), (down, up) in products.items():
        before, _, name = path.removesuffix(".0").rpartition(".")
        stem = f"{part}.{before}.processor.{name}_lora"
        keys |= {f"{stem}.down.weight": down, f"{stem}.up.weight": up * scale}
    return keys


Matrices = dict[str, tuple[Tensor, Tensor]]
"""A module's original name -> down, up."""


def matrices(original: dict[str, Tensor], seed: int = 0, spread: float = 0.3) -> Matrices:
    """Products for every matrix of a transformer in its authors' layout, fused ones as they are."""
    draw = torch.Generator().manual_seed(seed)

    def some(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw) * spread

    return {
        name.removesuffix(".weight"): (
            some(RANK, *weight.shape[1:]),
            some(weight.shape[0], RANK, *[1] * (weight.dim() - 2)),
        )
        for name, weight in original.items()
        if name.endswith(".weight") and weight.dim() > 1
    }


def merge_original(original: dict[str, Tensor], products: Matrices, weight: float) -> dict[str, Tensor]:
    """W + weight * alpha / rank * up @ down."""
    merged = dict(original)
    for name, (down, up) in products.items():
        product = torch.einsum("or,r...->o...", up.flatten(1), down)
        merged[f"{name}.weight"] = original[f"{name}.weight"] + product * (weight * ALPHA / RANK)
    return merged


def kohya_original(products: Matrices) -> dict[str, Tensor]:
    keys: dict[str, Tensor] = {}
    for path, (down, up) in products.items():
        name = "lora_unet_" + path.replace(".", "_")
        keys |= {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up, f"{name}.alpha": torch.tensor(ALPHA)}
    return keys


def dotted_original(products: Matrices, prefix: str) -> dict[str, Tensor]:
    """As ComfyUI and others write them: without an alpha, what it says is in `up`."""
    keys: dict[str, Tensor] = {}
    for path, (down, up) in products.items():
        keys |= {f"{prefix}{path}.lora_A.weight": down, f"{prefix}{path}.lora_B.weight": up * (ALPHA / RANK)}
    return keys


def save(folder: Path, name: str, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, path, metadata)
    return path


def clip_vision(seed: int = 0, side: int = 32, width: int = 48, projection: int = 40) -> Any:
    """An image encoder that sees `side` pixels in 16 patches. Its heads are what ours guesses of that width: one."""
    torch.manual_seed(seed)
    config = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=1,
        image_size=side,
        patch_size=side // 4,
        projection_dim=projection,
        hidden_act="gelu",
    )
    module = CLIPVisionModelWithProjection(config).eval()
    for parameter in module.parameters():
        parameter.data.mul_(4)  # as made it says nearly the same of every picture
    return module


def ip_adapter(unet: Any, form: str = "plain", width: int = 48, projection: int = 40) -> dict[str, Tensor]:
    """Weights by the published names of a "plain", "plus" or "full-face" IP-Adapter for that UNet."""
    torch.manual_seed(0)
    context = unet.config.cross_attention_dim
    projections = {
        "plain": lambda: ImageProjection(projection, context, 4),
        "plus": lambda: IPAdapterPlusImageProjection(width, context, 32, 4, 64, 1, 6),
        "full-face": lambda: IPAdapterFullImageProjection(width, context),
    }
    made = projections[form]().state_dict()
    keys = {f"image_proj.{name}": made[theirs] for name, theirs in _ip_names(made, form)}
    if form == "plus":
        for i in range(4):
            halves = (keys.pop(f"image_proj.layers.{i}.0.to_{name}.weight") for name in "kv")
            keys[f"image_proj.layers.{i}.0.to_kv.weight"] = torch.cat(list(halves))
    places = [name.removesuffix(".processor") for name in unet.attn_processors if "attn2" in name]
    for i, place in enumerate(places):
        shape = unet.get_submodule(place).to_k.weight.shape
        for name in ("to_k_ip", "to_v_ip"):
            keys[f"ip_adapter.{2 * i + 1}.{name}.weight"] = torch.randn(shape) / shape[1] ** 0.5
    return keys


def _ip_names(made: Iterable[str], form: str) -> Iterator[tuple[str, str]]:
    """The published name of each of diffusers' weights."""
    said = {
        "plain": {"image_embeds": "proj"},
        "full-face": {"ff.net.0.proj": "proj.0", "ff.net.2": "proj.2", "norm": "proj.3"},
        "plus": {
            "attn.to_out.0": "0.to_out",
            "attn": "0",
            "ln0": "0.norm1",
            "ln1": "0.norm2",
            "ff.1.net.0.proj": "1.1",
            "ff.1.net.2": "1.3",
            "ff.0": "1.0",
        },
    }[form]
    for theirs in made:
        start = next((ours for ours in said if f".{ours}." in f".{theirs}"), "")
        yield (f".{theirs}".replace(f".{start}.", f".{said[start]}.", 1)[1:] if start else theirs), theirs
