"""Files of models under any name: each can be chosen by its place, and opened; nothing leads out of the folders."""

import os
import time
import unicodedata
from pathlib import Path

import pytest
from safetensors.torch import save_file

from pipelines import models, places
from pipelines.device.manager import DeviceManager
from pipelines.diffusion import loading
from pipelines.diffusion.addons import lora
from pipelines.diffusion.leases import held
from pipelines.errors import BadRequest
from pipelines.files import naming
from pipelines.models import folders, vaes
from pipelines.models.addons import files, loras
from pipelines.models.library import scan
from pipelines.models.library.catalogue import Catalogue
from pipelines.models.library.entry import Root
from pipelines.models.library.usable import Called
from pipelines.requests.loras import wanted_loras
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import infotext
from tests import tiny, tiny_addons
from tests.original_layout import checkpoint
from tests.pipelines.models.test_checkpoints import pipeline

PLACES = {
    # where a file lies below its folder -> what it is called
    "plain.safetensors": "plain",
    "国风3_GuoFeng3.safetensors": "国风3_GuoFeng3",
    unicodedata.normalize("NFD", "été") + ".safetensors": unicodedata.normalize("NFD", "été"),
    "[FLX] x.safetensors": "[FLX] x",
    "Emma's mix, v2 & more!.safetensors": "Emma's mix, v2 & more!",
    "_x.safetensors": "_x",
    "a~b=1.safetensors": "a~b=1",
    "m#final@2.safetensors": "m#final@2",
    "UPPER.SAFETENSORS": "UPPER",
    "file.sft": "file",
    "two.safetensors": "two",
    "two.sft": "two.sft",
    "SD15/deep/deeper/still/more/down/six/seven.safetensors": "SD15/deep/deeper/still/more/down/six/seven",
    "SD15/plain.safetensors": "SD15/plain",
    "SDXL/plain.safetensors": "SDXL/plain",
    '100% "real" v1.5.safetensors': '100% "real" v1.5',
    "v1.5.final.safetensors": "v1.5.final",
    "ideographic　space.safetensors": "ideographic　space",
    "emoji 🦊.safetensors": "emoji 🦊",
    "(a)+{b};$c^.safetensors": "(a)+{b};$c^",
}
UNFIT = ("line\nbreak.safetensors", "bell\x07.safetensors")


