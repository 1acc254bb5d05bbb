"""A shared studio: what pupils may do, what only its owner may, and how the owner sees and stops everybody's jobs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pipelines.engine import registry
from tests.aigc_ui.small_studio import Studio, made, open_studio, until

PUPILS, OWNERS = "token-of-the-pupils", "token-of-the-owner"
CHANGES = (
    ("POST", "/api/v1/library/scan"),
    ("POST", "/api/v1/library/x/load"),
    ("POST", "/api/v1/library/x/unload"),
    ("POST", "/api/v1/library/x/notes"),
    ("POST", "/api/v1/library/x/restore"),
    ("DELETE", "/api/v1/library/x"),
    ("POST", "/api/v1/hub/look"),
    ("POST", "/api/v1/restart"),
)


def opened(folder: Path, **more) -> Iterator[Studio]:
    studio = open_studio(folder, shared=True, token=PUPILS, owner_token=OWNERS, **more)
    yield studio
    studio.squares.go.set()
    studio.services.close()


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    yield from opened(tmp_path)


def pupil(studio: Studio, name: str = "ada") -> TestClient:
    return studio.client(name, authorization=f"Bearer {PUPILS}")


def owner(studio: Studio) -> TestClient:
    return studio.client("teacher", authorization=f"Bearer {OWNERS}")


def training(client: TestClient, generator: str):
    return client.post("/api/v1/jobs", json={"generator": generator, "request": {}})


def test_every_generator_that_learns_is_named_as_a_training():
    learning = {name for name in registry.names() if "training" in registry.MODULES[name][0]}
    assert learning == set(registry.TRAININGS)


@pytest.mark.parametrize("generator", [*registry.TRAININGS, *registry.OWNERS])
def test_only_the_owner_starts_trainings_and_changes_models(studio: Studio, generator: str):
    refused = training(pupil(studio), generator)
    assert refused.status_code == 403 and refused.json()["error"]["code"] == "not_allowed"
    assert "owner" in refused.json()["error"]["message"]
    assert training(owner(studio), generator).status_code == 404, "allowed; this small studio only has no such thing"


@pytest.mark.parametrize("generator", registry.TRAININGS)
def test_the_owner_can_allow_pupils_to_train_but_not_to_change_models(tmp_path: Path, generator: str):
    for studio in opened(tmp_path, allow_training=True):
        assert training(pupil(studio), generator).status_code == 404
        assert training(pupil(studio), "download").status_code == 403


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_pupils_change_scan_and_load_no_models(studio: Studio, method: str, path: str):
    assert pupil(studio).request(method, path, json={}).status_code == 403
    assert owner(studio).request(method, path, json={}).status_code != 403


def test_a_pupils_look_at_the_models_starts_no_hashing(studio: Studio, monkeypatch: pytest.MonkeyPatch):
    started = []
    monkeypatch.setattr(studio.services.library.hasher, "start", lambda: started.append(1))
    assert pupil(studio).get("/api/v1/library").json()["changes"] is False and started == []
    assert owner(studio).get("/api/v1/library").json()["changes"] is True and started == [1]


def test_everybody_paints_and_sees_their_own_work(studio: Studio):
    ada, bob = pupil(studio), pupil(studio, "bob")
    job = made(ada)
    assert job["state"] == "done" and [one["id"] for one in ada.get("/api/v1/jobs").json()["jobs"]] == [job["id"]]
    assert bob.get("/api/v1/jobs").json()["jobs"] == [] and bob.get("/api/v1/jobs?all=1").status_code == 403
    for method in ("GET", "DELETE"):
        assert bob.request(method, f"/api/v1/jobs/{job['id']}").status_code == 403


def test_the_owner_sees_everybodys_jobs_by_number_and_stops_any(studio: Studio):
    studio.squares.go.clear()
    ada, bob, teacher = pupil(studio), pupil(studio, "bob"), owner(studio)
    jobs = [client.post("/api/v1/jobs", json={"request": {"prompt": "fox"}}).json() for client in (ada, bob, bob)]
    listed = {job["id"]: job for job in teacher.get("/api/v1/jobs?all=1").json()["jobs"]}
    assert set(listed) == {job["id"] for job in jobs}
    assert {job["own"] for job in listed.values()} == {False}
    assert listed[jobs[1]["id"]]["visitor"] == listed[jobs[2]["id"]]["visitor"] != listed[jobs[0]["id"]]["visitor"]
    assert ada.get("/api/v1/me").json()["number"] == listed[jobs[0]["id"]]["visitor"]
    assert not {"client", "address"} & set(listed[jobs[0]["id"]]), "nobody's key is shown"
    for job in jobs:
        assert teacher.delete(f"/api/v1/jobs/{job['id']}").json()["state"] == "cancelled"
    until(lambda: all(not job["stopping"] for job in bob.get("/api/v1/jobs").json()["jobs"]))
    assert {job["state"] for job in bob.get("/api/v1/jobs").json()["jobs"]} == {"cancelled"}, "they see that it ended"


def test_the_owner_stops_jobs_but_does_not_look_at_others_pictures(studio: Studio):
    [image] = made(pupil(studio))["image_ids"]
    assert pupil(studio).get(f"/api/v1/images/{image}").status_code == 200
    assert owner(studio).get(f"/api/v1/images/{image}").status_code == 403


def test_each_is_told_what_they_may_do(studio: Studio, tmp_path: Path):
    about = pupil(studio).get("/api/v1/me").json()
    assert about == {
        "shared": True,
        "owner": False,
        "number": 1,
        "may_train": False,
        "may_change_models": False,
        "address": "",
    }
    assert owner(studio).get("/api/v1/me").json()["may_train"] is True
    alone = open_studio(tmp_path / "alone")
    about = alone.client("me").get("/api/v1/me").json()
    assert about == {
        "shared": False,
        "owner": True,
        "number": 0,
        "may_train": True,
        "may_change_models": True,
        "address": "",
    }
    alone.services.close()


def test_invented_ids_leave_room_for_a_pupil_at_another_address(studio: Studio):
    studio.squares.go.clear()
    answers = []
    for i in range(130):
        script = TestClient(
            studio.app,
            "http://127.0.0.1:7860",
            client=("10.0.0.66", 1),
            headers={"authorization": f"Bearer {PUPILS}", "x-aigc-client": f"invented-{i}"},
        )
        answers.append(script.post("/api/v1/jobs", json={}).status_code)
    assert set(answers) == {201, 503} and answers.count(503) >= 5
    assert pupil(studio).post("/api/v1/jobs", json={}).status_code == 201
