"""A stranger's model folder is looked over before any library sees it."""

import json
import os
import re
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from pipelines import models
from pipelines.errors import BadFile, NotFound
from pipelines.models import strangers
from tests.tiny import tiny_model

PYTHON = re.compile(r"\bNone\b|NoneType|\bdict\b|\bTrue\b|\bFalse\b")
UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("sound") / "tiny")


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "tiny"))


@pytest.fixture
def only_here(tmp_path: Path) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(tmp_path))
        yield tmp_path


def put(file: str, data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_bytes(data)


def setting(file: str, **values: Any) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        config = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps(config | values))

    return change


def cut(file: str, keep: float) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        data = (folder / file).read_bytes()
        (folder / file).write_bytes(data[: int(len(data) * keep)])

    return change


def header(**tensors: Any) -> bytes:
    text = json.dumps(tensors).encode()
    return struct.pack("<Q", len(text)) + text


def link_out(folder: Path) -> None:
    (folder / "unet" / "config.json").unlink()
    os.symlink("/etc/hostname", folder / "unet" / "config.json")


def pickled(folder: Path) -> None:
    (folder / UNET).rename(folder / "unet" / "diffusion_pytorch_model.bin")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no weights": (lambda f: (f / UNET).unlink(), "unet/diffusion_pytorch_model.safetensors is missing"),
    "weights as a pickle": (pickled, "pickle"),
    "empty": (put(UNET, b""), "is empty"),
    "a few bytes": (put(UNET, b"\x10\0\0"), "cut off"),
    "cut in the header": (cut(UNET, 0.001), "cut off"),
    "cut in the weights": (cut(UNET, 0.9), "cut off"),
    "a byte too many": (lambda f: (f / UNET).open("ab").write(b"x"), "damaged"),
    "zip pickle": (put(UNET, b"PK\x03\x04" + bytes(100)), "pickle"),
    "legacy pickle": (put(UNET, b"\x80\x02}q\x00" + bytes(100)), "pickle"),
    "LFS pointer": (put(UNET, b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "git lfs pull"),
    "web page": (put(UNET, b"<!DOCTYPE html><html></html>"), "web page"),
    "huge header": (put(UNET, struct.pack("<Q", 2**40) + b"{" + bytes(9)), "more than any real"),
    "overlapping": (
        put(
            UNET,
            header(
                a={"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
                b={"dtype": "F32", "shape": [1], "data_offsets": [2, 6]},
            )
            + bytes(6),
        ),
        "damaged",
    ),
    "wrong length": (put(UNET, header(a={"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}) + bytes(4)), "damaged"),
    "no config": (lambda f: (f / "vae/config.json").unlink(), "vae/config.json is missing"),
    "config is no JSON": (put("unet/config.json", b'{"a": '), "unet/config.json is not valid JSON"),
    "twice the same key": (put("unet/config.json", b'{"a": 1, "a": 2}'), "not valid JSON"),
    "deep config": (put("unet/config.json", b'{"a":' + b"[" * 100_000), "not valid JSON"),
    "too many layers": (setting("unet/config.json", layers_per_block=3000), "layers_per_block .* 3000"),
    "too many timesteps": (setting("scheduler/scheduler_config.json", num_train_timesteps=3e8), "num_train_timesteps"),
    "NaN in a config": (setting("unet/config.json", in_channels=float("nan")), "in_channels"),
    "a border wider than a picture": (setting("unet/config.json", downsample_padding=65), "downsample_padding"),
    "wide": (setting("unet/config.json", block_out_channels=[16, 10**9]), "block_out_channels"),
    "own code": (setting("text_encoder/config.json", auto_map={"AutoModel": "x.Y"}), "code of its own"),
    "tokenizer with code": (setting("tokenizer/tokenizer_config.json", auto_map={"A": "x.Y"}), "code of its own"),
    "another pipeline": (setting("model_index.json", _class_name="EvilPipeline"), "EvilPipeline"),
    "unknown class": (setting("model_index.json", unet=["os", "system"]), "unet in model_index.json"),
    "no class": (setting("model_index.json", unet=None), "unet in model_index.json must be .*; got nothing"),
    "a class in a list": (
        setting("model_index.json", vae=[["x"]]),
        "vae in model_index.json must be .*; got a list of 1",
    ),
    "no pipeline": (setting("model_index.json", _class_name=None), "_class_name in model_index.json .* got nothing"),
    "scaled by a word": (setting("vae/config.json", scaling_factor="many"), "scaling_factor in vae/config.json"),
    "scaled by 0": (setting("vae/config.json", scaling_factor=0), "scaling_factor in vae/config.json"),
    "more inputs": (setting("unet/config.json", addition_embed_type="text_time"), "addition_embed_type"),
    "link out": (link_out, "leads out"),
    "no tokenizer": (lambda f: (f / "tokenizer/tokenizer.json").unlink(), "tokenizer.json is missing"),
}


def test_a_sound_folder_passes_and_says_what_it_holds(sound):
    info = models.inspect(sound)
    assert info.classes["vae"] == "AutoencoderTiny" and info.weight_bytes > 10**5
    assert strangers.check_safetensors(sound / UNET)["conv_in.weight"] == (16, 6, 3, 3)


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_folder_is_refused_in_words(copy, name):
    damage, words = DAMAGES[name]
    damage(copy)
    with pytest.raises(BadFile, match=words) as caught:
        models.inspect(copy)
    assert len(str(caught.value)) < 300 and str(copy) not in str(caught.value)


@pytest.mark.parametrize(
    "file, key, value, got",
    [
        ("scheduler/scheduler_config.json", "beta_end", [1], "beta_end is a list of 1"),
        ("scheduler/scheduler_config.json", "beta_start", 7, "beta_start is 7"),
        ("scheduler/scheduler_config.json", "trained_betas", 0, "trained_betas is 0"),
        ("scheduler/scheduler_config.json", "prediction_type", {}, "prediction_type must be .* says an object"),
        ("tokenizer/tokenizer_config.json", "bos_token", [3], "bos_token in .* must be text; got a list of 1"),
        ("tokenizer/tokenizer_config.json", "model_max_length", 0, "model_max_length"),
        ("unet/config.json", "act_fn", None, "act_fn in unet/config.json: it is nothing"),
        ("unet/config.json", "down_block_types", [3, 5], "down_block_types in unet/config.json: it is a list of 2"),
        ("unet/config.json", "_class_name", 0, "_class_name in unet/config.json: it is 0"),
        ("unet/config.json", "time_embedding_act_fn", [[[1]]], "time_embedding_act_fn in .*: it is a list of 1"),
    ],
)
def test_the_value_at_fault_is_named_as_a_person_would(copy, file, key, value, got):
    from pipelines.diffusion import loading

    setting(file, **{key: value})(copy)
    with pytest.raises(BadFile, match=got) as caught:
        loading.load(models.inspect(copy))
    assert not PYTHON.search(str(caught.value)) and len(str(caught.value)) < 300


def test_parts_of_two_models_and_missing_weights_are_refused_when_loaded(copy):
    from pipelines.diffusion import loading

    tensors = load_file(copy / UNET)
    save_file({name: t for name, t in tensors.items() if name != "conv_out.bias"}, copy / UNET)
    with pytest.raises(BadFile, match=r"unet lacks 1 of its weights \(conv_out.bias"):
        loading.load(models.inspect(copy))
    save_file(tensors | {"conv_out.bias": tensors["conv_out.bias"] * float("nan")}, copy / UNET)
    with pytest.raises(BadFile, match="not numbers"):
        loading.load(models.inspect(copy))
    save_file(tensors, copy / UNET)
    setting("unet/config.json", in_channels=4)(copy)
    with pytest.raises(BadFile, match="unet"):
        loading.load(models.inspect(copy))


def test_installed_names_are_those_of_the_folders_and_never_a_path(copy, only_here):
    (only_here / ".hidden").mkdir()
    (only_here / "empty").mkdir()
    assert "tiny" in models.installed() and not {".hidden", "empty"} & set(models.installed())
    assert models.find("tiny") == copy
    for name in ("empty", "../tiny", "tiny/../tiny", str(copy), ""):
        with pytest.raises(NotFound):
            models.find(name)


def test_the_hash_is_that_of_the_unets_weights_and_follows_them(copy, sound):
    before = models.model_hash(models.inspect(copy))
    assert len(before) == 10 and before == models.model_hash(models.inspect(sound))
    tensors = load_file(copy / UNET)
    save_file(tensors | {"conv_out.bias": tensors["conv_out.bias"] + 1}, copy / UNET)
    assert models.model_hash(models.inspect(copy)) != before
