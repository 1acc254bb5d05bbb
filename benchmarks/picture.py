"""How long one picture takes end to end, and how soon its first frame and a stop are seen, in a warm studio."""

import statistics
import time

from benchmarks.studio import OVER, Studio, running


def whole(studio: Studio) -> float:
    """Seconds from the request to the saved picture."""
    start = time.monotonic()
    over = studio.wait(studio.submit())
    assert over["state"] == "done", over
    return time.monotonic() - start


def first_frame(studio: Studio) -> float:
    """Seconds from the request to the first frame at the client."""
    start = time.monotonic()
    job = studio.submit()
    seconds = next(time.monotonic() - start for name, _ in studio.events(job) if name == "frame")
    studio.wait(job)
    return seconds


def stop(studio: Studio) -> tuple[float, float]:
    """Seconds from a stop in mid-generation until it is shown, and until the job is over."""
    job = studio.submit(num_inference_steps=150)
    for name, data in studio.events(job):
        if name == "frame" and data["index"] >= 5:
            break
    start = time.monotonic()
    studio.http.delete(f"/api/v1/jobs/{job['id']}").raise_for_status()
    shown = studio.http.get(f"/api/v1/jobs/{job['id']}").json()
    assert shown["state"] in ("cancelled", "stopping") or shown.get("stopping"), shown
    seen = time.monotonic() - start
    while not (now := studio.http.get(f"/api/v1/jobs/{job['id']}").json()).get("finished"):
        assert now["state"] not in OVER or now["state"] == "cancelled"
        time.sleep(0.005)
    return seen, time.monotonic() - start


def main(runs: int = 9) -> None:
    with running() as studio:
        whole(studio)
        seconds = [whole(studio) for _ in range(runs)]
        frames = [first_frame(studio) for _ in range(runs)]
        stops = [stop(studio) for _ in range(runs)]
    print("| one picture, 20 steps with guidance, warm | median | worst |\n|---|---|---|")
    rows = {
        "request to saved picture": seconds,
        "request to first frame": frames,
        "stop: shown": [s[0] for s in stops],
        "stop: over, unfinished picture kept": [s[1] for s in stops],
    }
    for name, values in rows.items():
        print(f"| {name} | {statistics.median(values):.2f} s | {max(values):.2f} s |")


if __name__ == "__main__":
    main()
