"""What a person waits for on the page itself: from the click on Generate to the first frame on the screen."""

import shutil
import statistics

from playwright.sync_api import expect, sync_playwright

from benchmarks.shots import FLAGS
from benchmarks.studio import PROMPT, running

CLICK = """() => new Promise((done) => {
    const start = performance.now(), canvas = document.querySelector("#live-x0");
    const look = () => (canvas.dataset.shown ? done(performance.now() - start) : requestAnimationFrame(look));
    document.querySelector("#generate").click();
    setTimeout(look, 0);
})"""


def main(runs: int = 7) -> None:
    waited = []
    with running() as studio, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for _ in range(runs):
            page = browser.new_page()  # a new visitor each time: nothing is shown yet
            page.goto(studio.url)
            expect(page.locator("#live-view")).to_be_visible(timeout=30_000)
            page.wait_for_load_state("networkidle")
            page.locator("#prompt textarea").fill(PROMPT)
            waited.append(page.evaluate(CLICK) / 1000)
            expect(page.locator("#live-scrub")).to_be_enabled(timeout=60_000)
            page.close()
        browser.close()
    print("| on the page | median | worst |\n|---|---|---|")
    print(f"| click to first frame | {statistics.median(waited):.2f} s | {max(waited):.2f} s |")


if __name__ == "__main__":
    main()
