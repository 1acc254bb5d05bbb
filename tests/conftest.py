"""The environment of every test: offline, no telemetry, threads that do not spin; and what two processes share out."""

import os
from collections import Counter
from typing import Any

import pytest

from pipelines.libs import prepare_environment

prepare_environment()
if "PYTEST_XDIST_WORKER" in os.environ:  # two processes with all cores each would wait for each other in every sum
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // 2)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests stay together, as they share models; those in a browser go one after another beside the others."""
    from xdist.scheduler import LoadFileScheduling

    class BrowserTogether(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "tests/browser" if file.startswith("tests/browser/") else file

    config.option.loadscopereorder = False  # by the number of tests, which says little of how long they take
    return BrowserTogether(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, so that both processes end together: the browser's tests, then files with the most
    slow ones."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: (item.get_closest_marker("browser") is None, -slow[item.path]))
