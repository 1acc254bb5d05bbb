"""The HTTP API over a real queue and store: jobs, live events, pictures, and one form for every error."""

import asyncio
import base64
import io
import json
import math

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from aigc_ui import sse
from aigc_ui.frames import FrameEncoder
from aigc_ui.viewers import Bounds, Viewers
from aigc_ui.visitors import Visitor
from pipelines.errors import Busy, StorageError
from tests.aigc_ui.small_studio import Studio, made, open_studio, until
from tests.embedded import SIDE


@pytest.fixture
def studio(tmp_path):
    studio = open_studio(tmp_path)
    yield studio
    studio.squares.go.set()
    studio.services.close()


@pytest.fixture
def shared(tmp_path):
    studio = open_studio(tmp_path, shared=True)
    yield studio
    studio.services.close()


def events(text: str) -> list[tuple[int, str, dict]]:
    found = []
    for block in text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if lines:
            found.append((int(lines["id"]), lines["event"], json.loads(lines["data"])))
    return found


def assert_error(answer, status: int, code: str) -> str:
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"} and set(answer.json()["error"]) == {"code", "message", "template", "values"}
    assert answer.json()["error"]["code"] == code
    message = answer.json()["error"]["message"]
    assert message and len(message) < 300 and "Traceback" not in message and "/secret" not in message
    return message


def test_a_job_makes_a_picture_that_can_be_fetched_with_its_recipe(studio: Studio):
    client = studio.client("ada")
    job = made(client, prompt="a panda", steps=2)
    assert job["state"] == "done" and job["own"] is True
    [image_id] = job["image_ids"]
    picture = client.get(f"/api/v1/images/{image_id}")
    assert picture.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(picture.content)).size == (8, 8)
    assert client.get(f"/api/v1/images/{image_id}.png").content == picture.content
    meta = client.get(f"/api/v1/images/{image_id}/meta").json()
    assert meta["recipe"]["request"]["prompt"] == "a panda" and "a panda" in meta["parameters"]
    assert [info["id"] for info in client.get("/api/v1/images").json()["images"]] == [image_id]


def test_submitting_answers_201_with_all_defaults_filled_in(studio: Studio):
    answer = studio.client().post("/api/v1/jobs", json={"generator": "text-to-image", "request": {"steps": 1}})
    assert answer.status_code == 201
    assert answer.json()["request"] == {"prompt": "", "steps": 1, "strength": 0.5, "shape": "square", "image": ""}


def test_events_tell_the_state_every_kept_frame_as_jpeg_and_the_result(studio: Studio):
    client = studio.client("ada")
    job = made(client, steps=4)
    told = events(client.get(f"/api/v1/jobs/{job['id']}/events").text)
    numbers = [number for number, _, _ in told]
    assert numbers == sorted(numbers)
    frames = [data for _, name, data in told if name == "frame"]
    assert [frame["index"] for frame in frames] == [0, 1, 2, 3]
    assert frames[0]["total"] == 4 and frames[1]["sigma"] == 0.5
    for which in ("x", "x0"):
        kind, data = frames[2][which].split(",")
        assert kind == "data:image/jpeg;base64"
        assert Image.open(io.BytesIO(base64.b64decode(data))).format == "JPEG"
    assert [data for _, name, data in told if name == "result"] == [
        {"image_ids": job["image_ids"], "unfinished": False}
    ]
    assert told[-1][1] == "state" and told[-1][2]["state"] == "done"


def test_events_after_a_number_leave_out_what_was_seen(studio: Studio):
    client = studio.client("ada")
    path = f"/api/v1/jobs/{made(client, steps=4)['id']}/events"
    all_numbers = [number for number, _, _ in events(client.get(path).text)]
    seen = all_numbers[3]
    by_query = client.get(path, params={"after": seen}).text
    by_header = client.get(path, headers={"last-event-id": str(seen)}).text
    for text in (by_query, by_header):
        assert [number for number, _, _ in events(text)][-1] == all_numbers[-1]
        assert all(number > seen for number, _, _ in events(text))


def test_a_browser_that_has_seen_the_end_is_told_not_to_connect_again(studio: Studio):
    client = studio.client("ada")
    path = f"/api/v1/jobs/{made(client)['id']}/events"
    last = events(client.get(path).text)[-1][0]
    assert client.get(path, headers={"last-event-id": str(last)}).status_code == 204


