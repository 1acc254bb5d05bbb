"""What showing every step costs: the same job with a watcher and without, in turn in one run."""

import statistics
import tempfile
from pathlib import Path

from benchmarks.studio import Studio, running


def job_seconds(studio: Studio, watch: bool) -> tuple[float, float, int]:
    """Seconds that the job ran, CPU seconds of the studio meanwhile, and frames that were delivered."""
    cpu = studio.cpu_seconds()
    job = studio.submit(num_inference_steps=100)
    frames = sum(name == "frame" for name, _ in studio.events(job)) if watch else 0
    over = studio.wait(job, every=1.0)  # seldom, or the asking would cost more than the frames
    return over["finished"] - over["started"], studio.cpu_seconds() - cpu, frames


def temporary_files() -> set[Path]:
    """What lies in the temporary folders of studios; others' files are none of ours."""
    return set(Path(tempfile.gettempdir()).glob("aigc-studio-*/**/*"))


def main(pairs: int = 8) -> None:
    with running() as studio:
        job_seconds(studio, True)
        before = temporary_files()
        turns = [(job_seconds(studio, True), job_seconds(studio, False)) for _ in range(pairs)]
        left = temporary_files() - before
    slower = statistics.median(a[0] / b[0] for a, b in turns)
    cpu = statistics.median(a[1] / b[1] for a, b in turns)
    frames = statistics.median(a[0][2] for a in turns)
    print("| watched / not watched, 100 steps | median ratio |\n|---|---|")
    print(f"| time of the job | {slower:.3f} |\n| CPU time of the studio | {cpu:.3f} |")
    print(f"\n{frames:.0f} frames delivered a job; files left behind by frames: {len(left)}")


if __name__ == "__main__":
    main()
