"""The tensors by which real model files are known, as they stand in the files that people download."""

UNET = "model.diffusion_model."
ATTN2 = "transformer_blocks.0.attn2.to_k.weight"
Shapes = dict[str, tuple[int, ...]]


def unet(context: int, channels: int = 4, width: int = 320, at: str = "input_blocks.1.1", prefix: str = UNET) -> Shapes:
    """A U-Net in the original layout."""
    return {
        f"{prefix}time_embed.0.weight": (4 * width, width),
        f"{prefix}input_blocks.0.0.weight": (width, channels, 3, 3),
        f"{prefix}{at}.{ATTN2}": (width, context),
        f"{prefix}middle_block.1.norm.weight": (4 * width,),
        f"{prefix}output_blocks.11.0.skip_connection.weight": (width, 2 * width, 1, 1),
    }


VAE: Shapes = {
    "first_stage_model.decoder.conv_in.weight": (512, 4, 3, 3),
    "first_stage_model.decoder.conv_out.weight": (3, 128, 3, 3),
    "first_stage_model.decoder.up.0.block.0.conv1.weight": (128, 256, 3, 3),
}
CLIP_L: Shapes = {"cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": (49408, 768)}
OPEN_CLIP: Shapes = {"cond_stage_model.model.token_embedding.weight": (49408, 1024)}
SDXL_TEXT: Shapes = {
    "conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight": (49408, 768),
    "conditioner.embedders.1.model.token_embedding.weight": (49408, 1280),
}
SDXL_UNET: Shapes = unet(2048, at="input_blocks.4.1") | {f"{UNET}label_emb.0.0.weight": (1280, 2816)}
REFINER: Shapes = (
    unet(1280, width=384, at="input_blocks.4.1")
    | {f"{UNET}label_emb.0.0.weight": (1536, 2560)}
    | {"conditioner.embedders.0.model.token_embedding.weight": (49408, 1280)}
    | VAE
)
FLUX: Shapes = {
    "double_blocks.0.img_attn.qkv.weight": (9216, 3072),
    "double_blocks.0.img_attn.norm.key_norm.scale": (128,),
    "single_blocks.37.linear1.weight": (21504, 3072),
    "img_in.weight": (3072, 64),
    "vector_in.in_layer.weight": (3072, 768),
}
FLUX_GUIDED: Shapes = FLUX | {"guidance_in.in_layer.weight": (3072, 256)}
SD3: Shapes = {f"{UNET}joint_blocks.{i}.context_block.attn.qkv.weight": (4608, 1536) for i in range(24)} | {
    f"{UNET}x_embedder.proj.weight": (1536, 16, 2, 2)
}
SD35_MEDIUM: Shapes = SD3 | {
    f"{UNET}joint_blocks.0.x_block.attn.ln_q.weight": (64,),
    f"{UNET}joint_blocks.0.x_block.attn2.qkv.weight": (4608, 1536),
}
SD35_LARGE: Shapes = {f"{UNET}joint_blocks.{i}.context_block.attn.qkv.weight": (7296, 2432) for i in range(38)} | {
    f"{UNET}joint_blocks.0.x_block.attn.ln_q.weight": (64,)
}
PIXART_SIGMA: Shapes = {
    "t_block.1.weight": (6912, 1152),
    "x_embedder.proj.weight": (1152, 4, 2, 2),
    "y_embedder.y_proj.fc1.weight": (1152, 4096),
    "y_embedder.y_embedding": (300, 4096),
    "blocks.0.cross_attn.kv_linear.weight": (2304, 1152),
}
PIXART_ALPHA: Shapes = PIXART_SIGMA | {"y_embedder.y_embedding": (120, 4096)}
SANA: Shapes = {
    "attention_y_norm.weight": (2240,),
    "x_embedder.proj.weight": (2240, 32, 1, 1),
    "y_embedder.y_proj.fc1.weight": (2240, 2304),
    "t_block.1.weight": (13440, 2240),
    "blocks.0.cross_attn.kv_linear.weight": (4480, 2240),
}

