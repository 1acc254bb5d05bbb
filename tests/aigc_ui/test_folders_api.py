"""Folders of other programs over HTTP: named, searched, shown, marked; in a shared studio the owner's alone."""

import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.aigc_ui.small_studio import open_studio
from tests.pipelines.store.test_folders import a1111

GALLERY = "/api/v1/gallery"
PUPILS, OWNERS = "pupil" * 8, "owner" * 8


@pytest.fixture
def home(tmp_path: Path) -> Path:
    a1111(tmp_path / "others" / "1.png")
    return tmp_path / "others"


@pytest.fixture
def studio(tmp_path: Path):
    studio = open_studio(tmp_path / "pictures")
    yield studio
    studio.services.close()


@pytest.fixture
def shared(tmp_path: Path):
    studio = open_studio(tmp_path / "pictures", shared=True, token=PUPILS, owner_token=OWNERS)
    yield studio
    studio.services.close()


def added(client: TestClient, home: Path) -> str:
    """The id of the only picture, once it was read."""
    answer = client.post(f"{GALLERY}/folders", json={"path": str(home)})
    assert answer.status_code == 200, answer.text
    deadline = time.monotonic() + 60
    while not (found := client.get(GALLERY).json()["pictures"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found[0]["id"]


def test_a_folder_is_added_its_pictures_are_shown_marked_and_not_deleted(studio, home: Path):
    client = studio.client("ada")
    assert client.get(f"{GALLERY}/folders").json() == {"folders": [], "changes": True}
    image_id = added(client, home)
    [shown] = client.get(GALLERY, params={"text": "panda", "folder": str(home.resolve())}).json()["pictures"]
    assert (shown["id"], shown["foreign"], shown["own"]) == (image_id, True, False)
    file = client.get(f"/api/v1/images/{image_id}.png")
    assert file.content == (home / "1.png").read_bytes() and file.headers["content-type"] == "image/png"
    assert file.headers["x-content-type-options"] == "nosniff"
    assert client.get(f"{GALLERY}/{image_id}/thumbnail").content[8:12] == b"WEBP"
    assert "AUTOMATIC1111" in client.get(f"/api/v1/images/{image_id}/meta").text
    assert client.post(f"{GALLERY}/marks", json={"ids": [image_id], "stars": 4}).json()["marked"] == [image_id]
    assert client.get(GALLERY, params={"stars": "4"}).json()["total"] == 1
    answer = client.post(f"{GALLERY}/delete", json={"ids": [image_id]}).json()
    assert answer["deleted"] == [] and "another program" in answer["refused"][0]["error"]["message"]
    assert (home / "1.png").exists()
    assert client.post(f"{GALLERY}/folders/remove", json={"path": str(home.resolve())}).json()["folders"] == []
    assert client.get(GALLERY).json()["total"] == 0
    assert client.get(f"/api/v1/images/{image_id}").status_code == 404


def test_what_is_no_folder_is_said_in_a_sentence(studio):
    client = studio.client("ada")
    for path in ("/nowhere/at/all", "", "../..", "x" * 5000, 5):
        answer = client.post(f"{GALLERY}/folders", json={"path": path})
        assert answer.status_code == 422, answer.text
    assert client.post(f"{GALLERY}/folders/remove", json={"path": "/etc"}).status_code == 404


def test_no_id_reaches_a_file_that_was_not_found_in_a_named_folder(studio, home: Path):
    client = studio.client("ada")
    added(client, home)
    for image_id in ("20260101-000000-f000000000000", "20260101-000000-f..%2f..%2fetc", "..%2f1.png"):
        assert client.get(f"/api/v1/images/{image_id}").status_code == 404
        assert client.get(f"{GALLERY}/{image_id}/thumbnail").status_code == 404


def test_in_a_shared_studio_they_are_the_owners_alone(shared, home: Path):
    owner = shared.client(authorization=f"Bearer {OWNERS}")
    pupil = shared.client(authorization=f"Bearer {PUPILS}", **{"x-aigc-client": "client-bob"})
    assert pupil.post(f"{GALLERY}/folders", json={"path": str(home)}).status_code == 403
    image_id = added(owner, home)
    assert pupil.get(f"{GALLERY}/folders").json() == {"folders": [], "changes": False}
    assert pupil.get(GALLERY).json()["total"] == 0 and not pupil.get(GALLERY).json()["facets"]["folder"]
    assert pupil.get(GALLERY, params={"folder": str(home.resolve())}).json()["total"] == 0
    for path in (f"/api/v1/images/{image_id}", f"/api/v1/images/{image_id}/meta", f"{GALLERY}/{image_id}/thumbnail"):
        assert pupil.get(path).status_code == 403, path
    assert pupil.post(f"{GALLERY}/folders/remove", json={"path": str(home.resolve())}).status_code == 403
    answer = pupil.post(f"{GALLERY}/marks", json={"ids": [image_id], "stars": 1}).json()
    assert [one["error"]["code"] for one in answer["refused"]] == ["not_allowed"]
    assert pupil.get(GALLERY, params={"like": image_id}).status_code == 403
    assert owner.get(f"/api/v1/images/{image_id}").status_code == 200
    assert [one["id"] for one in owner.get(GALLERY, params={"like": image_id}).json()["pictures"]] == [image_id]
