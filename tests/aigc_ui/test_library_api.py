"""The library over HTTP: found, filtered, noted, removed and brought back; no path leaves, pupils change nothing."""

from pathlib import Path

import pytest

from aigc_ui.api import _Json
from pipelines.models.library.entry import Root
from tests.aigc_ui.small_studio import open_studio
from tests.odd_files import MODELS, NOTES, SIDES, safetensors, within
from tests.pipelines.models.test_library import ours  # noqa: F401  (a fixture)


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


# --- odd files, as the page meets them ---


@pytest.mark.slow
@pytest.mark.parametrize("fault", [*MODELS, *NOTES, *SIDES])
def test_the_list_is_answered_whatever_lies_in_the_folders(tmp_path: Path, fault: str):
    folder = tmp_path / "models"
    folder.mkdir()
    safetensors(folder / "good.safetensors")
    (tmp_path / "secret").write_bytes(b"root:x:0:0:secret")
    if fault in MODELS:
        MODELS[fault][0](folder)
    for ending in (".civitai.info", ".json", ".preview.png") if fault in (NOTES | SIDES) else ():
        if fault in SIDES:
            SIDES[fault](folder / f"good{ending}")
        else:
            content = NOTES[fault]
            (folder / f"good{ending}").write_bytes(content if isinstance(content, bytes) else content.encode())
    studio = open_studio(tmp_path / "pictures", roots=[Root(folder, "ours")])
    client = studio.client("ada")
    try:
        assert "good" in within(lambda: listed(client))
        for entry in client.get("/api/v1/library").json()["entries"]:
            path = f"/api/v1/library/{entry['id']}"
            answers = [client.get(path), client.get(f"{path}/preview"), client.get(f"{path}/settings")]
            assert [answer.status_code for answer in answers][0] == 200
            assert all(answer.status_code in (200, 404, 422) for answer in answers)
            assert all("secret" not in answer.text and "root:" not in answer.text for answer in answers)
            assert all(str(tmp_path) not in answer.text for answer in answers)
            if fault not in MODELS:
                assert answers[1].status_code == 404
    finally:
        studio.services.close()


def test_a_preview_is_served_as_what_it_is_and_is_not_guessed_at(client, ours):  # noqa: F811
    (ours / "loras" / "ink.preview.png").write_bytes(b"\xff\xd8\xff\xe0" + b"<script>" * 9)
    [ink] = client.get("/api/v1/library?search=ink").json()["entries"]
    answer = client.get(f"/api/v1/library/{ink['id']}/preview")
    assert answer.headers["content-type"] == "image/jpeg" and answer.headers["x-content-type-options"] == "nosniff"


def test_a_name_with_half_a_character_is_sent(client, ours):  # noqa: F811
    [ink] = client.get("/api/v1/library?search=ink").json()["entries"]
    (ours / "loras" / "ink.json").write_text(r'{"notes": "\ud800", "activation text": "a\udfffb"}')
    assert client.get(f"/api/v1/library/{ink['id']}").json()["trigger_words"] == ["inkstyle"]
    assert _Json({"name": "\udcff"}).body == b'{"name":"?"}'


def test_a_folder_of_models_that_is_made_after_the_start_is_listed(tmp_path: Path):
    studio = open_studio(tmp_path / "pictures", roots=[Root(tmp_path / "models", "ours")])
    client = studio.client("ada")
    assert listed(client) == []
    (tmp_path / "models").mkdir()
    safetensors(tmp_path / "models" / "late.safetensors")
    assert listed(client) == ["late"]
    studio.services.close()


def test_a_damaged_index_is_said_to_the_owner(client, tmp_path):
    listed(client)
    assert client.get("/api/v1/library").json()["notice"] == ""
    (tmp_path / "pictures" / "library.sqlite").write_bytes(b"garbage" * 999)
    assert client.post("/api/v1/library/scan").status_code == 200
    assert client.get("/api/v1/library").json()["notice"] == "rebuilt" and "ink" in listed(client)
