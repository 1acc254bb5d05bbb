"""The library over HTTP: found, filtered, noted, removed and brought back; no path leaves, pupils change nothing."""

from pathlib import Path

import pytest

from pipelines.library.entry import Root
from tests.aigc_ui.small_studio import open_studio
from tests.pipelines.test_library import ours  # noqa: F401  (a fixture)


@pytest.fixture
def client(tmp_path: Path, ours: Path, monkeypatch):  # noqa: F811
    monkeypatch.setenv("AIGC_MODELS", str(ours))
    studio = open_studio(tmp_path / "pictures", roots=[Root(ours, "ours")])
    yield studio.client("ada")
    studio.services.close()


def listed(client, **asked) -> list[str]:
    answer = client.get("/api/v1/library", params=asked)
    assert answer.status_code == 200, answer.text
    return [entry["name"] for entry in answer.json()["entries"]]


def test_models_are_searched_filtered_and_paged(client):
    assert listed(client) == ["ink", "old", "page", "tiny"]
    assert listed(client, search="TI") == ["tiny"] and listed(client, kind="lora") == ["ink"]
    assert listed(client, limit=2, offset=1) == ["old", "page"] and listed(client, search="nothing") == []
    assert client.get("/api/v1/library?limit=0").status_code == 422


def test_a_model_brings_the_settings_that_suit_it_and_no_path(client, ours):  # noqa: F811
    [tiny] = client.get("/api/v1/library?search=tiny").json()["entries"]
    settings = client.get(f"/api/v1/library/{tiny['id']}/settings").json()
    assert settings["model"] == tiny["usable_as"] == "tiny" and settings["width"] >= 64
    assert str(ours) not in client.get("/api/v1/library").text


def test_notes_removal_and_the_way_back(client):
    [ink] = client.get("/api/v1/library?search=ink").json()["entries"]
    path = f"/api/v1/library/{ink['id']}"
    assert client.post(f"{path}/notes", json={"notes": "soft"}).json()["notes"] == "soft"
    assert client.get(f"{path}/preview").headers["content-type"] == "image/png"
    assert client.delete(path).json() == {"removed": ink["id"]}
    assert listed(client, search="ink") == [] and client.get(path).status_code == 404
    assert client.post(f"{path}/restore").status_code == 200 and listed(client, search="ink") == ["ink"]


def test_loading_and_unloading_is_told(client):
    [tiny] = client.get("/api/v1/library?search=tiny").json()["entries"]
    path = f"/api/v1/library/{tiny['id']}"
    assert client.post(f"{path}/load").json()["in_memory"] > 0
    assert client.get(path).json()["in_memory"] > 0
    assert client.post(f"{path}/unload").json()["in_memory"] == 0


def test_pupils_see_and_change_nothing(tmp_path, ours):  # noqa: F811
    studio = open_studio(tmp_path / "pictures", shared=True, roots=[Root(ours, "ours")])
    client = studio.client("ada")
    [ink] = client.get("/api/v1/library?search=ink").json()["entries"]
    for call in (client.delete(f"/api/v1/library/{ink['id']}"), client.post(f"/api/v1/library/{ink['id']}/notes")):
        assert call.status_code == 403
    assert (ours / "loras" / "ink.safetensors").is_file()
    studio.services.close()
