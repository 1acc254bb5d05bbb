"""A model folder of one's own in memory, on the device, behind the interface of the families."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from pipelines import libs
from pipelines.errors import BadFile, Sentence
from pipelines.families import own
from pipelines.families.own.autoencoders import OwnVae, OwnVq
from pipelines.families.own.denoising import OwnDiffusion
from pipelines.models import building
from pipelines.models.faults import as_bad_file

if TYPE_CHECKING:
    from pipelines.device.manager import DeviceManager

OwnModel = OwnDiffusion | OwnVae | OwnVq
_loading = threading.Lock()


@contextmanager
def lease(name: str, devices: DeviceManager) -> Iterator[OwnModel]:
    """The model on the device, for the block's time. Another file under the same name is another model."""
    info = own.inspect(own.find(name))
    stat = info.weights.stat()
    with devices.lease(f"own-{name}-{stat.st_mtime_ns}-{stat.st_size}", lambda: load(info)) as model:
        yield model


def load(info: own.OwnInfo) -> OwnModel:
    """The model of a folder that `own.inspect` has passed, in float32 on the CPU. Raises BadFile."""
    with _loading:
        network = _network(info)
    label, settings = "scheduler_config.json", info.scheduler or {}
    sentence = Sentence("the network and its settings do not make a model. Copy the whole folder again.")
    with as_bad_file(sentence, label, settings):
        if info.kind == own.DIFFUSION:
            return OwnDiffusion(network, info)
        return OwnVae(network, info) if info.kind == own.VAE else OwnVq(network, info)


def _network(info: own.OwnInfo) -> Any:
    with as_bad_file(Sentence("the weights do not fit config.json: one of the two is not its own. Copy both again.")):
        kind = getattr(libs.diffusers(), info.class_name)
        building.check(kind, info.config, "network", (info.weights,))
        network, report = kind.from_pretrained(
            str(info.folder),
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            **({"variant": "fp16"} if ".fp16." in info.weights.name else {}),
        )
    if missing := report["missing_keys"]:
        raise BadFile(
            "{number} weights are missing ({missing}, ...). Copy the folder again.",
            number=len(missing),
            missing=min(missing)[:60],
        )
    if not all(bool(torch.isfinite(weight).all()) for weight in network.parameters()):
        raise BadFile("some weights are not numbers (NaN or infinite). Copy the folder again.")
    return network.eval().requires_grad_(False)
