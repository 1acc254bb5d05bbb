"""Two processes over gloo learn what one learns that takes both parts of each step."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipelines.learning.checkpoints import Checkpoints
from tests.pipelines.learning import line_group


@pytest.mark.slow
def test_two_processes_give_one_process_s_result(tmp_path: Path) -> None:
    """Within rounding, and the same bits in both; only the first has written, and one process goes on from there."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [*launch, "-m", "tests.pipelines.learning.line_group", str(tmp_path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, env=environment, capture_output=True, timeout=300)
    first, second = (load_file(tmp_path / f"{rank}.safetensors") for rank in range(2))
    alone = line_group.learned(accumulate=2).tensors()
    other = line_group.learned(accumulate=1).tensors()
    assert first.keys() == second.keys() == alone.keys()
    for name, tensor in alone.items():
        assert torch.equal(first[name], second[name]), name
        torch.testing.assert_close(first[name], tensor, rtol=1e-4, atol=1e-6)
    assert any(not torch.allclose(first[name], tensor, rtol=1e-2) for name, tensor in other.items())
    saved = Checkpoints(tmp_path / "checkpoints").newest()
    assert saved is not None and saved.step == line_group.STEPS and saved.counts["examples_a_step"] == 8
