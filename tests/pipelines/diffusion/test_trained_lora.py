"""A LoRA trained on the embedded model in a few seconds, saved as other tools save it, and put to use by its name."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion import loading
from pipelines.diffusion.addons.sharing import sharing
from pipelines.diffusion.bundle import Bundle
from pipelines.events import Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.prompts import plain
from pipelines.requests.text_to_image import TextToImageRequest
from tests import embedded, tiny_addons

RANK, STEPS, ROWS = 4, 60, 8
SIDE = embedded.SIDE
ASKED = TextToImageRequest.of(prompt="a panda", seed=5, num_inference_steps=10, guidance_scale=1.0, upscale="none")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    model = loading.load(models.inspect(models.find("aigc-mini")))
    tiny_addons.save(folder / "loras", "orange", learned(model, target()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


def target() -> np.ndarray:
    """An orange field with a dark bar: nothing that the model would paint for these words."""
    picture = np.full((SIDE, SIDE, 3), (230, 120, 20), np.uint8)
    picture[:, SIDE * 3 // 8 : SIDE * 5 // 8] = (30, 20, 60)
    return picture


def learned(model: Bundle, picture: np.ndarray) -> dict[str, Tensor]:
    """Low-rank products of the attention, taught to see this one picture under any noise."""
    torch.manual_seed(0)
    unet = sharing(model.part("unet"))
    halves = {path: _adapted(unet.get_submodule(path)) for path in _attention(unet)}
    optimizer = torch.optim.Adam([half for pair in halves.values() for half in pair], lr=1e-2)
    x0 = model.encode_picture(picture).expand(ROWS, -1, -1, -1)
    words = model.read(plain(ASKED.prompt), "original").condition["encoder_hidden_states"].clone().expand(ROWS, -1, -1)
    abar = torch.as_tensor(model.process.alphas_cumprod).float()
    for _ in range(STEPS):
        t = torch.randint(0, len(abar), (ROWS,))
        eps = torch.randn(x0.shape)
        share = abar[t][:, None, None, None]
        noised = share.sqrt() * x0 + (1 - share).sqrt() * eps
        answer = unet(noised, t, encoder_hidden_states=words, return_dict=False)[0]
        kind = model.info.configs["scheduler"].get("prediction_type", "epsilon")
        wanted = {"epsilon": eps, "sample": x0, "v_prediction": share.sqrt() * eps - (1 - share).sqrt() * x0}[kind]
        optimizer.zero_grad()
        F.mse_loss(answer, wanted).backward()
        optimizer.step()
    return tiny_addons.kohya({("unet", path): (down.data, up.data) for path, (down, up) in halves.items()})


def _attention(unet: nn.Module) -> list[str]:
    marks = (".to_q", ".to_k", ".to_v", ".to_out.0", ".ff.net.2")
    return [path for path, module in unet.named_modules() if isinstance(module, nn.Linear) and path.endswith(marks)]


def _adapted(module: nn.Module) -> tuple[Tensor, Tensor]:
    assert isinstance(module, nn.Linear)
    down = (torch.randn(RANK, module.in_features) / module.in_features**0.5).requires_grad_()
    up = torch.zeros(module.out_features, RANK).requires_grad_()
    scale = tiny_addons.ALPHA / RANK  # as the file's alpha says it
    module.register_forward_hook(lambda _, given, answer: answer + scale * F.linear(F.linear(given[0], down), up))
    return down, up


def away(devices: DeviceManager, loras: str) -> float:
    """Mean distance of the painted picture from the one that was learned."""
    request = dataclasses.replace(ASKED, loras=loras)
    result = next(event for event in TextToImage().stream(request, devices) if isinstance(event, Result))
    return float(np.abs(result.images[0].astype(float) - target()).mean())


@pytest.mark.slow
def test_what_it_learned_comes_with_its_weight(trained, devices):
    without, half, whole = (away(devices, loras) for loras in ("", "orange:0.5", "orange:1"))
    assert whole < 0.5 * without
    assert whole < half < without
    assert away(devices, "orange:0") == without
