"""From `python app.py` to a served page, against an empty Gradio page, in turn; and until the model is warm."""

import statistics
import subprocess
import sys
import time

import httpx

from benchmarks.studio import free_port, running, wait_for_page

EMPTY = """
import os; os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
import gradio as gr
with gr.Blocks() as demo: gr.Textbox(label="empty")
demo.launch(server_port={port}, quiet=True)
"""


def empty_page() -> float:
    """Seconds until an empty Gradio page is served."""
    port = free_port()
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", EMPTY.format(port=port)], stdout=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            wait_for_page(http, "gradio")
        return time.monotonic() - start
    finally:
        process.kill()
        process.wait()


def studio_page() -> tuple[float, float]:
    """Seconds until the studio's page is served, and until its model is warm."""
    start = time.monotonic()
    with running() as studio:
        return studio.served_after, time.monotonic() - start


def main(pairs: int = 5) -> None:
    empty_page()
    turns = [(studio_page(), empty_page()) for _ in range(pairs)]
    page, warm, empty = ([t[0][0] for t in turns], [t[0][1] for t in turns], [t[1] for t in turns])
    ratio = statistics.median(p / e for p, e in zip(page, empty, strict=True))
    print("| start | median |\n|---|---|")
    print(f"| the studio's page is served | {statistics.median(page):.1f} s |")
    print(f"| an empty Gradio page is served | {statistics.median(empty):.1f} s |")
    print(f"| ratio, pair by pair | {ratio:.2f} |")
    print(f"| the embedded model is warm | {statistics.median(warm):.1f} s |")


if __name__ == "__main__":
    main()
