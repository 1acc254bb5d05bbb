"""Lanes in a real Ray cluster of this machine, two nodes with a worker each: jobs run there, and outlive a worker."""

import importlib.util
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import psutil
import pytest
import torch

from pipelines.device import ray_lanes
from pipelines.device.lanes import Lanes
from pipelines.engine.job import JobState
from pipelines.engine.queue import JobQueue
from pipelines.errors import BadRequest
from pipelines.events import Frame
from tests.pipelines.device.small_jobs import Shelf, asked, over
from tests.tiny import tiny_model

HERE = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not HERE, reason="Ray is an extra: pip install -r requirements-ray.txt")
MEMORY = 100 * 2**20


@pytest.mark.parametrize("wrong", ["ray:", "ray:6379", "ray:host:", "ray:host:x", "ray:a:1,ray:b:2"])
def test_a_cluster_is_named_by_host_and_port(wrong):
    with pytest.raises(BadRequest, match="ray:HOST:PORT"):
        Lanes.over(wrong)


def test_ray_without_a_token_is_refused(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    with pytest.raises(BadRequest, match="RAY_AUTH_MODE=token"):
        Lanes.over("ray:127.0.0.1:6379")


def test_without_ray_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadRequest, match="requirements-ray.txt"):
        Lanes.over("ray:127.0.0.1:6379")


def test_devices_here_and_a_cluster_are_told_apart(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    assert ray_lanes.address("cuda:0, ray:10.0.0.1:6379,cuda:1") == ("cuda:0,cuda:1", "10.0.0.1:6379")
    assert ray_lanes.address("ray:host:1") == (None, "host:1")
    assert ray_lanes.address("cuda") == ("cuda", "") and ray_lanes.address(None) == (None, "")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[str]:
    """Its address. Two nodes with room for one worker each."""
    folder: Path = tmp_path_factory.mktemp("ray")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HOME", str(folder))
        patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patched.setenv("RAY_AUTH_MODE", "token")
        patched.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        patched.setenv("RAY_worker_niceness", "0")  # else 15: beside other work they would hardly run
        patched.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        tiny_model(folder / "models" / "tiny")
        patched.setenv("AIGC_MODELS", str(folder / "models"))
        clusters = importlib.import_module("ray.cluster_utils")
        node = {"num_cpus": 1, "object_store_memory": MEMORY, "include_dashboard": False}
        running = clusters.Cluster(initialize_head=True, head_node_args=node)
        running.add_node(**node)
        yield running.address
        importlib.import_module("ray").shutdown()
        running.shutdown()


@needs_ray
def test_jobs_run_in_the_cluster_and_go_on_where_a_worker_is_killed(cluster):
    threads = torch.get_num_threads()
    lanes, shelf = Lanes.over(f"cpu,ray:{cluster}", threads=1), Shelf()
    lanes.look()
    here, *there = lanes
    assert len(there) == 2 and [lane.elsewhere for lane in lanes] == [False, True, True]
    here.lost = True  # so that all networks must be asked in the cluster
    queue = JobQueue(lanes, cast(Any, shelf))
    first = queue.submit("text-to-image", asked(num_inference_steps=30), "me")
    over(first, seconds=240)
    assert first.state is JobState.DONE, first.error
    assert (
        all(lane.worker().stats.batches == 0 for lane in (here,)) and sum(x.worker().stats.batches for x in there) == 30
    )

    second = queue.submit("text-to-image", asked(num_inference_steps=30), "me")
    deadline = time.monotonic() + 120
    while second.progress.step < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    (running,) = [lane for lane, each in zip(lanes, lanes.listed(), strict=True) if each["running"]]
    _, pid = ray_lanes.answered(cast(Any, running)._actor.about.remote(), 60)
    os.kill(pid, signal.SIGKILL)
    over(second, seconds=240)
    assert second.state is JobState.DONE and second.devices_lost == 1, second.error
    assert running.lost and not lanes.lost and not psutil.pid_exists(pid)
    one, other = shelf.pictures.values()
    assert np.array_equal(one, other), "one worker's bits are the other's"
    assert [e.index for _, e in second.events() if isinstance(e, Frame)] == list(range(31))
    assert str(running.label) in lanes.hint

    here.lost = False
    third = queue.submit("text-to-image", asked(num_inference_steps=30), "me")
    over(third, seconds=240)
    assert third.state is JobState.DONE and np.abs(shelf.pictures["p2"].astype(int) - one).max() <= 1
    queue.close()
    lanes.close()
    torch.set_num_threads(threads)


def test_a_cluster_that_does_not_answer_leaves_this_machine_alone(caplog, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    lanes = Lanes.over("cpu,ray:127.0.0.1:9", threads=1)
    lanes.look()
    assert len(lanes) == 1 and "this machine works alone" in caplog.text
    lanes.close()
