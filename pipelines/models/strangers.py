"""What may stand in the files of models that strangers made, looked over before any library opens them.

JSON within bounds, no code, no link that leads out, weights whose header is true to the file.
"""

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipelines.errors import BadFile
from pipelines.files import plain
from pipelines.models.library import header
from pipelines.models.library.header import Header
from pipelines.params import described

SHARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.safetensors")

MOST_JSON_BYTES = 2**20
MOST_INDEX_BYTES = 2**23
MOST_TOKENIZER_BYTES = 2**25
MOST_WEIGHT_BYTES = 2**36
MOST_FILES = 200

# the largest value that a number may have in a component's config, and every number inside a list of that name
BOUNDS: dict[str, float] = {
    "sample_size": 1024,
    "in_channels": 128,
    "out_channels": 128,
    "latent_channels": 128,
    "block_out_channels": 2048,
    "encoder_block_out_channels": 2048,
    "decoder_block_out_channels": 2048,
    "conv_in_kernel": 16,
    "conv_out_kernel": 16,
    "downsample_padding": 4,
    "num_encoder_blocks": 16,
    "num_decoder_blocks": 16,
    "encoder_layers_per_block": 16,
    "decoder_layers_per_block": 16,
    "layers_per_block": 8,
    "transformer_layers_per_block": 16,
    "num_hidden_layers": 48,
    "hidden_size": 4096,
    "intermediate_size": 16384,
    "vocab_size": 300_000,
    "max_position_embeddings": 1024,
    "num_train_timesteps": 10_000,
    "upsampling_scaling_factor": 4,
    "cross_attention_dim": 4096,
    "attention_head_dim": 4096,
    "num_layers": 64,
    "num_decoder_layers": 64,
    "num_single_layers": 128,
    "num_heads": 256,
    "d_model": 16384,
    "d_ff": 65536,
    "d_kv": 1024,
    "joint_attention_dim": 16384,
    "pooled_projection_dim": 16384,
    "caption_projection_dim": 16384,
    "caption_channels": 16384,
    "pos_embed_max_size": 1024,
    "patch_size": 16,
    "axes_dims_rope": 1024,
    "num_attention_heads": 256,
    "projection_dim": 4096,
    "projection_class_embeddings_input_dim": 4096,
}
MOST_NUMBER, MOST_LIST = 2**20, 10_000
MAY_BE_INFINITE = ("lambda_min_clipped",)
MAY_BE_ZERO = ("num_encoder_blocks", "num_decoder_blocks", "encoder_layers_per_block", "decoder_layers_per_block")
NEVER = ("auto_map", "custom_pipelines", "trust_remote_code")
NUMBERS, NOT_ZERO = ("scaling_factor", "shift_factor"), ("scaling_factor",)
MUST_BE_UNSET = ("class_embed_type", "num_class_embeds")

Shapes = Mapping[str, tuple[int, ...]]


def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("duplicate keys")
    return data


def read_json(path: Path, most: int = MOST_JSON_BYTES) -> dict[str, Any]:
    """A JSON object from a file of bounded size without duplicate keys. Raises BadFile."""
    label = f"{path.parent.name}/{path.name}" if path.name != "model_index.json" else path.name
    if not plain.is_regular(path):
        raise BadFile("{label} is missing from the model folder; copy the whole folder again.", label=label)
    if path.stat().st_size > most:
        raise BadFile(
            "{label} is {size} bytes, more than the {most} allowed.", label=label, size=path.stat().st_size, most=most
        )
    try:
        return json_object(plain.read(path, most), label)
    except OSError as error:
        raise BadFile(
            "{label} cannot be read: {problem}. Check its permissions.", label=label, problem=error.strerror
        ) from None