def test_a_failed_job_tells_its_error_without_the_bugs_words(studio: Studio):
    client = studio.client("ada")
    job = made(client, prompt="fail")
    assert job["state"] == "failed" and job["error"]["code"] == "bug"
    text = client.get(f"/api/v1/jobs/{job['id']}/events").text
    assert [data["code"] for _, name, data in events(text) if name == "error"] == ["bug"]
    assert "/secret" not in text


def test_a_live_viewer_gets_heartbeats_and_the_end(studio: Studio, monkeypatch):
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.05)
    client = studio.client("ada")
    studio.squares.go.clear()
    job = client.post("/api/v1/jobs", json={}).json()

    async def watch() -> str:
        streams = sse.Streams()
        kept = studio.services.jobs.get(job["id"])
        text = ""
        async for part in streams.watch(kept, 10**6, FrameEncoder(), lambda: None, Visitor("")):
            text += part.decode()
            if text.count("still here") == 2:
                studio.squares.go.set()
        assert streams.open == 0
        return text

    assert "still here" in asyncio.run(watch())


def test_ten_viewers_cost_one_encoding_a_frame(studio: Studio):
    client = studio.client("ada")
    job = studio.services.jobs.get(made(client, steps=5)["id"])
    encoder = FrameEncoder()

    async def watch(streams: sse.Streams) -> int:
        return len(
            [
                part
                async for part in streams.watch(job, -1, encoder, lambda: None, Visitor(""))
                if b"event: frame" in part
            ]
        )

    async def ten() -> list[int]:
        streams = sse.Streams()
        return await asyncio.gather(*(watch(streams) for _ in range(10)))

    assert asyncio.run(ten()) == [5] * 10
    assert encoder.encodings == 5


def test_quick_steps_are_shown_as_often_as_they_can_be_seen_and_the_newest_wins(studio: Studio, monkeypatch):
    """What is left out is kept, and handed out at the end; all else is told as ever."""
    monkeypatch.setattr(sse, "FRAME_SECONDS", 0.5)
    client, encoder = studio.client("ada"), FrameEncoder()
    studio.squares.go.clear()
    job = client.post("/api/v1/jobs", json={"request": {"steps": 100}}).json()
    kept = studio.services.jobs.get(job["id"])

    async def watch() -> list[tuple[int, str, dict]]:
        told = []
        async for part in sse.Streams().watch(kept, -1, encoder, lambda: None, Visitor("")):
            told += events(part.decode())
            studio.squares.go.set()
        return told

    told = asyncio.run(watch())
    frames = [data["index"] for _, name, data in told if name == "frame"]
    assert frames[0] == 0 and frames[-1] == 99 and frames == sorted(frames) and len(frames) < 50
    assert encoder.encodings == len(frames) and len(kept.frames()) == 100
    assert told[-1][1] == "state" and told[-1][2]["state"] == "done"


def test_the_encoder_keeps_no_more_than_its_budget(studio: Studio):
    job = studio.services.jobs.get(made(studio.client("ada"), steps=20)["id"])
    encoder = FrameEncoder(budget_bytes=3000)
    for frame in job.frames():
        encoder.encode(frame)
    assert sum(len(p["x"]) + len(p["x0"]) for _, p in encoder._kept.values()) <= 3000


def test_too_many_viewers_are_refused_and_a_closed_one_makes_room():
    viewers = Viewers(Bounds(of_visitor=2, of_address=3, total=4))
    ada, bob, eve = (Visitor(name, "10.0.0.1") for name in ("ada", "bob", "eve"))
    with viewers.watching(ada, "a"), viewers.watching(ada, "b") as newest:
        with pytest.raises(Busy, match="2 places"):
            viewers.check(ada, "c")
        with viewers.watching(bob, "c"):
            with pytest.raises(Busy, match="Too many"):
                viewers.check(eve, "d")
            with viewers.watching(Visitor("far", "10.0.0.2"), "d"), pytest.raises(Busy):
                viewers.check(Visitor("far", "10.0.0.3"), "d")
            viewers.check(Visitor("far", "10.0.0.2"), "d")
        with viewers.watching(ada, "b"):
            assert newest.replaced and len(viewers) == 2, "one's own older stream of the same job gives way"
    assert len(viewers) == 0


