"""What a visitor does on the Create page and in the lab, and what they look at."""

import re
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect


def setting(page: Page, name: str) -> Locator:
    """The box of a number; one that may be longer than numbers of JavaScript is text."""
    return page.locator(f"#{name}").locator("input[type=number], input[type=text], textarea")


def write(page: Page, prompt: str, **settings: float) -> None:
    page.locator("#prompt textarea").fill(prompt)
    for name, value in settings.items():
        box = setting(page, name)
        box.fill(f"{value:g}")
        box.press("Tab")


def count(page: Page, pictures: int) -> None:
    """Ask for several pictures; many of them in many steps make a job that does not end while it is looked at."""
    box = page.locator("#count input")
    expect(box).to_have_value("1")
    box.fill(str(pictures))
    box.press("Tab")


def open_group(page: Page, name: str) -> Locator:
    """A section of the settings. What lies in a group is on the page once the group is open."""
    part = page.locator(f"#{name}")
    for one in (*page.locator(".gr-accordion.group").all(), part):
        heading = one.locator(":scope > button.label-wrap")
        if (one is part or not part.count()) and "open" not in (heading.get_attribute("class") or "").split():
            heading.click()
            page.wait_for_timeout(500)  # what opens for the first time still puts its values in place
    return part


def look(page: Page, name: str) -> None:
    """At the result, the noise, or both."""
    page.locator(f"#live-look [data-look={name}]").click()
    expect(page.locator("#live-view")).to_have_attribute("data-look", name)


def generate(page: Page, prompt: str, **settings: float) -> None:
    write(page, prompt, **settings)
    # what the job before ended in is not what `finish` waits for
    page.locator("#live-view").evaluate("view => { if (view.dataset.state === 'done') view.dataset.state = 'before'; }")
    page.locator("#generate").click()


def finish(page: Page) -> None:
    expect(page.locator("#live-view")).to_have_attribute("data-state", "done", timeout=120_000)
    expect(page.locator("#live-scrub")).to_be_enabled()


def rest(page: Page, quiet: int = 1000) -> None:
    """Until the page has asked the server for nothing for `quiet` milliseconds, as it still does after a job's end."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    before = -1
    while before != len(asked):
        before = len(asked)
        page.wait_for_timeout(quiet)


def pick(box: Locator, name: str) -> None:
    """Type into a dropdown that filters, and click that option of what is left."""
    box.click()
    box.press("Control+a")
    box.press_sequentially(name)
    options = box.page.get_by_role("listbox").get_by_role("option")
    expect(options.filter(has_not_text=re.compile(re.escape(name), re.IGNORECASE))).to_have_count(0)
    options.filter(has_text=re.compile(rf"^\W*{re.escape(name)}\W*$", re.IGNORECASE)).click()
    expect(box).to_have_value(name)


def drag(page: Page, where: Locator, start: tuple[float, float], end: tuple[float, float], steps: int = 6) -> None:
    """Press at `start`, let go at `end`; both are pixels from the upper left corner of `where`."""
    where.scroll_into_view_if_needed()
    where.element_handle().wait_for_element_state("stable")
    box = where.bounding_box()
    assert box
    page.mouse.move(box["x"] + start[0], box["y"] + start[1])
    page.mouse.down()
    page.mouse.move(box["x"] + end[0], box["y"] + end[1], steps=steps)
    page.mouse.up()


def pixels(canvas: Locator) -> str:
    return canvas.evaluate("c => c.toDataURL()")


def tiles(page: Page) -> Locator:
    return page.locator("#results-list li")


def drawn_tiles(page: Page, studio: Any) -> int:
    """How many pictures the page shows, once its list is drawn: all that the studio has, up to 60."""
    pictures = len(httpx.get(f"{studio.url}/api/v1/images?limit=60").json()["images"])
    expect(tiles(page)).to_have_count(pictures)
    return pictures


def newest(studio: Any, at: int = 0) -> dict[str, Any]:
    """What the studio says of the picture that it kept last, or `at` before; the page may show it a moment later."""
    *_, picture = httpx.get(f"{studio.url}/api/v1/images?limit={at + 1}").json()["images"]
    return httpx.get(f"{studio.url}/api/v1/images/{picture['id']}/meta").json()


def open_bench(page: Page, name: str, room: str = "Diffusion lab") -> Locator:
    page.get_by_role("tab", name=room).click()
    page.get_by_role("tab", name=name).click()
    bench = page.locator("section.bench:visible")
    expect(bench).to_be_visible()
    expect(bench).not_to_have_attribute("aria-busy", "true")
    return bench


def line_of(page: Page, plot: str) -> str:
    return page.locator(f"#{plot} polyline").first.get_attribute("points") or ""


def choose(bench: Locator, field: str, option: str) -> None:
    bench.locator(f"[data-field={field}] select").select_option(option)


def number(bench: Locator, field: str, value: float) -> None:
    bench.locator(f"[data-field={field}] input[type=number]").fill(f"{value:g}")


def slide(page: Page, name: str, value: int) -> None:
    moved = "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', {bubbles: true})); }"
    page.locator(name).evaluate(moved, value)


def changed(page: Page, canvas: str, before: str) -> None:
    page.wait_for_function(
        "([c, before]) => document.querySelector(c).toDataURL() !== before", arg=[canvas, before], timeout=30_000
    )
