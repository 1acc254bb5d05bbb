"""Add-ons over HTTP: what is installed by name, and what a ControlNet sees of a kept picture."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.diffusion.addons.canny import canny
from tests import tiny_addons
from tests.aigc_ui.small_studio import Studio, open_studio


@pytest.fixture
def studio(tmp_path, monkeypatch):
    here = (("loras", "ink"), ("Lora", "fog"), ("embeddings", "word"), ("upscale_models", "sharp"))
    for folder, name in (*here, ("clip_vision", "seeing")):
        tiny_addons.save(tmp_path / "models" / folder, name, {"x": torch.ones(1)})
    (tmp_path / "models" / "loras" / "danger.pt").write_bytes(b"\x80")
    monkeypatch.setenv("AIGC_MODELS", str(tmp_path / "models"))
    studio = open_studio(tmp_path / "outputs")
    yield studio
    studio.services.close()


def square() -> np.ndarray:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[16:48, 16:48] = 220
    return picture


def keep(studio: Studio, picture: np.ndarray) -> str:
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "PNG")
    return studio.client("ada").post("/api/v1/inputs", content=data.getvalue()).json()["id"]


def test_what_is_installed_is_listed_by_name_without_pickles_or_paths(studio: Studio):
    answer = studio.client("ada").get("/api/v1/addons").json()
    rest = {"ip_adapters": [], "image_encoders": ["seeing"], "upscalers": ["sharp"]}
    assert answer == {"loras": ["fog", "ink"], "embeddings": ["word"], "controls": [], **rest}


def test_the_edges_of_a_kept_picture(studio: Studio):
    asked = {"control_image": keep(studio, square()), "control_type": "canny", "width": 64, "height": 64}
    answer = studio.client("ada").post("/api/v1/addons/seen.png", json=asked)
    assert answer.headers["content-type"] == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(answer.content))), canny(square(), 100, 200))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"control_image": "0" * 64}, 404),
        ({"control_image": "../secret"}, 422),
        ({"control_type": "depth"}, 422),
        ({"control_low": -1}, 422),
        ({"width": 10**9}, 422),
        ({"path": "/etc/passwd"}, 422),
    ],
)
def test_bad_requests_get_a_sentence(studio: Studio, asked, status):
    answer = studio.client("ada").post("/api/v1/addons/seen.png", json=asked)
    assert answer.status_code == status
    assert 0 < len(answer.json()["error"]["message"]) < 300