def json_object(
    raw: bytes, label: str, pairs: Callable[[list[tuple[str, Any]]], dict[str, Any]] = no_duplicates
) -> dict[str, Any]:
    """`pairs` makes an object of its keys and values, or raises ValueError. Raises BadFile."""
    try:
        data = json.loads(raw, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        raise BadFile("{label} is not valid JSON: it is damaged or cut off. Copy it again.", label=label) from None
    if not isinstance(data, dict):
        raise BadFile("{label} must hold a JSON object. Copy it again.", label=label)
    return data


def refuse_links_out(folder: Path) -> None:
    """Raises BadFile for a link that leads out of the folder, and for more files than a model has."""
    home = folder.resolve()
    count = 0
    for base, subfolders, files in os.walk(folder):
        for name in (*subfolders, *files):
            count += 1
            if count > MOST_FILES:
                raise BadFile(
                    "the model folder holds more than {most} files; keep only the model in it.", most=MOST_FILES
                )
            path = Path(base, name)
            if path.is_symlink() and not path.resolve().is_relative_to(home):
                raise BadFile(
                    "{name} in the model folder is a link that leads out of it; put the file there.", name=name[:60]
                )


def refuse_code(label: str, config: dict[str, Any]) -> None:
    """Raises BadFile where a config asks for code of its own."""
    for name in NEVER:
        if name in config:
            raise BadFile(
                "{label} asks for code of its own ({name}), which is never run. Choose another model.",
                label=label,
                name=name,
            )


def check_config(label: str, config: dict[str, Any]) -> None:
    refuse_code(label, config)
    for name in MUST_BE_UNSET:
        if config.get(name) is not None:
            raise BadFile(
                "{label} sets {name}, which needs inputs besides a prompt. Choose another model.",
                label=label,
                name=name,
            )
    for name, known in (("addition_embed_type", ("text", "text_time")), ("encoder_hid_dim_type", ("text_proj",))):
        if config.get(name) not in (None, *known):
            raise BadFile(
                "{label} sets {name}, which needs inputs besides a prompt. Choose another model.",
                label=label,
                name=name,
            )
    for name in NUMBERS:
        value = config.get(name)
        wrong = isinstance(value, bool) or not isinstance(value, int | float) or name in NOT_ZERO and not value
        if value is not None and wrong:
            got = described(value)
            raise BadFile("{name} in {label} must be a number; got {got}.", name=name, label=label, got=got)
    for name, value in config.items():
        check_size(label, name, value, BOUNDS.get(name, MOST_NUMBER))


def check_size(label: str, name: str, value: Any, most: float) -> None:
    """Raises BadFile for a number, or one in a list, that is no number or larger than any real model's."""
    if isinstance(value, dict):
        return  # only id-to-label tables and the like: nothing is built from them
    if isinstance(value, list):
        if len(value) > (MOST_LIST if name == "trained_betas" else 64):
            raise BadFile(
                "{name} in {label} has {number} entries, more than any real model. Do not use it.",
                name=name[:40],
                label=label,
                number=len(value),
            )
        for item in value:
            check_size(label, name, item, most)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) <= most and name not in MAY_BE_INFINITE:
            raise BadFile(
                "{name} in {label} is {value}; at most {most:g} is allowed.",
                name=name[:40],
                label=label,
                value=str(value)[:20],
                most=most,
            )
        if name in BOUNDS and value < (0 if name in MAY_BE_ZERO else 1):
            raise BadFile(
                "{name} in {label} is {value}, less than any real model has.",
                name=name[:40],
                label=label,
                value=str(value)[:20],
            )


def weight_files(folder: Path, part: str, stem: str) -> tuple[Path, ...]:
    """The safetensors files of a component, which begin with `stem`; half precision serves where there is no other."""
    for variant in ("", ".fp16"):
        if (folder / part / f"{stem}{variant}.safetensors").is_file():
            return (folder / part / f"{stem}{variant}.safetensors",)
        index = folder / part / f"{stem}.safetensors.index{variant}.json"
        if index.is_file():
            return _shards(index)
    pickles = [*(folder / part).glob("*.bin"), *(folder / part).glob("*.pt"), *(folder / part).glob("*.ckpt")]
    if pickles:
        raise BadFile("{part} has its weights as a pickle, which can run code; convert it to safetensors.", part=part)
    raise BadFile(
        "{part}/{stem}.safetensors is missing from the model folder; copy the whole folder again.", part=part, stem=stem
    )


def _shards(index: Path) -> tuple[Path, ...]:
    """The files that an index of shards names, all of them beside it."""
    named = read_json(index, MOST_INDEX_BYTES).get("weight_map")
    names = sorted({str(name) for name in named.values()}) if isinstance(named, dict) else []
    if not names or len(names) > MOST_FILES or any(not SHARD.fullmatch(name) for name in names):
        raise BadFile("{folder}/{file} names no weights. Copy it again.", folder=index.parent.name, file=index.name)
    for name in names:
        if not (index.parent / name).is_file():
            raise BadFile(
                "{folder}/{name} is missing from the model folder; copy the whole folder again.",
                folder=index.parent.name,
                name=name,
            )
    return tuple(index.parent / name for name in names)


def numbers_in(path: Path) -> int:
    """How many numbers all tensors of a safetensors file hold, by its header. Raises BadFile."""
    return sum(math.prod(shape) for shape in check_safetensors(path).values())


def check_safetensors(path: Path) -> Shapes:
    """Shapes by name, when the header is true to the file: every byte belongs to one tensor. Raises BadFile."""
    return sound_header(path).shapes


def sound_header(path: Path) -> Header:
    """The header that is true to the file: every byte belongs to one tensor. Raises BadFile."""
    label = f"{path.parent.name}/{path.name}"
    try:
        size, head = path.stat().st_size, header.read(path)
    except OSError as error:
        raise BadFile(
            "{label} cannot be read: {problem}. Put a plain file there.", label=label, problem=error.strerror
        ) from None
    except BadFile as error:
        raise BadFile("{label}: {why}", label=label, why=error.sentence.with_small_first()) from None
    if size > MOST_WEIGHT_BYTES:
        raise BadFile(
            "{label} is {size:.0f} GiB; at most {most} GiB can be used.",
            label=label,
            size=size / 2**30,
            most=MOST_WEIGHT_BYTES // 2**30,
        )
    if why := head.fault():
        raise BadFile("{label}: {why}", label=label, why=why.with_small_first())
    return head