@pytest.fixture(scope="module")
def webui(tmp_path_factory: pytest.TempPathFactory):
    """A tree as A1111's, in which each kind of file has all the names."""
    root = tmp_path_factory.mktemp("webui")
    made = tmp_path_factory.mktemp("made")
    weights = checkpoint(pipeline("sd1"), "sd1")
    parts = {"unet": pipeline("sd1").unet, "text_encoder": pipeline("sd1").text_encoder}
    kinds = {
        "models/Stable-diffusion": {name: weight.contiguous() for name, weight in weights.items()},
        "models/Lora": tiny_addons.kohya(tiny_addons.random_products(parts)),
        "models/VAE": {n.removeprefix("first_stage_model."): w.contiguous() for n, w in weights.items()
                       if n.startswith("first_stage_model.")},
    }  # fmt: skip
    for folder, tensors in kinds.items():
        file = made / f"{Path(folder).name}.safetensors"
        save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, file)
        for place in (*PLACES, *UNFIT):
            (root / folder / place).parent.mkdir(parents=True, exist_ok=True)
            os.link(file, root / folder / place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(places.VARIABLES[places.CHECKPOINTS], str(root))
        yield root


@pytest.fixture(scope="module")
def devices():
    made = DeviceManager("cpu", threads=1)
    yield made
    made.close()


def test_every_file_of_the_tree_has_its_name(webui: Path):
    names = list(PLACES.values())
    assert set(names) <= set(models.installed())
    assert sorted(files.installed(files.LORA), key=str) == sorted(names)
    assert set(vaes.names()) == {vaes.AUTOMATIC, *PLACES}


@pytest.mark.parametrize("place", PLACES)
def test_every_checkpoint_can_be_chosen(webui: Path, place: str):
    name = PLACES[place]
    request = TextToImageRequest.parse({"model": name, "vae": place})
    assert (request.model, request.vae) == (name, place)
    info = models.inspect(models.find(request.model))
    assert info.folder == webui / "models/Stable-diffusion" / place and info.name == name
    assert vaes.inspect(vaes.find(request.vae)).file == webui / "models/VAE" / place


@pytest.mark.parametrize(
    "place", ["UPPER.SAFETENSORS", "file.sft", "国风3_GuoFeng3.safetensors", "m#final@2.safetensors"]
)
def test_whatever_its_name_a_checkpoint_is_loaded(webui: Path, devices: DeviceManager, place: str):
    name = PLACES[place]
    info = models.inspect(models.find(name))
    with held(info, devices):
        assert [str(one["key"]).rpartition("@")[0] for one in devices.loaded()] == [name]
    devices.drop(name)
    assert not devices.loaded()


def test_every_lora_can_be_worn_by_the_field_and_the_prompt(webui: Path, devices: DeviceManager):
    base = loading.load(models.inspect(models.find("plain")))
    for place, name in PLACES.items():
        field = f'"{name}":0.5' if "," in name else f"{name}:0.5"
        request = TextToImageRequest.parse({"loras": field, "prompt": f"a fox <lora:{name}:0.5>", "model": "plain"})
        with lora.attached(request, base, devices) as (worn,):
            assert worn.added and worn.notes == (), name
        assert loras.find(name) == (webui / "models/Lora" / place, "")


def test_a_name_is_found_as_other_tools_write_it(webui: Path):
    meant = {
        "v1.5.final.safetensors [6ce0161689]".partition(" [")[0]: "v1.5.final",
        "SD15\\plain.safetensors": "SD15/plain",
        "SD15_plain": "SD15/plain",
        "seven": "SD15/deep/deeper/still/more/down/six/seven",
        "six/seven.ckpt": "SD15/deep/deeper/still/more/down/six/seven",
        "two.sft": "two.sft",
        "two.safetensors": "two",
        unicodedata.normalize("NFC", "été"): unicodedata.normalize("NFD", "été"),
    }
    for given, name in meant.items():
        assert models.resolve(given) == name, given
    for nothing in ("../plain", "/etc/passwd", "..", "", "PLAIN", "no\0thing", "nowhere/else"):
        assert models.resolve(nothing) is None, nothing


def test_where_two_files_are_called_so_a_lora_is_the_first_and_a_model_none(webui: Path, tmp_path: Path, monkeypatch):
    for folder in ("a", "b"):
        tiny_addons.save(tmp_path / "loras" / folder, "twin", {"lora_unet_x.lora_down.weight": tiny_weight()})
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "twin.safetensors").touch()
    monkeypatch.setenv(places.VARIABLES[places.CHECKPOINTS], str(tmp_path))
    path, note = loras.find("twin")
    assert path == tmp_path / "loras/a/twin.safetensors"
    assert note == "The LoRA twin can be a/twin or b/twin; a/twin was used."
    assert models.resolve("twin") is None and models.resolve("b/twin") == "b/twin"


def tiny_weight():
    import torch

    return torch.zeros(4, 4)


def test_a_lora_is_found_by_what_its_trainer_called_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tiny_addons.save(
        tmp_path / "loras", "renamed", {"lora_unet_x.lora_down.weight": tiny_weight()}, {"ss_output_name": "Ink lines"}
    )
    monkeypatch.setenv(places.VARIABLES[places.CHECKPOINTS], str(tmp_path))
    assert loras.find("Ink lines") == (file, "")
    assert loras.find("nothing") == (None, "The LoRA nothing is not installed; the picture was made without it.")


