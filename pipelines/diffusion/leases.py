"""A model and a decoder on the device, by what a request calls them, for a block's time."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, TypeVar

from pipelines import libs, models
from pipelines.device.entering import Entering
from pipelines.device.manager import DeviceManager
from pipelines.errors import BadRequest
from pipelines.events import Event
from pipelines.models import vaes
from pipelines.models.faults import faults_of
from pipelines.models.info import ModelInfo

if TYPE_CHECKING:
    from pipelines.diffusion.bundle import Bundle
    from pipelines.diffusion.decoding import Decoder


T = TypeVar("T")


def on_device(info: ModelInfo, devices: DeviceManager, work: Generator[Event, None, T]) -> Generator[Event, None, T]:
    """What `work` does, with the model on the device; progress until it is there. What a library raises over a
    stranger's model is told of its files."""
    with faults_of(info), Entering(lambda: held(info, devices)) as entering:
        yield from entering.progress("loading")
        return (yield from work)


def with_own_steps(name: str) -> ModelInfo:
    """The model of that name. Raises BadRequest for one that keeps its steps to itself."""
    info = models.inspect(models.find(name))
    if info.bridged:
        raise BadRequest("{model} paints through the bridge and keeps its steps to itself.", model=info.name)
    return info


@contextmanager
def held(info: ModelInfo, devices: DeviceManager) -> Iterator[None]:
    """A model of any kind on the device, for the time of a job that paints with it; one that is used again may become
    native now, where no other job uses it."""
    if info.bridged:
        libs.torch()
        from pipelines.diffusion.bridge import model

        with model.lease(info, devices):
            yield
        return
    with lease(info, devices) as bundle:
        if devices.graphs is not None:
            devices.graphs.used(bundle, info, lambda nbytes: devices.more(models.identity(info), nbytes))
        yield


def lease(info: ModelInfo, devices: DeviceManager) -> AbstractContextManager[Bundle]:
    """The model on the device, for the block's time. Raises BadRequest for one that only paints, by a pipeline."""
    if info.bridged:
        raise BadRequest(
            "{model} is a {pipeline}, which paints through the bridge and does nothing else. Choose a model "
            "of another kind here.",
            model=info.name[:60],
            pipeline=info.pipeline,
        )
    libs.torch()  # before the modules that import it at their top: through the one locked door
    from pipelines.diffusion import loading

    return devices.lease(models.identity(info), lambda: loading.load(info, devices.dtype))


@contextmanager
def decoder_of(name: str, model: Bundle, devices: DeviceManager) -> Iterator[Decoder | None]:
    """The decoder of that name on the device, for the block's time; None for the model's own. Raises BadRequest."""
    if name == vaes.AUTOMATIC:
        yield None
        return
    from pipelines.diffusion import autoencoder

    info = vaes.inspect(vaes.find(name))
    vaes.refuse_unfit(info, model.info)
    with devices.lease(vaes.identity(info), lambda: autoencoder.load(info, devices.dtype)) as vae:
        yield vae.decoder(*vaes.scaling_of(model.vae.config))
