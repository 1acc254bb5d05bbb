"""What a network predicts: said by its own files, by a config beside them, or by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.events import Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.models.library import side_config
from pipelines.models.library.kinds import Recognised
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import infotext
from tests import tiny, tiny_zoo


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tiny.tiny_model(tmp_path / "eps")
    tiny.tiny_model(tmp_path / "vee", prediction_type="v_prediction")
    monkeypatch.setenv("AIGC_MODELS", str(tmp_path))
    return tmp_path


def paint(**asked: Any) -> Result:
    common: dict[str, Any] = {"prompt": "a cat", "seed": 3, "width": 64, "height": 64, "num_inference_steps": 3}
    devices = DeviceManager("cpu", threads=1)
    try:
        *_, result = TextToImage().stream(TextToImageRequest.parse(common | asked), devices)
    finally:
        devices.close()
    assert isinstance(result, Result)
    return result


def test_said_by_hand_it_is_as_if_the_model_said_it(home: Path) -> None:
    eps, vee, by_hand = paint(model="eps"), paint(model="vee"), paint(model="eps", prediction="v")
    assert np.array_equal(by_hand.images, vee.images) and not np.array_equal(by_hand.images, eps.images)
    assert np.array_equal(paint(model="vee", prediction="epsilon").images, eps.images)
    recipe = by_hand.recipes[0]
    assert "Prediction: v" in infotext.write(recipe)
    assert infotext.parse(infotext.write(recipe))["request"]["prediction"] == "v"


def test_a_flow_has_only_one_kind_and_says_so(home: Path) -> None:
    tiny_zoo.tiny_model(home / "flow", "sd3")
    notes = paint(model="flow", prediction="v").notes
    assert notes == ("This model learned the way from noise to pictures, so prediction changes nothing.",)


V = 'model:\n  target: ldm.LatentDiffusion\n  params:\n    parameterization: "v"\n'
EPSILON = "model:\n  params:\n    linear_start: 0.00085\n    unet_config: {target: x}\n"


@pytest.mark.parametrize(
    ("text", "known_from", "prediction"),
    [
        (V, "architecture", "v_prediction"),
        (V, "file", "epsilon"),
        (EPSILON, "assumed", "epsilon"),
        (V.replace('"v"', '"x0"'), "architecture", "epsilon"),
        ("- a\n- b", "architecture", "epsilon"),
        ("a: &a [*a]", "architecture", "epsilon"),
        (None, "architecture", "epsilon"),
    ],
)
def test_a_config_beside_a_checkpoint_is_believed_where_the_file_says_nothing(
    tmp_path: Path, text: str | None, known_from: str, prediction: str
) -> None:
    if text is not None:
        (tmp_path / "one.yaml").write_text(text, encoding="utf-8")
    found = Recognised("checkpoint", "sd2", prediction_type="epsilon", prediction_known_from=known_from)
    assert side_config.with_side_config(found, tmp_path / "one.safetensors").prediction_type == prediction


def test_a_model_with_another_config_beside_it_is_another_state_of_it(home: Path) -> None:
    info = models.inspect(home / "eps")
    before = models.identity(info)
    info.configs["scheduler"]["prediction_type"] = "v_prediction"
    assert models.identity(info) != before