def test_of_one_name_in_several_folders_each_file_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for place in ("base", "checkpoints/base", "Stable-diffusion/base", "Stable-diffusion/sub/base"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{place}.safetensors").touch()
    monkeypatch.setenv(places.VARIABLES[places.CHECKPOINTS], str(tmp_path))
    named = {name: path for path, name in folders.by_path().items() if path.is_relative_to(tmp_path)}
    assert named == {
        "base": tmp_path / "base.safetensors",
        "base.safetensors": tmp_path / "checkpoints/base.safetensors",
        "Stable-diffusion/base": tmp_path / "Stable-diffusion/base.safetensors",
        "sub/base": tmp_path / "Stable-diffusion/sub/base.safetensors",
    }


def test_the_library_says_the_same_and_why_something_cannot_be_chosen(webui: Path, tmp_path: Path):
    (webui / "models/hypernetworks").mkdir(exist_ok=True)
    odd = webui / "models/hypernetworks/lost.safetensors"
    if not odd.exists():
        os.link(webui / "models/Lora/plain.safetensors", odd)
    (webui / "models/Lora/.hidden.safetensors").touch()
    called, whys, names = Called(), {}, {"lora": set(), "checkpoint": set(), "vae": set()}
    for entry in Catalogue([Root(webui / "models", "other")], tmp_path).scan():
        assert bool(called.name(entry)) == (not called.fault(entry))
        names[entry.found.kind].add(called.name(entry))
        whys[entry.path.name] = str(called.fault(entry))
    wanted = {"lora": set(PLACES.values()), "checkpoint": set(PLACES.values()), "vae": set(PLACES)}
    assert {kind: found - {""} for kind, found in names.items()} == wanted
    assert {whys[name] for name in UNFIT} == {str(naming.UNFIT)}
    assert whys["lost.safetensors"] == "Nothing of its kind is looked for in its folder. Move it to models/loras."
    assert ".hidden.safetensors" not in whys
    odd.unlink()


def test_names_that_would_end_a_tag_are_refused_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tiny_addons.save(tmp_path / "loras", "a<b", {"lora_unet_x.lora_down.weight": tiny_weight()})
    monkeypatch.setenv(places.VARIABLES[places.CHECKPOINTS], str(tmp_path))
    assert files.installed(files.LORA) == ()
    [entry] = Catalogue([Root(tmp_path, "other")], tmp_path / "outputs").scan()
    assert "which end a LoRA's name in a prompt" in Called().fault(entry)


def test_a_link_out_of_the_folder_of_loras_is_no_lora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    outside = tiny_addons.save(tmp_path / "outside", "x", {"lora_unet_x.lora_down.weight": tiny_weight()})
    (tmp_path / "models/loras/sub").mkdir(parents=True)
    (tmp_path / "models/loras/sub/link.safetensors").symlink_to(outside)
    (tmp_path / "models/loras/folder").symlink_to(tmp_path / "outside")
    monkeypatch.setenv(places.VARIABLES[places.CHECKPOINTS], str(tmp_path / "models"))
    assert files.installed(files.LORA) == ()


@pytest.mark.parametrize("name", [*PLACES.values(), 'q"uote, and \\ slash'])
def test_names_come_back_from_the_infotext(name: str):
    field = f'"{name}":0.5' if "," in name and '"' not in name else f"{name.replace(',', '')}:0.5"
    request = TextToImageRequest.of(model=name, vae=name, loras=field, prompt=f"a <lora:{name}:1>").values()
    back = infotext.parse(infotext.write({"request": request}))["request"]
    assert {key: back[key] for key in ("model", "vae", "loras", "prompt")} == {
        key: request[key] for key in ("model", "vae", "loras", "prompt")
    }


def test_quotation_marks_hold_a_loras_name_together():
    asked = wanted_loras('"Emma\'s mix, v2 & more!":0.8, ink:1:0.5, "plain"')
    assert [tuple(one) for one in asked] == [
        ("Emma's mix, v2 & more!", 0.8, 0.8), ("ink", 1, 0.5), ("plain", 1, 1)
    ]  # fmt: skip
    with pytest.raises(BadRequest):
        wanted_loras('"Emma\'s mix, v2 & more!":0.8:')


@pytest.mark.parametrize("inside", ["models", "Models", ""])
def test_the_folder_of_a_whole_tool_is_its_folder_of_models(tmp_path: Path, inside: str):
    (tmp_path / inside / "Stable-diffusion").mkdir(parents=True)
    assert places.tree(tmp_path) == tmp_path / inside
    assert places.tree(tmp_path / inside / "Stable-diffusion") == tmp_path / inside / "Stable-diffusion"


def test_a_request_is_validated_in_no_time_among_three_thousand_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for i in range(1500):
        for kind in ("Stable-diffusion", "Lora"):
            file = tmp_path / kind / f"set {i // 100}" / f"模型 {i}.safetensors"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    monkeypatch.setenv(places.VARIABLES[places.CHECKPOINTS], str(tmp_path))
    asked = {"model": "set 7/模型 777", "prompt": "a fox <lora:模型 5:1>", "loras": "set 3/模型 333:0.5"}
    seconds = []
    for _ in range(20):
        start = time.perf_counter()
        TextToImageRequest.parse(asked)
        seconds.append(time.perf_counter() - start)
    assert min(seconds[1:]) < 0.005


def test_embeddings_beside_a_tools_models_are_in_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "models/Stable-diffusion").mkdir(parents=True)
    tiny_addons.save(tmp_path / "embeddings", "bad hands", {"emb_params": tiny_weight()})
    monkeypatch.setenv(places.VARIABLES[places.CHECKPOINTS], str(tmp_path))
    found = [path for root, path in scan.files(scan.roots()) if path.is_relative_to(tmp_path)]
    assert found == [tmp_path / "embeddings/bad hands.safetensors"]
    assert files.installed(files.EMBEDDING) == ("bad hands",)


def test_a_folder_and_a_file_of_one_name_are_two_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tiny.tiny_model(tmp_path / "fox/one")
    (tmp_path / "fox/one.safetensors").touch()
    monkeypatch.setenv(places.VARIABLES[places.CHECKPOINTS], str(tmp_path))
    assert models.find("fox/one") == tmp_path / "fox/one"
    assert models.find("fox/one.safetensors") == tmp_path / "fox/one.safetensors"
    assert models.inspect(tmp_path / "fox/one").name == "fox/one"
