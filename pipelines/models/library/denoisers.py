"""Which network predicts the noise: told from the names of its tensors, in the original layout and in diffusers'."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

Shapes = Mapping[str, tuple[int, ...]]

PREFIXES = ("model.diffusion_model.", "", "net.", "unet.", "transformer.", "diffusion_model.")

SIGNATURES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    # architecture, layout, tensors that all must be there; the more particular stand before what they resemble
    ("flux2", "original", ("single_stream_modulation.lin.weight",)),
    ("flux2", "diffusers", ("single_stream_modulation.linear.weight",)),
    ("flux3", "original", ("early_stream_modulations.image.lin.weight",)),
    ("chroma", "original", ("distilled_guidance_layer.in_proj.weight",)),
    ("hunyuan-video", "original", ("txt_in.individual_token_refiner.blocks.0.adaLN_modulation.1.weight",)),
    ("hunyuan-video", "diffusers", ("context_embedder.token_refiner.refiner_blocks.0.attn.to_q.weight",)),
    ("flux", "original", ("double_blocks.0.img_attn.qkv.weight", "img_in.weight")),
    ("flux", "diffusers", ("single_transformer_blocks.0.proj_mlp.weight", "x_embedder.weight")),
    ("auraflow", "original", ("double_layers.0.attn.w1q.weight",)),
    ("auraflow", "diffusers", ("joint_transformer_blocks.0.attn.add_q_proj.weight",)),
    ("sd3", "original", ("joint_blocks.0.context_block.attn.qkv.weight",)),
    ("sd3", "diffusers", ("transformer_blocks.0.attn.add_q_proj.weight", "pos_embed.proj.weight")),
    ("qwen-image", "diffusers", ("transformer_blocks.0.img_mod.1.weight",)),
    ("sana", "original", ("attention_y_norm.weight", "x_embedder.proj.weight")),
    ("sana", "diffusers", ("caption_norm.weight", "patch_embed.proj.weight")),
    ("hunyuan-dit", "original", ("mlp_t5.0.weight",)),
    ("hunyuan-dit", "diffusers", ("text_embedding_padding",)),
    ("pixart", "original", ("t_block.1.weight", "y_embedder.y_proj.fc1.weight")),
    (
        "pixart",
        "diffusers",
        ("adaln_single.linear.weight", "caption_projection.linear_1.weight", "pos_embed.proj.weight"),
    ),
    ("ltx-video", "original", ("patchify_proj.weight",)),
    ("ltx-video", "diffusers", ("time_embed.linear.weight", "caption_projection.linear_1.weight", "proj_in.weight")),
    ("z-image", "original", ("cap_pad_token",)),
    ("lumina2", "original", ("cap_embedder.0.weight",)),
    ("wan", "original", ("head.modulation",)),
    ("wan", "diffusers", ("condition_embedder.time_proj.weight", "patch_embedding.weight")),
    ("cosmos", "original", ("x_embedder.proj.1.weight",)),
    ("cosmos", "diffusers", ("time_embed.t_embedder.linear_1.weight", "patch_embed.proj.weight")),
    ("mochi", "original", ("blocks.0.attn.qkv_x.weight",)),
    ("hidream", "original", ("double_stream_blocks.0.block.adaLN_modulation.1.weight",)),
    ("stable-cascade", "original", ("clip_txt_mapper.weight",)),
    ("stable-cascade", "original", ("clip_txt_pooled_mapper.weight",)),
    ("stable-cascade", "original", ("down_blocks.1.0.channelwise.0.weight",)),
    ("kandinsky", "diffusers", ("add_embedding.image_proj.weight",)),
    ("kandinsky", "diffusers", ("encoder_hid_proj.image_embeds.weight",)),
    ("kandinsky", "diffusers", ("visual_transformer_blocks.0.self_attention.to_query.weight",)),
    ("kandinsky", "diffusers", ("prd_embedding", "clip_mean")),
    ("svd", "original", ("input_blocks.1.1.time_stack.0.attn1.to_q.weight",)),
    ("svd", "diffusers", ("down_blocks.0.attentions.0.temporal_transformer_blocks.0.attn1.to_q.weight",)),
    ("unet", "original", ("input_blocks.0.0.weight", "time_embed.0.weight")),
    ("unet", "diffusers", ("conv_in.weight", "time_embedding.linear_1.weight")),
)

CONTEXTS = {768: "sd1", 1024: "sd2", 2048: "sdxl", 1280: "sdxl-refiner"}
"""The width of the text that a U-Net's cross-attention reads -> whose it is."""
VECTORS = {2816: "sdxl", 2560: "sdxl-refiner"}
"""The width of the pooled text and sizes that the larger U-Nets add to the time."""
CHANNELS = {9: "inpaint", 8: "instruct-pix2pix", 7: "upscale", 5: "depth"}
"""What a U-Net is for that takes more than the four channels of a latent picture."""


@dataclass(frozen=True)
class Denoiser:
    architecture: str
    variant: str
    layout: str
    prefix: str