@pytest.mark.parametrize(
    ("kind", "begins"), [("webp", b"RIFF"), ("gif", b"GIF89a"), ("mp4", b"\x00\x00\x00")], ids=["webp", "gif", "mp4"]
)
def test_the_steps_can_be_saved_as_a_film(studio: Studio, kind: str, begins: bytes):
    client = studio.client("ada")
    job = made(client, steps=6)["id"]
    answer = client.get(f"/api/v1/jobs/{job}/film.{kind}")
    assert answer.status_code == 200 and answer.content.startswith(begins)
    assert answer.headers["content-disposition"] == f'attachment; filename="denoising-{job}.{kind}"'
    assert client.get(f"/api/v1/jobs/{job}/film.avi").status_code == 422


def test_all_frames_come_at_once_for_the_scrubber(studio: Studio):
    client = studio.client("ada")
    frames = client.get(f"/api/v1/jobs/{made(client, steps=6)['id']}/frames").json()
    assert [frame["index"] for frame in frames] == list(range(6))


def test_deleting_a_running_job_cancels_it_and_keeps_the_unfinished_picture(studio: Studio):
    client = studio.client("ada")
    studio.squares.go.clear()
    job = client.post("/api/v1/jobs", json={"request": {"steps": 5}}).json()
    until(lambda: client.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "running")
    assert client.delete(f"/api/v1/jobs/{job['id']}").json()["state"] == "cancelled"
    until(lambda: client.get(f"/api/v1/jobs/{job['id']}").json()["image_ids"])
    [info] = client.get("/api/v1/images").json()["images"]
    assert info["unfinished"] is True


def test_waiting_jobs_can_be_moved_and_taken_back(studio: Studio):
    client = studio.client("ada")
    studio.squares.go.clear()
    ids = [client.post("/api/v1/jobs", json={"request": {"steps": n}}).json()["id"] for n in range(1, 6)]
    assert client.post(f"/api/v1/jobs/{ids[4]}/move", json={"position": 0}).json()["position"] == 0
    assert client.delete(f"/api/v1/jobs/{ids[3]}").json()["state"] == "cancelled"
    waiting = [job["id"] for job in client.get("/api/v1/jobs").json()["jobs"] if job["state"] == "waiting"]
    assert waiting == [ids[4], ids[2]]
    assert_error(client.post(f"/api/v1/jobs/{ids[4]}/move", json={"position": -1}), 422, "bad_request")
    assert_error(client.post(f"/api/v1/jobs/{ids[4]}/move", json={}), 422, "bad_request")


def test_a_job_that_is_over_is_forgotten_by_deleting_it(studio: Studio):
    client = studio.client("ada")
    job = made(client)
    assert client.delete(f"/api/v1/jobs/{job['id']}").json()["state"] == "done"
    assert_error(client.get(f"/api/v1/jobs/{job['id']}"), 404, "not_found")


def test_on_ones_own_machine_others_jobs_can_be_seen_and_not_changed(studio: Studio):
    job = made(studio.client("ada"))
    other = studio.client("bob")
    assert other.get(f"/api/v1/jobs/{job['id']}").json()["own"] is False
    assert other.get("/api/v1/jobs").json() == {"jobs": []}
    assert len(other.get("/api/v1/images").json()["images"]) == 1
    assert_error(other.delete(f"/api/v1/jobs/{job['id']}"), 403, "not_allowed")
    assert_error(other.post(f"/api/v1/jobs/{job['id']}/move", json={"position": 0}), 403, "not_allowed")
    assert studio.client("ada").get(f"/api/v1/jobs/{job['id']}").json()["state"] == "done"


def test_who_looks_after_a_job_is_there(studio: Studio, monkeypatch):
    here: list[str] = []
    monkeypatch.setattr(studio.services.jobs, "seen", here.append)
    ada = studio.client("ada")
    job = ada.post("/api/v1/jobs", json={}).json()
    for path in ("jobs", f"jobs/{job['id']}", f"jobs/{job['id']}/events"):
        here.clear()
        ada.get(f"/api/v1/{path}")
        assert "client-ada" in here, path


