"""What goes on top of a model: LoRA, textual inversion, ControlNet, IP-Adapter, motion modules; and of which base."""

import re
from dataclasses import dataclass

from pipelines.models.library.denoisers import CONTEXTS, Shapes, context_width

LORA_NAMES: tuple[tuple[str, str], ...] = (
    # what a tensor's name ends with, and the family of adapter
    (".lora_down.weight", "lora"),
    (".lora_A.weight", "lora"),
    (".lora_A.default.weight", "lora"),
    ("lora.down.weight", "lora"),
    ("lora_linear_layer.down.weight", "lora"),
    ("_lora.down.weight", "lora"),
    ("_lora1.down.weight", "lora"),
    (".hada_w1_a", "loha"),
    (".lokr_w1", "lokr"),
    (".lokr_w1_a", "lokr"),
    (".oft_blocks", "oft"),
    (".oft_diag", "oft"),
    (".on_input", "ia3"),
    (".a1.weight", "glora"),
    (".diff", "full"),
    (".diff_b", "full"),
    (".w_norm", "norm"),
    (".b_norm", "norm"),
)
LORA_STARTS = ("lora_unet_", "lora_te", "lycoris_", "lora_transformer_", "lora_prior_")
TOKEN_WIDTHS = {768: "sd1", 1024: "sd2"}
MOST_INVERSION_TENSORS = 4


@dataclass(frozen=True)
class Adapter:
    kind: str
    architecture: str
    variant: str = ""
    layout: str = ""
    rank: int = 0


def find(shapes: Shapes) -> Adapter | None:
    """The adapter that the tensors are, or None."""
    for look in (_ip_adapter, _lllite, _lora, _controlnet, _motion, _inversion):
        if found := look(shapes):
            return found
    return None


def _lora(shapes: Shapes) -> Adapter | None:
    """A tenth of the tensors and more are halves of low-rank matrices, or of what LyCORIS puts in their place."""
    families = [family for name in shapes for end, family in LORA_NAMES if name.endswith(end)]
    if not families or len(families) * 20 < len(shapes):
        return None
    if any(name.startswith(("model.diffusion_model.", "first_stage_model.")) for name in shapes):
        return None
    if "lora_controlnet" in shapes:
        return Adapter("controlnet", _unet_base(shapes), "control-lora", "original")
    family = max(set(families), key=families.count)
    kohya = any(name.startswith(LORA_STARTS) for name in shapes)
    layout = "lycoris" if family != "lora" else "kohya" if kohya else "diffusers"
    return Adapter("lora", lora_base(shapes), "" if family == "lora" else family, layout, _rank(shapes))


def _rank(shapes: Shapes) -> int:
    for name, shape in shapes.items():
        if name.endswith((".lora_down.weight", ".lora_A.weight", "lora.down.weight", "layer.down.weight")) and shape:
            return shape[0]
        if name.endswith((".hada_w1_b", ".lokr_w2_b")) and shape:
            return shape[0]
    return 0


BASE_NAMES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("flux2", re.compile(r"(single|double)_stream_modulation|single_transformer_blocks[._]\d+[._]attn[._]to_qkv_mlp")),
    (
        "flux",
        re.compile(r"single_transformer_blocks[._]\d+|single_blocks[._]\d+[._]|double_blocks[._]\d+[._](img|txt)_"),
    ),
    ("sd3", re.compile(r"joint_blocks[._]\d+|transformer_blocks[._]\d+[._]attn[._]add_[qkv]_proj")),
    ("qwen-image", re.compile(r"transformer_blocks[._]\d+[._](img_mlp|img_mod|txt_mlp)")),
    ("pixart", re.compile(r"blocks[._]\d+[._]cross_attn[._](q|kv)_linear")),
    ("wan", re.compile(r"blocks[._]\d+[._](cross|self)_attn[._][qkvo][._]")),
    ("z-image", re.compile(r"(noise_refiner|context_refiner|layers)[._]\d+[._]attention[._]")),
    ("sana", re.compile(r"transformer_blocks[._]\d+[._]ff[._]conv_(inverted|depth|point)")),
)


def lora_base(shapes: Shapes) -> str:
    """Which base a LoRA fits: by the names of its blocks, else by how wide the text is that its attention reads."""
    joined = list(shapes)
    for base, pattern in BASE_NAMES:
        # what comes first is told from what it resembles: add_q_proj is in FLUX, SD3 and Qwen-Image alike
        if any(pattern.search(name) for name in joined):
            return _qwen_or_sd3(joined) if base == "sd3" else base
    if any(name.startswith("lora_te3_") for name in joined):
        return "sd3" if any(name.startswith("lora_te2_") for name in joined) else "flux"
    of_transformer = any(name.startswith(("transformer.", "lora_transformer_")) for name in joined)
    if not of_transformer and any(name.startswith(("lora_te2_", "lora_te1_", "text_encoder_2.")) for name in joined):
        return "sdxl"
    width = text_context(shapes)
    if width:
        return CONTEXTS.get(width, "unknown")
    if any(re.search(r"down_blocks[._]\d+[._]attentions[._]\d+[._]transformer_blocks[._][1-9]", n) for n in joined):
        return "sdxl"
    if any(re.search(r"input_blocks[._][78][._]1[._]transformer_blocks[._][1-9]", n) for n in joined):
        return "sdxl"
    return TOKEN_WIDTHS.get(_text_width(shapes), "unknown")


