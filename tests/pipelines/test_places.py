"""Folders of models that the owner has already: found below A1111's and ComfyUI's trees, and by their own file."""

from pathlib import Path

import pytest

from pipelines.errors import BadRequest
from pipelines.places import Places, from_yaml, under

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
    assert found == Places(
        checkpoints=(webui / "models/Stable-diffusion", tmp_path / "mine" / "big"),
        loras=(webui / "models/Lora", webui / "models/LyCORIS"),
        vaes=(webui / "models/VAE",),
        embeddings=(webui / "embeddings",),
    )


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


def test_of_a_tree_only_what_is_there_is_taken(tmp_path: Path):
    for name in ("Stable-diffusion", "Lora", "ESRGAN"):
        (tmp_path / name).mkdir()
    assert under(tmp_path) == Places(checkpoints=(tmp_path / "Stable-diffusion", tmp_path), loras=(tmp_path / "Lora",))


def test_places_are_joined_in_order_without_repeating(tmp_path: Path):
    one, two = Path("one"), Path("two")
    assert Places(loras=(one,)) + Places(loras=(two, one), vaes=(one,)) == Places(loras=(one, two), vaes=(one,))