def test_in_a_shared_studio_one_sees_only_ones_own(shared: Studio):
    job = made(shared.client("ada"))
    [image_id] = job["image_ids"]
    other = shared.client("bob")
    assert other.get("/api/v1/images").json() == {"images": []}
    for path in (
        f"jobs/{job['id']}",
        f"jobs/{job['id']}/events",
        f"jobs/{job['id']}/frames",
        f"jobs/{job['id']}/film.gif",
    ):
        assert_error(other.get(f"/api/v1/{path}"), 403, "not_allowed")
    for path in (f"images/{image_id}", f"images/{image_id}.png", f"images/{image_id}/meta"):
        assert_error(other.get(f"/api/v1/{path}"), 403, "not_allowed")
    assert_error(other.delete(f"/api/v1/jobs/{job['id']}"), 403, "not_allowed")
    assert shared.client("ada").get(f"/api/v1/images/{image_id}").status_code == 200


def test_no_answer_holds_a_clients_id(studio: Studio):
    client = studio.client("ada")
    job = made(client)
    paths = ["jobs", f"jobs/{job['id']}", f"jobs/{job['id']}/events", "images", "stats"]
    for path in [*paths, f"images/{job['image_ids'][0]}/meta"]:
        assert "client-ada" not in client.get(f"/api/v1/{path}").text


def test_images_are_paged(studio: Studio):
    client = studio.client("ada")
    ids = [made(client, steps=1)["image_ids"][0] for _ in range(3)]
    first = client.get("/api/v1/images?limit=2").json()["images"]
    rest = client.get(f"/api/v1/images?limit=2&before={first[-1]['id']}").json()["images"]
    assert [info["id"] for info in (*first, *rest)] == ids[::-1]


@pytest.mark.parametrize("limit", ["0", "-1", "501", "nan", "many", "1e99"])
def test_a_page_of_images_has_bounds(studio: Studio, limit):
    assert_error(studio.client().get(f"/api/v1/images?limit={limit}"), 422, "bad_request")


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe{}",
        b'{"request": [1]}',
        b'{"request": {"steps": NaN}}',
        b'{"request": {"steps": Infinity}}',
        b'{"request": {"steps": 1' + b"0" * 5000 + b"}}",
        b'{"request": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"request": {"a":' * 50_000,
        b'{"request": {"steps": 0}}',
        b'{"request": {"steps": 1.5}}',
        b'{"request": {"steps": null}}',
        b'{"request": {"steps": true}}',
        b'{"request": {"strength": "nan"}}',
        b'{"request": {"shape": "hexagon"}}',
        b'{"request": {"colour": "red"}}',
        b'{"request": {"prompt": "' + b"x" * 201 + b'"}}',
        b'{"request": {"prompt": "\\u0000"}}',
        b'{"request": {"prompt": "\\ud800"}}',
        b'{"generator": 5}',
        b'{"seed": 5}',
    ],
)
def test_a_body_that_makes_no_sense_is_refused_in_words(studio: Studio, body):
    client = studio.client()
    assert_error(client.post("/api/v1/jobs", content=body), 422, "bad_request")
    assert client.get("/api/v1/stats").json()["jobs"]["served"] == 0


def test_unknown_things_are_404_in_the_one_form(studio: Studio):
    client = studio.client()
    for path in (
        "jobs/nothing",
        "jobs/nothing/events",
        "jobs/nothing/frames",
        "images/nothing",
        "images/nothing/meta",
        "images/..%2f..%2fetc%2fpasswd",
        "nothing",
        "",
    ):
        assert_error(client.get(f"/api/v1/{path}"), 404, "not_found")
    assert_error(client.post("/api/v1/jobs", json={"generator": "text-to-music"}), 404, "not_found")
    assert_error(client.delete("/api/v1/jobs/nothing"), 404, "not_found")


def test_a_wrong_method_is_405_and_says_what_is_allowed(studio: Studio):
    client = studio.client()
    for method, path in (("PUT", "jobs"), ("PATCH", "jobs/x"), ("POST", "stats"), ("DELETE", "images/x")):
        answer = client.request(method, f"/api/v1/{path}")
        assert_error(answer, 405, "method_not_allowed")
        assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("after", ["-2", "x", "1.5", "9" * 30, "٣"])
def test_a_wrong_event_number_is_refused(studio: Studio, after):
    client = studio.client("ada")
    path = f"/api/v1/jobs/{made(client)['id']}/events"
    assert_error(client.get(path, params={"after": after}), 422, "bad_request")