def _qwen_or_sd3(names: list[str]) -> str:
    return "qwen-image" if any(re.search(r"[._](img|txt)_(mlp|mod)[._]", name) for name in names) else "sd3"


def text_context(shapes: Shapes) -> int:
    """The columns of the matrix that is added to attn2.to_k, from whichever halves are stored."""
    for name, shape in shapes.items():
        if not re.search(r"attn2[._](processor[._])?to_k", name) or len(shape) < 2:
            continue
        if re.search(r"(lora_down|lora_A|lora_A\.default|lora\.down|layer\.down)\.weight$", name):
            return shape[1]
        if name.endswith((".hada_w1_b", ".diff")):
            return shape[1]
        if name.endswith(".lokr_w1") or name.endswith(".lokr_w1_b"):
            stem = name.rsplit(".", 1)[0]
            other = shapes.get(f"{stem}.lokr_w2") or shapes.get(f"{stem}.lokr_w2_b") or ()
            return shape[1] * other[1] if len(other) > 1 else 0
    return 0


def _text_width(shapes: Shapes) -> int:
    for name, shape in shapes.items():
        text = name.startswith(("lora_te_", "text_encoder."))
        query = text and re.search(r"self_attn[._]q_proj", name)  # apart from the ending: together they are quadratic
        if query and name.endswith(("down.weight", "lora_A.weight")) and len(shape) == 2:
            return shape[1]
    return 0


def _unet_base(shapes: Shapes) -> str:
    if any("add_embedding.linear_1" in name or "label_emb.0.0" in name for name in shapes):
        return "sdxl"
    return CONTEXTS.get(context_width(shapes.items()), "unknown")


def _controlnet(shapes: Shapes) -> Adapter | None:
    def has(*names: str) -> bool:
        return any(name in shapes for name in names)

    if has("control_model.input_hint_block.0.weight", "input_hint_block.0.weight"):
        return Adapter("controlnet", _unet_base(shapes), "", "original")
    if has("controlnet_cond_embedding.conv_in.weight") and has("controlnet_down_blocks.0.weight"):
        union = has("task_embedding", "control_add_embedding.linear_1.weight")
        return Adapter("controlnet", _unet_base(shapes), "union" if union else "", "diffusers")
    if any(re.match(r"(controlnet_blocks|controlnet_single_blocks)\.0\.", name) for name in shapes):
        sd3 = has("pos_embed.proj.weight", "pos_embed_input.proj.weight")
        layout = "original" if has("double_blocks.0.img_attn.qkv.weight") else "diffusers"
        return Adapter("controlnet", "sd3" if sd3 else "flux", "", layout)
    adapter = next(
        (name for name in shapes if re.match(r"(adapter\.)?body\.0\.(resnets\.0\.)?block1\.weight$", name)), ""
    )
    return Adapter("controlnet", "unknown", "t2i-adapter", "original") if adapter else None


def _lllite(shapes: Shapes) -> Adapter | None:
    if any(name.startswith("lllite_unet_") for name in shapes):
        return Adapter("controlnet", "sdxl", "lllite", "kohya")
    return None


def _ip_adapter(shapes: Shapes) -> Adapter | None:
    if any("ip_adapter_double_stream" in name or name.startswith("ip_adapter_proj_model.") for name in shapes):
        return Adapter("ip_adapter", "flux", "", "original")
    keys = [shape for name, shape in shapes.items() if name.endswith("to_k_ip.weight") and len(shape) == 2]
    projection = any(name.startswith("image_proj.") for name in shapes)
    if not keys or not projection:
        return None
    return Adapter("ip_adapter", CONTEXTS.get(keys[0][1], "unknown"), _ip_variant(shapes), "original")


def _ip_variant(shapes: Shapes) -> str:
    """By how it reads the picture: "" one embedding of it all, "plus" its patches, "full-face" each of them; "faceid"
    reads what another network recognised in a face."""
    if "image_proj.latents" in shapes:
        return "plus"
    if "image_proj.proj.3.weight" in shapes:
        return "full-face"
    return "faceid" if "image_proj.proj.0.weight" in shapes else ""


def _motion(shapes: Shapes) -> Adapter | None:
    motion = sum("motion_modules." in name for name in shapes)
    if motion and motion * 2 > len(shapes):
        wide = any(shape and shape[0] == 1280 and "motion_modules" in name for name, shape in shapes.items())
        return Adapter("motion_module", "sd1" if wide else "sdxl", "animatediff", "original")
    return None


def _inversion(shapes: Shapes) -> Adapter | None:
    """One row or a few for a text encoder's table of tokens: as many as a word of its own has vectors."""
    if not 0 < len(shapes) <= MOST_INVERSION_TENSORS:
        return None
    if {"clip_l", "clip_g"} <= set(shapes):
        return Adapter("textual_inversion", "sd3" if "t5xxl" in shapes else "sdxl", "", "original")
    rows = list(shapes.values())
    if all(len(shape) in (1, 2) and shape[-1] in (*TOKEN_WIDTHS, 1280) and sum(shape[:-1]) <= 256 for shape in rows):
        widths = {shape[-1] for shape in rows}
        base = "sdxl" if widths == {768, 1280} else TOKEN_WIDTHS.get(rows[0][-1], "sdxl")
        return Adapter("textual_inversion", base, "", "original" if "emb_params" in shapes else "diffusers")
    return None
