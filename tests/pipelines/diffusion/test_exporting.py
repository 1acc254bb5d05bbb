"""What the exporter writes is the same network for any size, any number of rows, any length of prompt."""

import sys
from pathlib import Path

import pytest
import torch

from pipelines import models
from pipelines.device.native.session import Session
from pipelines.diffusion import exporting, loading
from pipelines.models import graphs
from tests.tiny import tiny_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tiny_model(tmp_path_factory.mktemp("models") / "tiny")
    exporting.main(folder)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="numbers are handed over by open files")
def test_the_graph_with_the_weights_is_the_unet(exported: Path) -> None:
    model = loading.load(models.inspect(exported))
    graph = graphs.read(exported / "unet", model.info.configs["unet"])
    assert graph is not None
    unet = model.part("unet")
    assert graph.fits({name: tuple(tensor.shape) for name, tensor in unet.state_dict().items()})
    weights = {name: tensor.numpy() for name, tensor in unet.state_dict().items()}
    session = Session(graph.onnx, lambda: weights, lambda: 1)
    for rows, height, width, tokens in [(1, 8, 8, 16), (2, 8, 8, 16), (5, 4, 12, 32), (2, 16, 6, 3)]:
        x = torch.randn(rows, unet.config.in_channels, height, width)
        told, timesteps = torch.randn(rows, tokens, 32), torch.rand(rows) * 999
        inputs = {"x": x, "timesteps": timesteps, "encoder_hidden_states": told}
        answer = session.run({name: tensor.numpy() for name, tensor in inputs.items()}, tuple(x.shape))
        with torch.inference_mode():
            right = unet(x, timesteps, encoder_hidden_states=told, return_dict=False)[0]
        torch.testing.assert_close(torch.from_numpy(answer), right, atol=1e-4, rtol=1e-4)
    session.close()


def test_the_file_holds_no_weights_and_no_trace_of_this_machine(exported: Path) -> None:
    import onnx

    proto = onnx.load_model_from_string((exported / "unet" / graphs.FILE).read_bytes())
    inside = [tensor for tensor in proto.graph.initializer if tensor.data_location != onnx.TensorProto.EXTERNAL]
    assert sum(onnx.numpy_helper.to_array(tensor).size for tensor in inside) < 1000
    assert str(Path(exporting.__file__).parents[2]).encode() not in proto.SerializeToString()
