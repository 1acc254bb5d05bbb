"""Folders of models that the owner has already: found below A1111's and ComfyUI's trees, and by their own file."""

from pathlib import Path

import pytest

from pipelines import places
from pipelines.errors import BadRequest
from pipelines.models import vaes
from pipelines.models.addons import files
from pipelines.models.checkpoints import companions
from pipelines.places import from_yaml, joined

COMFY = """
# the example that ComfyUI ships, shortened
a111:
    base_path: webui
    checkpoints: models/Stable-diffusion
    vae: models/VAE
    loras: |
         models/Lora
         models/LyCORIS
    embeddings: embeddings
    hypernetworks: models/hypernetworks
    upscale_models: |
         models/ESRGAN
         models/RealESRGAN
    controlnet: models/ControlNet
    clip: models/text_encoder

other:
    base_path: $OWN_MODELS
    is_default: true
    checkpoints: big
empty:
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "extra_model_paths.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_comfys_file_names_folders_beside_itself_or_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OWN_MODELS", str(tmp_path / "mine"))
    found = from_yaml(written(tmp_path, COMFY))
    webui = tmp_path / "webui"
    assert found == {
        "checkpoints": (webui / "models/Stable-diffusion", tmp_path / "mine" / "big"),
        "vae": (webui / "models/VAE",),
        "loras": (webui / "models/Lora", webui / "models/LyCORIS"),
        "embeddings": (webui / "embeddings",),
        "controlnet": (webui / "models/ControlNet",),
        "upscale_models": (webui / "models/ESRGAN", webui / "models/RealESRGAN"),
        "text_encoders": (webui / "models/text_encoder",),
    }


@pytest.mark.parametrize("text", ["- a\n- b", "a: b", "a: [", "{" * 100_000, "a: &a [*a, 5]"])
def test_a_file_that_is_none_gets_a_sentence(tmp_path: Path, text: str):
    with pytest.raises(BadRequest, match=r"extra_model_paths\.yaml"):
        from_yaml(written(tmp_path, text))


def test_a_file_that_holds_code_runs_nothing(tmp_path: Path):
    with pytest.raises(BadRequest, match="not valid YAML"):
        from_yaml(written(tmp_path, f"a: !!python/object/apply:os.mkdir ['{tmp_path}/ran']"))
    assert not (tmp_path / "ran").exists()


def test_a_file_that_is_not_there_gets_a_sentence(tmp_path: Path):
    with pytest.raises(BadRequest, match="can not be read"):
        from_yaml(tmp_path / "nothing.yaml")


def test_places_are_joined_in_order_without_repeating():
    one, two = Path("one"), Path("two")
    assert joined({"loras": (one,)}, {"loras": (two, one), "vae": (one,)}) == {"loras": (one, two), "vae": (one,)}


def test_of_a_tree_every_kind_is_searched_in_the_folders_that_other_tools_have(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("AIGC_MODELS", str(tmp_path / "models"))
    tree = {
        "checkpoints": "models/Stable-diffusion", "vae": "models/VAE", "loras": "models/LyCORIS",
        "embeddings": "embeddings", "controlnet": "models/ControlNet", "upscale_models": "models/ESRGAN",
        "text_encoders": "models/clip",
    }  # fmt: skip
    for folder in tree.values():
        (tmp_path / folder).mkdir(parents=True)
    assert {kind: tmp_path / folder in places.of(kind) for kind, folder in tree.items()} == dict.fromkeys(tree, True)


@pytest.mark.parametrize("kind", places.FOLDERS)
def test_a_folder_that_the_owner_names_is_searched_here_and_in_the_processes_that_start_here(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for variable in places.VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    told: dict[str, str] = {}
    places.name({kind: (tmp_path / "one",)}, told)
    places.name({kind: (tmp_path, tmp_path / "nowhere")}, told)
    monkeypatch.setenv(places.VARIABLES[kind], told[places.VARIABLES[kind]])
    (tmp_path / "one").mkdir()
    found = places.of(kind)
    assert [folder for folder in found if folder.is_relative_to(tmp_path)] == [tmp_path / "one", tmp_path]
    assert places.environment() == told
    assert places.named() == (tmp_path / "one", tmp_path, tmp_path / "nowhere")


def test_what_lies_in_a_named_folder_can_be_used_not_only_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kinds = {files.LORA: "loras", files.EMBEDDING: "embeddings", files.CONTROL: "controlnet"}
    for kind in (*kinds.values(), "vae", "text_encoders", "upscale_models"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / f"of-{kind}.safetensors").write_bytes(b"")
        monkeypatch.setenv(places.VARIABLES[kind], str(tmp_path / kind))
    kinds |= {files.UPSCALER: "upscale_models"}
    for kind, place in kinds.items():
        assert files.find(kind, f"of-{place}").parent == tmp_path / place
    assert vaes.find("of-vae.safetensors").parent == tmp_path / "vae" and "of-vae.safetensors" in vaes.names()
    assert tmp_path / "text_encoders/of-text_encoders.safetensors" in companions._files(places.TEXT_ENCODERS)
