"""A graph is used where it fits the config and the weights that it was made of, and nothing else passes for one."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import models, places
from pipelines.models import graphs

UNET = places.EMBEDDED / "aigc-mini" / "unet"
CONFIG = json.loads((UNET / "config.json").read_text("utf-8"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped graph and its card, to be damaged."""
    folder = tmp_path / "model" / "unet"
    folder.mkdir(parents=True)
    for name in (graphs.FILE, graphs.CARD):
        shutil.copy(UNET / name, folder)
    return folder


def test_the_shipped_graphs_are_of_the_shipped_model() -> None:
    """If not: make graph"""
    from pipelines.diffusion import loading
    from pipelines.diffusion.native import weights_of

    info = models.inspect(models.find("aigc-mini"))
    model, exported = loading.load(info), graphs.shipped(info)
    assert set(exported) == set(graphs.PARTS)
    for part, graph in exported.items():
        weights = weights_of(model.part(part))
        assert graph.fits({name: tuple(tensor.shape) for name, tensor in weights.items()})
        assert graph.nbytes == sum(tensor.nbytes for tensor in weights.values())
        assert len(graph.onnx) < 10**6, "it must not hold the weights"


def test_graphs_beside_a_strangers_model_are_not_used(tmp_path: Path) -> None:
    info = models.inspect(models.find("aigc-mini"))
    shutil.copytree(info.folder, tmp_path / "aigc-mini")
    assert graphs.shipped(replace(info, folder=tmp_path / "aigc-mini")) == {}


def test_a_library_that_wrote_the_config_anew_keeps_the_graph(folder: Path) -> None:
    assert graphs.read(folder, CONFIG | {"_diffusers_version": "9.9"}) is not None


@pytest.mark.parametrize("change", [{"norm_num_groups": 16}, {"act_fn": "gelu"}, {"in_channels": 64}])
def test_a_graph_of_another_config_is_none(folder: Path, change: dict) -> None:
    """Also where all weights have the same shapes."""
    assert graphs.read(folder, CONFIG | change) is None


def test_other_weights_do_not_fit(folder: Path) -> None:
    graph = graphs.read(folder, CONFIG)
    assert graph is not None
    name, shape = next(iter(graph.weights.items()))
    assert not graph.fits(dict(graph.weights) | {name: (*shape, 1)})
    assert not graph.fits(dict(graph.weights) | {"more": (1,)})
    assert not graph.fits({})


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
@pytest.mark.parametrize("name", [graphs.FILE, graphs.CARD])
def test_a_file_cut_anywhere_is_none(folder: Path, name: str, share: float) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: int(len(whole) * share)])
    assert graphs.read(folder, CONFIG) is None


@pytest.mark.parametrize("name", [graphs.FILE, graphs.CARD])
def test_without_one_of_the_files_there_is_none(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert graphs.read(folder, CONFIG) is None


def test_one_changed_byte_of_the_graph_is_noticed(folder: Path) -> None:
    data = bytearray((folder / graphs.FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / graphs.FILE).write_bytes(data)
    assert graphs.read(folder, CONFIG) is None


@pytest.mark.parametrize(
    "card",
    [
        "[]",
        "null",
        "1e999",
        "{}",
        "[" * 100_000,
        json.dumps({"format": graphs.FORMAT, "config": 1, "graph": [], "weights": 3}),
        '{"format": 1, "config": "", "graph": "", "weights": {"a": ["b"]}}',
    ],
)
def test_a_hostile_card_is_none(folder: Path, card: str) -> None:
    (folder / graphs.CARD).write_text(card)
    assert graphs.read(folder, CONFIG) is None


@pytest.mark.parametrize("change", [{"weights": []}, {"inputs": 3}, {"multiple_of": "two"}, {"weights": {"a": 1}}])
def test_a_card_with_a_field_of_another_kind_is_none(folder: Path, change: dict) -> None:
    card = json.loads((folder / graphs.CARD).read_text())
    (folder / graphs.CARD).write_text(json.dumps(card | change))
    assert graphs.read(folder, CONFIG) is None


def test_a_pipe_in_place_of_a_graph_is_not_waited_for(folder: Path) -> None:
    import os

    (folder / graphs.FILE).unlink()
    os.mkfifo(folder / graphs.FILE)
    assert graphs.read(folder, CONFIG) is None
