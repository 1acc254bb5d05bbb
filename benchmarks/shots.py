"""Screenshots of the Create page after a picture, of the lab and of a race of the families, in shots/.

Wide and narrow, light and dark, English and Chinese.
"""

import argparse
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.studio import ROOT, Studio, running

SIZES = {"wide": {"width": 1440, "height": 1000}, "narrow": {"width": 390, "height": 844}}
PROMPTS = {"en-US": ("a panda", "sunset over mountains"), "zh-CN": ("熊猫", "山上的日落")}
LAB = {
    "en-US": ("Diffusion lab", ("β schedule", "Points in the plane", "Digits in pixels", "The bound")),
    "zh-CN": ("扩散实验室", ("β 调度", "平面上的点", "像素中的数字", "变分下界")),
}
FAMILIES = {"en-US": "Families", "zh-CN": "模型家族"}
README = {
    "wide-light-en-US": "create.png",
    "wide-light-zh-CN": "create-zh.png",
    "lab-0-wide-light-en-US": "lab.png",
    "lab-0-wide-light-zh-CN": "lab-zh.png",
    "families-wide-light-en-US": "families.png",
    "families-wide-light-zh-CN": "families-zh.png",
}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def visit(browser: Browser, studio: Studio, size: str, theme: str, locale: str) -> Page:
    context = browser.new_context(viewport=SIZES[size], locale=locale)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{studio.url}/?__theme={theme}")
    expect(page.locator("#live-view")).to_be_visible(timeout=30_000)
    return page


def open_tab(page: Page, name: str) -> None:
    """Where the row has no room for it the tab is in the menu at its end."""
    tab = page.get_by_role("tab", name=name)
    if not tab.is_visible():
        page.locator(".overflow-menu > button").first.click()
        tab = page.locator(".overflow-dropdown button", has_text=name)
    tab.click()


def paint(page: Page, prompt: str) -> None:
    page.locator("#prompt textarea").fill(prompt)
    page.locator("#seed input").fill("7")
    page.wait_for_load_state("networkidle")
    made = page.locator("#results-list li").count()
    page.locator("#generate").click()
    expect(page.locator("#results-list li")).to_have_count(made + 1, timeout=60_000)
    expect(page.locator("#live-scrub")).to_be_enabled(timeout=60_000)
    expect(page.locator("#live-view")).to_have_attribute("data-state", "done")


def shoot(browser: Browser, studio: Studio, folder: Path) -> None:
    for locale, prompts in PROMPTS.items():
        for theme in ("light", "dark"):
            for size in SIZES:
                page = visit(browser, studio, size, theme, locale)
                for prompt in prompts:
                    paint(page, prompt)
                page.evaluate("scrollTo(0, 0)")
                page.wait_for_timeout(600)
                page.screenshot(path=folder / f"{size}-{theme}-{locale}.png")
                page.screenshot(path=folder / f"{size}-{theme}-{locale}-whole.png", full_page=True)
                page.locator("#results-list li button").first.click()
                page.wait_for_timeout(400)
                page.screenshot(path=folder / f"{size}-{theme}-{locale}-detail.png")
                page.context.close()


def shoot_lab(browser: Browser, studio: Studio, folder: Path) -> None:
    for locale, (lab, benches) in LAB.items():
        for theme in ("light", "dark"):
            for size in SIZES:
                page = visit(browser, studio, size, theme, locale)
                page.get_by_role("tab", name=lab).click()
                for i, bench in enumerate(benches):
                    if size == "narrow" and i:  # those tabs are in the menu of the tab row
                        break
                    page.get_by_role("tab", name=bench).click()
                    expect(page.locator("section.bench:visible")).not_to_have_attribute("aria-busy", "true")
                    page.wait_for_timeout(1500)
                    page.screenshot(path=folder / f"lab-{i}-{size}-{theme}-{locale}.png", full_page=True)
                page.context.close()


def shoot_race(browser: Browser, studio: Studio, folder: Path) -> None:
    for locale, families in FAMILIES.items():
        for theme in ("light", "dark"):
            for size in SIZES:
                page = visit(browser, studio, size, theme, locale)
                open_tab(page, families)
                page.locator("#race-start").click()
                expect(page.locator("#race-play")).to_be_visible(timeout=60_000)
                page.wait_for_timeout(800)
                page.screenshot(path=folder / f"families-{size}-{theme}-{locale}.png", full_page=True)
                page.context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readme", action="store_true", help="also write the README's pictures to docs/pictures/")
    args = parser.parse_args()
    folder = ROOT / "shots"
    folder.mkdir(exist_ok=True)
    with running() as studio, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        shoot(browser, studio, folder)
        shoot_lab(browser, studio, folder)
        shoot_race(browser, studio, folder)
        browser.close()
    if args.readme:
        for name, target in README.items():
            with Image.open(folder / f"{name}.png") as picture:
                picture.convert("RGB").quantize(192).save(ROOT / "docs" / "pictures" / target, optimize=True)


if __name__ == "__main__":
    main()
