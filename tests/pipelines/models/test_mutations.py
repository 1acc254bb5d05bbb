"""A model's folder in which any one value is wrong loads, or is refused by a sentence, within bounds."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines import libs, models
from pipelines.device.memory import resident_memory
from pipelines.errors import BadFile
from pipelines.families import own
from tests import own_models, tiny, tiny_bridge, tiny_zoo
from tests.mutations import Mutation, mutations

MAKERS: dict[str, Any] = {
    "sd": lambda folder: tiny.tiny_model(folder, "kl"),
    "sdxl": lambda folder: tiny_zoo.tiny_model(folder, "sdxl"),
    "flux": lambda folder: tiny_zoo.tiny_model(folder, "flux-dev"),
    "hunyuan": lambda folder: tiny_bridge.tiny_model(folder, "hunyuan"),
    "kandinsky": lambda folder: tiny_bridge.tiny_model(folder, "kandinsky"),
    "ddpm": own_models.ddpm_folder,
    "vq": own_models.vq_folder,
}
EACH = 6
MOST_SECONDS, MOST_BYTES = 20.0, 400 * 2**20
SEEDS = (0,)


@pytest.fixture(scope="module", params=MAKERS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MAKERS[request.param](tmp_path_factory.mktemp("sound") / request.param)


def loaded(folder: Path) -> object:
    libs.torch()
    from pipelines.diffusion import loading
    from pipelines.diffusion.bridge import model as bridge
    from pipelines.families.own import loading as own_loading

    if folder.name.startswith(("ddpm", "vq")):
        return own_loading.load(own.inspect(folder))
    info = models.inspect(folder)
    return bridge.load(info) if info.bridged else loading.load(info)


@pytest.mark.slow
def test_a_folder_with_one_other_value_loads_or_is_refused(folder: Path, tmp_path: Path) -> None:
    loaded(folder)
    logging.disable(logging.CRITICAL)
    try:
        for i, mutation in enumerate(_chosen(folder)):
            target = mutation.applied(folder, tmp_path / f"{folder.name}-{i}")
            before, began = resident_memory(), time.thread_time()
            try:
                loaded(target)
            except BadFile as error:
                assert 10 < len(str(error)) < 300 and str(target) not in str(error), str(mutation)
            except Exception as error:
                raise AssertionError(f"{mutation} ends as a mistake of the studio") from error
            assert time.thread_time() - began < MOST_SECONDS, str(mutation)
            assert resident_memory() - before < MOST_BYTES, str(mutation)
    finally:
        logging.disable(logging.NOTSET)


def _chosen(folder: Path) -> Iterator[Mutation]:
    for seed in SEEDS:
        yield from mutations(folder, EACH, seed)