def find(shapes: Shapes) -> Denoiser | None:
    """The denoiser among the tensors, alone or inside a whole checkpoint."""
    for prefix in PREFIXES:
        for architecture, layout, names in SIGNATURES:
            if all(prefix + name in shapes for name in names):
                part = _Part(shapes, prefix)
                if architecture == "unet":
                    return Denoiser(_unet_of(shapes, part), _unet_variant(part), layout, prefix)
                return Denoiser(architecture, _VARIANTS.get(architecture, _plain)(part), layout, prefix)
    return None


def context_width(names: Iterable[tuple[str, tuple[int, ...]]]) -> int:
    """How wide the text is that the first cross-attention reads; 0 if there is none."""
    return next((shape[-1] for name, shape in names if name.endswith("attn2.to_k.weight") and len(shape) == 2), 0)


@dataclass(frozen=True)
class _Part:
    """The tensors under one prefix."""

    shapes: Shapes
    prefix: str

    def has(self, *names: str) -> bool:
        return any(self.prefix + name in self.shapes for name in names)

    def shape(self, *names: str) -> tuple[int, ...]:
        return next((self.shapes[self.prefix + name] for name in names if self.has(name)), ())

    def items(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        return ((name, shape) for name, shape in self.shapes.items() if name.startswith(self.prefix))

    def depth(self, block: str) -> int:
        """How many blocks are called `block`.0, `block`.1, ..."""
        start = f"{self.prefix}{block}."
        numbers = {name[len(start) :].split(".", 1)[0] for name in self.shapes if name.startswith(start)}
        return len(numbers)


def _unet_of(shapes: Shapes, part: _Part) -> str:
    """By the pooled text's width, then by the text encoders beside it, then by the cross-attention's width."""
    vector = part.shape("label_emb.0.0.weight", "add_embedding.linear_1.weight")
    if vector and vector[-1] in VECTORS:
        return VECTORS[vector[-1]]
    if any(name.startswith("conditioner.embedders.1.") for name in shapes):
        return "sdxl"
    if any(name.startswith("conditioner.embedders.0.model.") for name in shapes):
        return "sdxl-refiner"
    if any(name.startswith("cond_stage_model.model.") for name in shapes):
        return "sd2"
    if any(name.startswith("cond_stage_model.transformer.") for name in shapes):
        return "sd1"
    width = context_width(part.items())
    return CONTEXTS.get(width, "unknown-unet") if width else "unconditional"


def _unet_variant(part: _Part) -> str:
    first = part.shape("input_blocks.0.0.weight", "conv_in.weight")
    channels = first[1] if len(first) == 4 else 4
    vector = part.shape("label_emb.0.0.weight", "class_embedding.linear_1.weight")
    if channels in CHANNELS:
        return CHANNELS[channels]
    if part.has("time_embed.cond_proj.weight", "time_embedding.cond_proj.weight"):
        return "lcm"
    if len(vector) == 2 and vector[-1] in (1536, 2048):
        return "unclip"
    large = part.shape("label_emb.0.0.weight", "add_embedding.linear_1.weight")
    if large and not part.has("middle_block.1.norm.weight", "mid_block.attentions.0.norm.weight"):
        return "distilled"
    return ""


def _plain(part: _Part) -> str:
    return ""


def _flux_variant(part: _Part) -> str:
    width = part.shape("img_in.weight", "x_embedder.weight")
    if width[-1:] == (384,):
        return "fill"
    if width[-1:] == (128,):
        return "control"
    guided = part.has("guidance_in.in_layer.weight", "time_text_embed.guidance_embedder.linear_1.weight")
    return "dev" if guided else "schnell"


def _sd3_variant(part: _Part) -> str:
    """3.5 normalises queries and keys; its medium has a second attention in its first blocks, its large 38 blocks."""
    if part.has("joint_blocks.0.x_block.attn2.qkv.weight", "transformer_blocks.0.attn2.to_q.weight"):
        return "3.5-medium"
    if part.has("joint_blocks.0.x_block.attn.ln_q.weight", "transformer_blocks.0.attn.norm_q.weight"):
        return "3.5-large" if max(part.depth("joint_blocks"), part.depth("transformer_blocks")) >= 38 else "3.5"
    return "medium"


def _pixart_variant(part: _Part) -> str:
    """Alpha at 1024 pixels reads sizes, and alpha's captions have 120 tokens, sigma's 300.

    In diffusers' layout alpha at 512 pixels has the very tensors of sigma, which is then taken.
    """
    if part.has("csize_embedder.mlp.0.weight", "adaln_single.emb.resolution_embedder.linear_1.weight"):
        return "alpha"
    return "alpha" if part.shape("y_embedder.y_embedding")[:1] == (120,) else "sigma"


def _sana_variant(part: _Part) -> str:
    sprint = part.has("cfg_embedder.mlp.0.weight", "time_embed.guidance_embedder.linear_1.weight")
    return "sprint" if sprint else ""


def _cascade_variant(part: _Part) -> str:
    return "prior" if part.has("clip_txt_mapper.weight", "clip_txt_pooled_mapper.weight") else "decoder"


_VARIANTS = {
    "flux": _flux_variant,
    "sd3": _sd3_variant,
    "pixart": _pixart_variant,
    "sana": _sana_variant,
    "stable-cascade": _cascade_variant,
}
