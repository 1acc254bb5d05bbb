"""Enlarging a picture by a network of the user or by ours, or keeping it where there is no room."""

from collections.abc import Generator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from pipelines import libs
from pipelines.device.manager import DeviceManager
from pipelines.errors import BadRequest, Sentence, StudioError
from pipelines.events import Event, StopEarly
from pipelines.requests.limits import OWN_UPSCALER

LONGEST_SIDE = 4096
"""Of the enlarged picture, in pixels."""


def enlarged_or_kept(
    pictures: list[np.ndarray], factor: int, name: str, devices: DeviceManager
) -> Generator[Event, None, tuple[list[np.ndarray], str]]:
    """All pictures enlarged, and ""; or, stopped early or where that fails, as they came and why."""
    try:
        return (yield from _enlarge(pictures, factor, name, devices)), ""
    except StopEarly:
        return pictures, Sentence("Stopped before the picture was enlarged; it has the size it was painted at.")
    except StudioError as error:  # what is painted is not lost for it
        return pictures, Sentence("The picture was not enlarged: {why}", why=error.sentence)


def _enlarge(
    pictures: list[np.ndarray], factor: int, name: str, devices: DeviceManager
) -> Generator[Event, None, list[np.ndarray]]:
    enlarged = []
    with lease(name, devices) as model:
        for picture in pictures:
            enlarged.append((yield from model.enlarge(picture, factor)))
    return enlarged


def lease(name: str, devices: DeviceManager) -> AbstractContextManager[Any]:
    """The network of that name on the device, for the block's time: ours, or one that is installed."""
    libs.torch()  # before the module that imports it at its top: through the one locked door
    from pipelines.diffusion.enlarging import upscaler, upscaling

    return upscaler.lease(devices) if name == OWN_UPSCALER else upscaling.lease(name, devices)


def _refuse_too_large(width: int, height: int, factor: int) -> None:
    if max(width, height) * factor > LONGEST_SIDE:
        raise BadRequest(
            "{factor}x of {width} x {height} pixels would be {new_width} x {new_height}; at most {most} a "
            "side can be made. Choose a smaller factor or picture.",
            factor=factor,
            width=width,
            height=height,
            new_width=factor * width,
            new_height=factor * height,
            most=LONGEST_SIDE,
        )