def test_a_bug_is_500_in_the_one_form_and_the_next_request_works(studio: Studio, tmp_path):
    client = studio.client("ada")
    image_id = made(client)["image_ids"][0]
    services = studio.services
    broken = TestClient(studio.app, "http://127.0.0.1", raise_server_exceptions=False)

    def explode(*_args):
        raise RuntimeError("no such thing as /secret/path")

    real, services.store.get = services.store.get, explode
    try:
        assert_error(broken.get(f"/api/v1/images/{image_id}"), 500, "bug")
    finally:
        services.store.get = real
    assert client.get(f"/api/v1/images/{image_id}").status_code == 200


def test_generators_say_their_fields_with_bounds_defaults_and_help(studio: Studio):
    [generator] = studio.client().get("/api/v1/generators").json()["generators"]
    fields = {field["name"]: field for field in generator["fields"]}
    assert fields["steps"].pop("look")["step"] == 1
    assert fields["steps"] == {
        "name": "steps",
        "type": "int",
        "default": 3,
        "help": "How many frames.",
        "low": 1,
        "high": 1000,
    }
    assert fields["shape"]["options"] == ["square", "circle"] and fields["prompt"]["max_length"] == 200


def test_health_and_stats_tell_how_the_studio_is_doing(studio: Studio):
    client = studio.client("ada")
    assert client.get("/healthz").json() == {"status": "ok", "ready": False, "version": "0.1.0"}
    studio.services.warmed.set()
    assert client.get("/healthz").json()["ready"] is True
    made(client)
    stats = client.get("/api/v1/stats").json()
    assert stats["jobs"]["done"] == 1 and stats["jobs"]["running"] == 0
    assert stats["worker"]["evaluations"] == 0 and stats["models"] == []
    assert math.isfinite(stats["uptime_seconds"]) and stats["memory_bytes"] > 0


def test_answers_are_not_kept_by_caches_and_pictures_only_by_their_owners_browser(studio: Studio):
    client = studio.client("ada")
    image_id = made(client)["image_ids"][0]
    assert client.get("/api/v1/jobs").headers["cache-control"] == "no-store"
    assert client.get("/api/v1/jobs/x").headers["cache-control"] == "no-store"
    assert "private" in client.get(f"/api/v1/images/{image_id}").headers["cache-control"]


# --- pictures that people bring --------------------------------------------------------------------------------------


def png(width: int = 12, height: int = 10) -> tuple[bytes, np.ndarray]:
    pixels = np.random.default_rng(width * height).integers(0, 256, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue(), pixels


def test_a_picture_is_kept_shown_and_handed_to_the_job_that_names_it(studio: Studio):
    client = studio.client("ada")
    data, pixels = png()
    answer = client.post("/api/v1/inputs", content=data)
    assert answer.status_code == 201 and (answer.json()["width"], answer.json()["height"]) == (12, 10)
    kept = answer.json()["id"]
    shown = client.get(f"/api/v1/inputs/{kept}.png")
    assert shown.headers["content-type"] == "image/png" and "private" in shown.headers["cache-control"]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(shown.content))), pixels)
    job = made(client, image=kept)
    assert job["state"] == "done" and job["request"]["image"] == kept
    [image_id] = job["image_ids"]
    made_of_it = client.get(f"/api/v1/images/{image_id}.png").content
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(made_of_it))), pixels)
    assert client.get(f"/api/v1/images/{image_id}/meta").json()["recipe"]["request"]["image"] == kept


def test_the_same_picture_has_one_id_whoever_brings_it(studio: Studio):
    data, _ = png()
    ids = {studio.client(name).post("/api/v1/inputs", content=data).json()["id"] for name in ("ada", "bob")}
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("data", "words"), [(b"", "not a picture"), (b"{}", "not a picture"), (png()[0][:60], "damaged or cut off")]
)
def test_what_is_no_picture_is_refused(studio: Studio, data: bytes, words: str):
    assert words in assert_error(studio.client("ada").post("/api/v1/inputs", content=data), 422, "bad_file")


def test_a_job_with_a_picture_that_is_not_kept_is_refused_at_once(studio: Studio):
    client = studio.client("ada")
    answer = client.post("/api/v1/jobs", json={"request": {"image": "a" * 64}})
    assert "not here any more" in assert_error(answer, 404, "not_found")
    for wrong in ("../../etc/passwd", 7, None, "A" * 64):
        answer = client.post("/api/v1/jobs", json={"request": {"image": wrong}})
        assert "image must be the id of a kept picture" in assert_error(answer, 422, "bad_request")


