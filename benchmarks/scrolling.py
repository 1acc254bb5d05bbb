"""How smoothly the gallery's grid scrolls through 100,000 pictures in a browser: `python -m benchmarks.scrolling`.

The rows are made up, as in benchmarks/gallery.py, so thumbnails are asked for and refused; the page is measured.
"""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from benchmarks.gallery import fill
from benchmarks.shots import FLAGS
from benchmarks.studio import running
from pipelines.store.images import ImageStore

PICTURES, SECONDS = 100_000, 5
PACES = {"reading, 600 pixels a second": 600, "fast, 6,000": 6_000, "a flight, 60,000": 60_000}
SCROLL = """([pace, seconds]) => new Promise((done) => {
  const gaps = [];
  let begun, last;
  function frame(now) {
    begun ??= now;
    if (last !== undefined) {
      gaps.push(now - last);
      scrollBy(0, (pace * (now - last)) / 1000);
    }
    last = now;
    now - begun < seconds * 1000 ? requestAnimationFrame(frame) : done(gaps);
  }
  requestAnimationFrame(frame);
})"""


def main() -> None:
    load, cores = os.getloadavg()[0], os.cpu_count()
    print(f"Gallery of {PICTURES:,} pictures, {SECONDS} s each; load before {load:.1f} on {cores} cores.")
    with tempfile.TemporaryDirectory() as folder:
        fill(ImageStore(Path(folder)), PICTURES)
        with running("--outputs", folder) as studio, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(studio.url)
            page.get_by_role("tab", name="Gallery").click()
            page.locator(".gallery-grid [data-id], .gallery-grid button").first.wait_for(timeout=60_000)
            page.wait_for_timeout(3000)
            for name, pace in PACES.items():
                gaps = page.evaluate(SCROLL, [pace, SECONDS])
                per_second = 1000 * len(gaps) / sum(gaps)
                print(
                    f"{name:32} {per_second:5.1f} frames a second; the slowest of a hundred took "
                    f"{np.percentile(gaps, 99):.0f} ms; at {page.evaluate('scrollY'):,.0f} pixels"
                )
            browser.close()


if __name__ == "__main__":
    main()