SUPPORTED: dict[str, tuple[Shapes, dict[str, object]]] = {
    "sd 1.5": (unet(768) | VAE | CLIP_L, {"kind": "checkpoint", "architecture": "sd1", "prediction_type": "epsilon"}),
    "sd 1.5, U-Net only": (unet(768), {"kind": "denoiser", "architecture": "sd1", "variant": ""}),
    "sd 1.5 without prefix": (unet(768, prefix=""), {"kind": "denoiser", "architecture": "sd1"}),
    "sd 1.5 inpainting": (unet(768, 9) | VAE | CLIP_L, {"architecture": "sd1", "variant": "inpaint"}),
    "lcm": (unet(768) | {f"{UNET}time_embed.cond_proj.weight": (320, 256)}, {"variant": "lcm", "few_steps": "lcm"}),
    "sd 2": (
        unet(1024) | VAE | OPEN_CLIP,
        {"architecture": "sd2", "prediction_type": "v_prediction", "prediction_known_from": "assumed"},
    ),
    "sd 2 inpainting": (
        unet(1024, 9) | VAE | OPEN_CLIP,
        {"architecture": "sd2", "variant": "inpaint", "prediction_type": "epsilon"},
    ),
    "sdxl": (SDXL_UNET | SDXL_TEXT | VAE, {"kind": "checkpoint", "architecture": "sdxl", "prediction_type": "epsilon"}),
    "sdxl v": (
        SDXL_UNET | SDXL_TEXT | VAE | {"v_pred": (0,), "ztsnr": (0,)},
        {"prediction_type": "v_prediction", "prediction_known_from": "file", "zero_terminal_snr": True},
    ),
    "sdxl without text": (SDXL_UNET | VAE, {"architecture": "sdxl", "parts": ("denoiser", "vae")}),
    "sdxl refiner": (REFINER, {"architecture": "sdxl-refiner", "kind": "checkpoint"}),
    "flux dev": (FLUX_GUIDED, {"architecture": "flux", "variant": "dev", "prediction_type": "flow_prediction"}),
    "flux schnell": (FLUX, {"architecture": "flux", "variant": "schnell"}),
    "flux fill": (FLUX_GUIDED | {"img_in.weight": (3072, 384)}, {"architecture": "flux", "variant": "fill"}),
    "sd3 medium": (SD3, {"architecture": "sd3", "variant": "medium", "prediction_type": "flow_prediction"}),
    "sd3.5 medium": (SD35_MEDIUM, {"architecture": "sd3", "variant": "3.5-medium"}),
    "sd3.5 large": (SD35_LARGE, {"architecture": "sd3", "variant": "3.5-large"}),
    "pixart sigma": (PIXART_SIGMA, {"architecture": "pixart", "variant": "sigma", "prediction_type": "epsilon"}),
    "pixart alpha": (PIXART_ALPHA, {"architecture": "pixart", "variant": "alpha"}),
    "sana": (SANA, {"architecture": "sana", "prediction_type": "flow_prediction"}),
    "vae": (
        {name.removeprefix("first_stage_model."): shape for name, shape in VAE.items()},
        {"kind": "vae", "latent_channels": 4, "layout": "original"},
    ),
}

UNSUPPORTED: dict[str, tuple[Shapes, str]] = {
    "svd": (unet(1024, 8) | {f"{UNET}input_blocks.1.1.time_stack.0.attn1.to_q.weight": (320, 320)}, "svd"),
    "stable cascade": ({"clip_txt_mapper.weight": (2048, 1280)}, "stable-cascade"),
    "flux 2": ({"single_stream_modulation.lin.weight": (18432, 6144), "img_in.weight": (6144, 128)}, "flux2"),
    "chroma": (FLUX | {"distilled_guidance_layer.in_proj.weight": (5120, 64)}, "chroma"),
    "auraflow": ({"double_layers.0.attn.w1q.weight": (3072, 3072)}, "auraflow"),
    "hunyuan-dit": ({"mlp_t5.0.weight": (8192, 2048)}, "hunyuan-dit"),
    "qwen-image": ({"transformer_blocks.0.img_mod.1.weight": (18432, 3072), "txt_norm.weight": (3584,)}, "qwen-image"),
    "z-image": ({"cap_pad_token": (1, 3840), "cap_embedder.0.weight": (2560,)}, "z-image"),
    "wan": ({"head.modulation": (1, 2, 1536), "patch_embedding.weight": (1536, 16, 1, 2, 2)}, "wan"),
    "ltx": ({f"{UNET}patchify_proj.weight": (2048, 128)}, "ltx-video"),
    "cosmos": ({"net.x_embedder.proj.1.weight": (4096, 68)}, "cosmos"),
}

UPSCALERS: dict[str, tuple[Shapes, int]] = {
    "RealESRGAN_x4plus": (
        {
            "conv_first.weight": (64, 3, 3, 3),
            "body.0.rdb1.conv1.weight": (32, 64, 3, 3),
            "conv_up1.weight": (64, 64, 3, 3),
        },
        4,
    ),
    "RealESRGAN_x2plus": (
        {"conv_first.weight": (64, 12, 3, 3), "body.0.rdb1.conv1.weight": (32, 64, 3, 3)},
        2,
    ),
    "old ESRGAN 4x": (
        {f"model.{i}.weight": (64, 64, 3, 3) for i in (0, 3, 6, 8, 10)}
        | {"model.1.sub.0.RDB1.conv1.0.weight": (32, 64, 3, 3)},
        4,
    ),
    "compact": (
        {f"params.body.{i}.weight": (64, 64, 3, 3) for i in (0, 2, 4)} | {"params.body.6.weight": (48, 64, 3, 3)},
        4,
    ),
}