def test_a_picture_that_goes_while_the_job_waits_is_said_in_the_jobs_error(studio: Studio):
    client = studio.client("ada")
    kept = client.post("/api/v1/inputs", content=png()[0]).json()["id"]
    studio.squares.go.clear()
    running = [client.post("/api/v1/jobs", json={"request": {}}).json()["id"] for _ in range(2)]
    waiting = client.post("/api/v1/jobs", json={"request": {"image": kept}}).json()["id"]
    studio.services.inputs.path(kept).unlink()
    studio.squares.go.set()
    until(lambda: client.get(f"/api/v1/jobs/{waiting}").json()["state"] == "failed")
    assert client.get(f"/api/v1/jobs/{waiting}").json()["error"]["code"] == "not_found"
    until(lambda: all(client.get(f"/api/v1/jobs/{id}").json()["state"] == "done" for id in running))


@pytest.mark.parametrize("name", ["a" * 64, "..", "%2e%2e%2findex", "a" * 63 + "%0a", "x" * 5000])
def test_what_is_no_kept_picture_is_not_found(studio: Studio, name: str):
    assert_error(studio.client("ada").get(f"/api/v1/inputs/{name}.png"), 404, "not_found")


def test_a_field_that_takes_a_picture_says_so(studio: Studio):
    fields = studio.client("ada").get("/api/v1/generators").json()["generators"][0]["fields"]
    assert [field["name"] for field in fields if field.get("picture")] == ["image"]


def test_the_memory_that_a_picture_needs_is_told_before_it_is_asked_for(studio):
    client = studio.client("ada")
    told = client.post("/api/v1/estimate", json={"request": {"width": SIDE}}).json()
    assert told["way"] == "whole" and told["embedded"] is True
    assert 0 < told["weights"] < told["needed"] < told["free"] and told["sentence"].startswith("about ")
    refused = client.post("/api/v1/estimate", json={"request": {"width": 1}})
    assert "width must be" in assert_error(refused, 422, "bad_request")


def test_advice_and_the_sizes_of_both_passes_come_with_the_memory(studio):
    client = studio.client("ada")
    sound = client.post("/api/v1/estimate", json={"request": {"width": SIDE}}).json()
    assert sound["advice"] == {"reasons": [], "settings": {}} and sound["sizes"] == [[SIDE, SIDE]]
    asked = {"width": 512, "guidance_scale": 10, "hires_scale": 1.5}
    told = client.post("/api/v1/estimate", json={"request": asked}).json()
    assert told["sizes"] == [[512, SIDE], [768, SIDE * 3 // 2]]
    better = {"width": SIDE, "height": SIDE, "hires_scale": 1.0, "guidance_scale": 3.0}
    assert told["advice"]["settings"] == better and told["advice"]["reasons"][0]["values"]["width"] == "512"
    again = client.post("/api/v1/estimate", json={"request": asked | better}).json()
    assert again["advice"]["reasons"] == []


def test_pictures_that_a_full_disk_refused_are_saved_by_a_route_and_only_by_their_owner(studio, monkeypatch):
    mine, other = studio.client("mine"), studio.client("other")
    real = studio.services.store.save

    def full(*args, **options):
        raise StorageError("the disk is full: the picture could not be saved. Free some space and try again.")

    monkeypatch.setattr(studio.services.store, "save", full)
    job = made(mine)
    assert job["state"] == "failed" and job["error"]["code"] == "storage" and job["unsaved"] == 1
    refused = mine.post(f"/api/v1/jobs/{job['id']}/save")
    assert refused.status_code == 507 and refused.json()["error"]["code"] == "storage"
    monkeypatch.setattr(studio.services.store, "save", real)
    assert other.post(f"/api/v1/jobs/{job['id']}/save").status_code == 403
    assert mine.post("/api/v1/jobs/unknown/save").status_code == 404
    saved = mine.post(f"/api/v1/jobs/{job['id']}/save").json()
    assert saved["state"] == "done" and saved["unsaved"] == 0 and saved["error"] is None
    assert mine.get(f"/api/v1/images/{saved['image_ids'][0]}").status_code == 200
