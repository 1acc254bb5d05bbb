"""What the exporter writes is the same network for any size, any number of rows, any length of prompt."""

import sys
from pathlib import Path

import pytest
import torch

from pipelines import models
from pipelines.device.native.session import Exported, Session
from pipelines.diffusion import exporting, loading
from pipelines.diffusion.native import weights_of
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
    session = Session({"unet": Exported(graph.onnx, lambda: weights)}, lambda: 1)
    for rows, height, width, tokens in [(1, 8, 8, 16), (2, 8, 8, 16), (5, 4, 12, 32), (2, 16, 6, 3)]:
        x = torch.randn(rows, unet.config.in_channels, height, width)
        told, timesteps = torch.randn(rows, tokens, 32), torch.rand(rows) * 999
        inputs = {"x": x, "timesteps": timesteps, "encoder_hidden_states": told}
        answer = session.run("unet", {name: tensor.numpy() for name, tensor in inputs.items()}, tuple(x.shape))
        with torch.inference_mode():
            right = unet(x, timesteps, encoder_hidden_states=told, return_dict=False)[0]
        torch.testing.assert_close(torch.from_numpy(answer), right, atol=1e-4, rtol=1e-4)
    session.close()


@pytest.mark.skipif(sys.platform == "win32", reason="numbers are handed over by open files")
def test_the_graph_with_the_weights_is_the_decoder(exported: Path) -> None:
    model = loading.load(models.inspect(exported))
    graph, vae, factor = graphs.read(exported / "vae", model.info.configs["vae"]), model.vae, model.latent_factor
    assert graph is not None and graph.inputs == ("latents",)
    weights = {name: tensor.numpy() for name, tensor in weights_of(vae).items()}
    assert graph.fits({name: array.shape for name, array in weights.items()})
    session = Session({"vae": Exported(graph.onnx, lambda: weights)}, lambda: 1)
    for rows, height, width in [(1, 8, 8), (1, 5, 12), (2, 3, 4)]:
        latents = torch.randn(rows, model.latent_channels, height, width)
        shape = (rows, 3, factor * height, factor * width)
        answer = session.run("vae", {"latents": latents.numpy()}, shape)
        with torch.inference_mode():
            right = vae.decode(latents, return_dict=False)[0]
        torch.testing.assert_close(torch.from_numpy(answer), right, atol=1e-4, rtol=1e-4)
    session.close()


@pytest.mark.parametrize("part", graphs.PARTS)
def test_the_file_holds_no_weights_and_no_trace_of_this_machine(exported: Path, part: str) -> None:
    import onnx

    proto = onnx.load_model_from_string((exported / part / graphs.FILE).read_bytes())
    inside = [tensor for tensor in proto.graph.initializer if tensor.data_location != onnx.TensorProto.EXTERNAL]
    assert sum(onnx.numpy_helper.to_array(tensor).size for tensor in inside) < 1000
    assert str(Path(exporting.__file__).parents[2]).encode() not in proto.SerializeToString()
