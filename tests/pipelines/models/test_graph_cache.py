"""The cache gives back what was put into it, and nothing else; it stays within its bound and never raises."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.models import graph_cache, graphs
from pipelines.models.graph_cache import FAILED, FASTER, GraphCache, Structure
from pipelines.models.graphs import Graph
from tests.pipelines.models.test_onnx_file import elsewhere, sound

CONFIG = {"block_out_channels": [8, 16]}
UNET = Structure("unet", "UNet2DConditionModel", CONFIG)
GRAPH = Graph(sound().SerializeToString(), {"w": (2,)}, ("x",), 2)


@pytest.fixture
def cache(tmp_path: Path) -> GraphCache:
    return GraphCache(tmp_path / "outputs" / "graphs")


def home(cache: GraphCache, structure: Structure = UNET) -> Path:
    return cache._folder / structure.key


def test_what_was_put_is_found_again_also_after_a_restart(cache: GraphCache) -> None:
    assert cache.get(UNET) is None
    cache.put(UNET, GRAPH)
    assert cache.get(UNET) == GRAPH == GraphCache(cache._folder).get(UNET)
    assert cache.describe()["count"] == 1 and cache.describe()["bytes"] > len(GRAPH.onnx)


def test_another_structure_or_version_is_another_graph(cache: GraphCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.put(UNET, GRAPH)
    assert cache.get(replace(UNET, config=CONFIG | {"act_fn": "gelu"})) is None
    assert cache.get(replace(UNET, kind="AutoencoderKL")) is None
    assert cache.get(replace(UNET, config=CONFIG | {"_name_or_path": "elsewhere"})) == GRAPH
    monkeypatch.setattr(graph_cache, "_versions", lambda: ("9",))
    assert cache.get(UNET) is None


@pytest.mark.parametrize("name", [graphs.FILE, graphs.CARD])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_file_that_was_cut_is_deleted(cache: GraphCache, name: str, share: float) -> None:
    cache.put(UNET, GRAPH)
    whole = (home(cache) / name).read_bytes()
    (home(cache) / name).write_bytes(whole[: int(len(whole) * share)])
    assert cache.get(UNET) is None and not home(cache).exists()
    cache.put(UNET, GRAPH)
    assert cache.get(UNET) == GRAPH


def test_a_graph_of_another_model_under_its_name_is_deleted(cache: GraphCache) -> None:
    """Each file is whole, and its card is right about it."""
    other = replace(UNET, config=CONFIG | {"act_fn": "gelu"})
    cache.put(other, GRAPH)
    home(cache, other).rename(home(cache))
    assert cache.get(UNET) is None and not home(cache).exists()


def test_a_graph_that_names_a_file_is_deleted_though_its_digests_are_right(cache: GraphCache) -> None:
    proto = sound()
    elsewhere(proto)
    cache.put(UNET, replace(GRAPH, onnx=proto.SerializeToString()))
    assert graphs.read(home(cache), CONFIG) is not None
    assert cache.get(UNET) is None and not home(cache).exists()


def test_the_longest_unused_go_first(cache: GraphCache) -> None:
    each = [Structure("unet", "UNet2DConditionModel", {"sample_size": i}) for i in range(4)]
    for i, structure in enumerate(each[:3]):
        cache.put(structure, GRAPH)
        os.utime(home(cache, structure) / graphs.CARD, (i, i))
    assert cache.get(each[0]) == GRAPH  # used again
    small = GraphCache(cache._folder, most_bytes=cache.describe()["bytes"])
    small.put(each[3], GRAPH)
    assert [small.get(structure) is not None for structure in each] == [True, False, True, True]


def test_a_full_disk_leaves_nothing_and_raises_nothing(cache: GraphCache, monkeypatch: pytest.MonkeyPatch) -> None:
    written = graph_cache.write_whole

    def full(path: Path, data: bytes) -> None:
        if path.name == graphs.CARD:
            raise OSError(errno.ENOSPC, "full")
        written(path, data)

    monkeypatch.setattr(graph_cache, "write_whole", full)
    cache.put(UNET, GRAPH)
    assert cache.get(UNET) is None and not home(cache).exists()


def test_a_verdict_is_kept_and_only_one_of_the_known_words_counts(cache: GraphCache) -> None:
    assert cache.verdict(UNET) == ""
    cache.judge(UNET, FAILED)
    assert cache.verdict(UNET) == FAILED and cache.get(UNET) is None
    cache.judge(UNET, FASTER)
    assert GraphCache(cache._folder).verdict(UNET) == FASTER
    (home(cache) / graph_cache.VERDICT).write_bytes(b"\xff" * 1000)
    assert cache.verdict(UNET) == ""
