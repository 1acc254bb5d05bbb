"""An experiment that nobody waits for any more ends at its next step; one that is waited for is not touched."""

import threading
from typing import Any

import pytest

from pipelines import lab, stopping
from pipelines.device.manager import DeviceManager
from pipelines.errors import Superseded

SLOW: dict[str, dict[str, Any]] = {
    "bound": {"num_train_timesteps": 10, "data": "gaussians"},
    "digits": {"num_inference_steps": 3},
    "points": {"num_inference_steps": 3},
    "orders": {},
    "reverse": {"num_inference_steps": 1},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_a_stopped_experiment_ends_at_its_next_step(name: str) -> None:
    experiment, stop = lab.get(name), threading.Event()
    request = experiment.request_type.parse(SLOW[name])
    stop.set()
    with stopping.when(stop), pytest.raises(Superseded):
        experiment.answer(request, DeviceManager("cpu"))


def test_without_a_stop_nothing_is_checked() -> None:
    stopping.check()
    stop = threading.Event()
    with stopping.when(stop):
        stopping.check()
    stop.set()
    stopping.check()
