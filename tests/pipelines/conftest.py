"""What most tests of the engine begin with."""

from collections.abc import Iterator

import pytest

from pipelines.device.manager import DeviceManager


@pytest.fixture(scope="module")
def devices() -> Iterator[DeviceManager]:
    """The CPU with one thread, so that sums are in one order; a file's tests share its models."""
    manager = DeviceManager("cpu", threads=1)
    yield manager
    manager.close()
