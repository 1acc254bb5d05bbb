"""Enlarging a picture by a network of the user or by ours, or keeping it where there is no room."""

from collections.abc import Generator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from pipelines import libs
from pipelines.device.manager import DeviceManager
from pipelines.device.memory import free_memory
from pipelines.errors import OutOfMemory, Sentence, StudioError
from pipelines.events import Event, StopEarly
from pipelines.requests.limits import MOST_ENLARGED, OWN_UPSCALER, check_pixels

PIXEL_BYTES = 12
"""Of the enlarged picture while it is made: itself, what it came from, and what of it is padded."""


def enlarged_or_kept(
    pictures: list[np.ndarray], factor: int, name: str, devices: DeviceManager
) -> Generator[Event, None, tuple[list[np.ndarray], str]]:
    """All pictures enlarged, and ""; or, stopped early or where that fails, as they came and why."""
    try:
        return (yield from enlarge_all(pictures, factor, name, devices)), ""
    except StopEarly:
        return pictures, Sentence("Stopped before the picture was enlarged; it has the size it was painted at.")
    except StudioError as error:  # what is painted is not lost for it
        return pictures, Sentence("The picture was not enlarged: {why}", why=error.sentence)


def enlarge_all(
    pictures: list[np.ndarray], factor: int, name: str, devices: DeviceManager
) -> Generator[Event, None, list[np.ndarray]]:
    enlarged = []
    with lease(name, devices) as model:
        for picture in pictures:
            refuse_too_large(picture.shape[1], picture.shape[0], factor)
            enlarged.append((yield from model.enlarge(picture, factor)))
    return enlarged


def lease(name: str, devices: DeviceManager) -> AbstractContextManager[Any]:
    """The network of that name on the device, for the block's time: ours, or one that is installed."""
    libs.torch()  # before the module that imports it at its top: through the one locked door
    from pipelines.diffusion.enlarging import upscaler, upscaling

    return upscaler.lease(devices) if name == OWN_UPSCALER else upscaling.lease(name, devices)


def refuse_too_large(width: int, height: int, factor: int) -> None:
    """Raises BadRequest for an enlarged picture of too many pixels, OutOfMemory for one that has no room now."""
    wide, high = factor * width, factor * height
    check_pixels(wide, high, Sentence("Choose a smaller factor or picture."), MOST_ENLARGED)
    needed, free = wide * high * PIXEL_BYTES, free_memory()
    if needed > free:
        raise OutOfMemory(
            "{width} x {height} pixels take about {needed:.0f} MB, and {free:.0f} MB are free. Choose a smaller size.",
            width=wide,
            height=high,
            needed=needed / 1e6,
            free=free / 1e6,
        )
