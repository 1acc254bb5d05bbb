"""The other way round: a diffusers pipeline's tensors under the names that checkpoints of one file have."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from pipelines.models.checkpoints import original_names

Tensors = dict[str, Tensor]
RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
OUTER = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "time_embedding.cond_proj": "time_embed.cond_proj",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
VAE_ATTENTION = {"to_out.0": "proj_out", "to_q": "q", "to_k": "k", "to_v": "v", "group_norm": "norm"}
OPEN_CLIP = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def checkpoint(pipeline: Any, kind: str) -> Tensors:
    """All weights of a pipeline in one dict: kind is "sd1", "sd2", "sdxl", "refiner", "sd3" or "flux";
    of "pixart" and "pixart-alpha" the transformer alone, as it is published."""
    makers: dict[str, Callable[[Any], Tensors]] = {
        "sd1": lambda p: _under("cond_stage_model.transformer.text_model.", _bare(p.text_encoder)),
        "sd2": lambda p: _open_clip(p.text_encoder, "cond_stage_model.model.", dropped=1),
        "sdxl": lambda p: (
            _under("conditioner.embedders.0.transformer.text_model.", _bare(p.text_encoder))
            | _open_clip(p.text_encoder_2, "conditioner.embedders.1.model.")
        ),
        "refiner": lambda p: _open_clip(p.text_encoder_2, "conditioner.embedders.0.model."),
        "sd3": lambda p: (
            _under("text_encoders.clip_l.transformer.", _without_projection(p.text_encoder))
            | _under("text_encoders.clip_g.transformer.", p.text_encoder_2.state_dict())
            | (_under("text_encoders.t5xxl.transformer.", p.text_encoder_3.state_dict()) if p.text_encoder_3 else {})
        ),
        "flux": lambda p: {},
    }
    if kind.startswith("pixart"):
        config, made = pipeline.transformer.config, pixart(pipeline.transformer.state_dict())
        made["y_embedder.y_embedding"] = torch.zeros(120 if kind == "pixart-alpha" else 300, config.caption_channels)
        side = config.sample_size // config.patch_size
        made["pos_embed"] = torch.zeros(1, side * side, config.num_attention_heads * config.attention_head_dim)
        return {name: tensor.clone() for name, tensor in made.items()}
    network = {"sd3": sd3, "flux": flux}.get(kind)
    made = network(pipeline.transformer.state_dict()) if network else unet(pipeline.unet)
    whole = _under("model.diffusion_model.", made) | makers[kind](pipeline)
    whole |= {} if kind == "flux" else _under("first_stage_model.", vae(pipeline.vae.state_dict()))
    return {name: tensor.clone().contiguous() for name, tensor in whole.items()}


def unet(model: Any) -> Tensors:
    depth = model.config.layers_per_block
    return {_unet_name(name, depth, model): tensor for name, tensor in model.state_dict().items()}


def _unet_name(name: str, depth: int, model: Any) -> str:
    for ours, theirs in OUTER.items():
        if name.startswith(ours + "."):
            return name.replace(ours, theirs, 1)
    if found := re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d)\.(.+)", name):
        place = 2 * int(found[2]) if found[1] == "resnets" else 1
        return f"middle_block.{place}.{_inner(found[1], found[3])}"
    found = re.fullmatch(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)", name)
    assert found, name
    way, block, sort, layer, rest = found[1], int(found[2]), found[3], int(found[4]), found[5]
    first = (depth + 1) * block
    if sort == "downsamplers":
        return f"input_blocks.{first + depth + 1}.0.{rest.replace('conv', 'op')}"
    if sort == "upsamplers":
        attends = hasattr(model.up_blocks[block], "attentions")
        return f"output_blocks.{first + depth}.{2 if attends else 1}.{rest}"
    place = f"input_blocks.{first + layer + 1}" if way == "down" else f"output_blocks.{first + layer}"
    return f"{place}.{1 if sort == 'attentions' else 0}.{_inner(sort, rest)}"


def _inner(sort: str, rest: str) -> str:
    module, _, kind = rest.rpartition(".")
    return f"{RESNET[module]}.{kind}" if sort == "resnets" else rest


def vae(state: Mapping[str, Tensor]) -> Tensors:
    levels = 1 + max(int(name.split("down_blocks.")[1][0]) for name in state if "down_blocks." in name)
    made = {}
    for name, tensor in state.items():
        name = re.sub(r"down_blocks\.(\d)\.resnets\.", r"down.\1.block.", name)
        name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
        name = re.sub(r"up_blocks\.(\d)\.resnets\.", lambda m: f"up.{levels - 1 - int(m[1])}.block.", name)
        name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{levels - 1 - int(m[1])}.upsample", name)
        name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
        if "mid_block.attentions.0" in name:
            for ours, theirs in {
                "to_out.0": "proj_out",
                "to_q": "q",
                "to_k": "k",
                "to_v": "v",
                "group_norm": "norm",
            }.items():
                name = name.replace(f"attentions.0.{ours}", f"attentions.0.{theirs}")
            name = name.replace("mid_block.attentions.0", "mid.attn_1")
            tensor = tensor[:, :, None, None] if tensor.ndim == 2 else tensor
        made[name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")] = tensor
    return made


def _open_clip(encoder: Any, start: str, dropped: int = 0) -> Tensors:
    """As open_clip names and packs it, with layers after the last one that is read where `dropped` says so."""
    state = _bare(encoder)
    made: Tensors = {
        "token_embedding.weight": state["embeddings.token_embedding.weight"],
        "positional_embedding": state["embeddings.position_embedding.weight"],
        "ln_final.weight": state["final_layer_norm.weight"],
        "ln_final.bias": state["final_layer_norm.bias"],
    }
    layers = encoder.config.num_hidden_layers
    for i in range(layers + dropped):
        own, block = f"encoder.layers.{min(i, layers - 1)}.", f"transformer.resblocks.{i}."
        for kind in ("weight", "bias"):
            packed = [state[f"{own}self_attn.{part}_proj.{kind}"] for part in "qkv"]
            made[f"{block}attn.in_proj_{kind}"] = torch.cat(packed)
            made |= {f"{block}{theirs}.{kind}": state[f"{own}{ours}.{kind}"] for ours, theirs in OPEN_CLIP.items()}
    if "text_projection.weight" in state:
        made["text_projection"] = state["text_projection.weight"].T
    return _under(start, made)


def sd3(state: Mapping[str, Tensor]) -> Tensors:
    made, done = {}, set()
    last = max(int(name.split(".")[1]) for name in state if name.startswith("transformer_blocks."))
    whole = {
        "pos_embed.pos_embed": "pos_embed",
        "pos_embed.proj": "x_embedder.proj",
        "time_text_embed.timestep_embedder.linear_1": "t_embedder.mlp.0",
        "time_text_embed.timestep_embedder.linear_2": "t_embedder.mlp.2",
        "time_text_embed.text_embedder.linear_1": "y_embedder.mlp.0",
        "time_text_embed.text_embedder.linear_2": "y_embedder.mlp.2",
        "context_embedder": "context_embedder",
        "proj_out": "final_layer.linear",
        "norm_out.linear": "final_layer.adaLN_modulation.1",
        "attn.to_out.0": "x_block.attn.proj",
        "attn.to_add_out": "context_block.attn.proj",
        "norm1.linear": "x_block.adaLN_modulation.1",
        "norm1_context.linear": "context_block.adaLN_modulation.1",
        "ff.net.0.proj": "x_block.mlp.fc1",
        "ff.net.2": "x_block.mlp.fc2",
        "ff_context.net.0.proj": "context_block.mlp.fc1",
        "ff_context.net.2": "context_block.mlp.fc2",
    }
    for name, tensor in state.items():
        block = re.match(r"transformer_blocks\.(\d+)\.", name)
        start = f"joint_blocks.{block[1]}." if block else ""
        inner = name[block.end() :] if block else name
        module, _, kind = inner.rpartition(".")
        if inner == "pos_embed.pos_embed":
            made["pos_embed"] = tensor
        elif found := re.fullmatch(r"attn\.(to_|add_)(q|k|v)(_proj)?", module):
            side = "x" if found[1] == "to_" else "context"
            packed = f"{start}{side}_block.attn.qkv.{kind}"
            if packed not in done:
                done.add(packed)
                own = name.rsplit(".", 2)[0]
                ends = [f"to_{p}" if side == "x" else f"add_{p}_proj" for p in "qkv"]
                made[packed] = torch.cat([state[f"{own}.{end}.{kind}"] for end in ends])
        else:
            swaps = module == "norm_out.linear" or module == "norm1_context.linear" and block and int(block[1]) == last
            made[f"{start}{whole[module]}.{kind}"] = _swapped(tensor) if swaps else tensor
    return made


def pixart(state: Mapping[str, Tensor]) -> Tensors:
    made: Tensors = {}
    whole = {
        "pos_embed.proj": "x_embedder.proj",
        "caption_projection.linear_1": "y_embedder.y_proj.fc1",
        "caption_projection.linear_2": "y_embedder.y_proj.fc2",
        "adaln_single.linear": "t_block.1",
        "proj_out": "final_layer.linear",
        "attn1.to_out.0": "attn.proj",
        "attn2.to_q": "cross_attn.q_linear",
        "attn2.to_out.0": "cross_attn.proj",
        "ff.net.0.proj": "mlp.fc1",
        "ff.net.2": "mlp.fc2",
    }
    sizes = {"timestep_embedder": "t_embedder", "resolution_embedder": "csize_embedder"}
    sizes["aspect_ratio_embedder"] = "ar_embedder"
    for ours, theirs in sizes.items():
        whole |= {f"adaln_single.emb.{ours}.linear_{i}": f"{theirs}.mlp.{layer}" for i, layer in ((1, 0), (2, 2))}
    for name, tensor in state.items():
        block = re.match(r"transformer_blocks\.(\d+)\.", name)
        start, own = (f"blocks.{block[1]}.", block[0]) if block else ("", "")
        module, _, kind = name.removeprefix(own).rpartition(".")
        if kind == "scale_shift_table":
            made[f"{start or 'final_layer.'}{kind}"] = tensor
        elif module in ("attn1.to_q", "attn1.to_k", "attn1.to_v"):
            made[f"{start}attn.qkv.{kind}"] = torch.cat([state[f"{own}attn1.to_{p}.{kind}"] for p in "qkv"])
        elif module in ("attn2.to_k", "attn2.to_v"):
            made[f"{start}cross_attn.kv_linear.{kind}"] = torch.cat([state[f"{own}attn2.to_{p}.{kind}"] for p in "kv"])
        else:
            made[f"{start}{whole[module]}.{kind}"] = tensor
    return made


def flux(state: Mapping[str, Tensor]) -> Tensors:
    return _by_table(original_names.FLUX, state)


def _by_table(names: original_names.Names, state: Mapping[str, Tensor]) -> Tensors:
    """By the table of the converter, which a test of its own holds to diffusers'."""
    made: Tensors = {}
    for module, ours in names.rows.items():
        for i in range(100 if "{}" in module else 1):
            for kind in ("", ".weight", ".bias"):
                parts = [state[name] for to in ours if (name := to.format(i) + kind) in state]
                if len(parts) == len(ours):
                    whole = torch.cat(parts) if len(parts) > 1 else parts[0]
                    ending = ".scale" if "_norm" in module else kind
                    made[module.format(i) + ending] = _swapped(whole) if module in names.swapped else whole
    assert same_names(names.diffusers_layout(made), state)
    return made


def same_names(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return {name: t.shape for name, t in one.items()} == {name: t.shape for name, t in other.items()}


def _swapped(tensor: Tensor) -> Tensor:
    return torch.cat(tuple(reversed(tensor.chunk(2))))


def _bare(encoder: Any) -> Tensors:
    return {name.removeprefix("text_model."): tensor for name, tensor in encoder.state_dict().items()}


def _without_projection(encoder: Any) -> Tensors:
    return {name: tensor for name, tensor in encoder.state_dict().items() if name != "text_projection.weight"}


def _under(start: str, tensors: Mapping[str, Tensor]) -> Tensors:
    return {start + name: tensor for name, tensor in tensors.items()}
