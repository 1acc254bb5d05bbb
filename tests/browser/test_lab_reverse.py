"""A noised picture goes back through the embedded model before one's eyes."""

from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.visitor import changed, choose, drag, number, open_bench, pixels, slide


def opened(page: Page) -> Locator:
    bench = open_bench(page, "Back from noise")
    expect(page.locator("#reverse-where")).to_contain_text("Step 3 of 10", timeout=60_000)
    return bench


def test_every_step_shows_what_the_network_sees_and_says(page: Page) -> None:
    opened(page)
    views = ("#reverse-x", "#reverse-x0", "#reverse-eps", "#reverse-guided")
    before = [pixels(page.locator(view)) for view in views]
    slide(page, "#reverse-step", 0)
    expect(page.locator("#reverse-where")).to_contain_text("Step 1 of 10 · σ 11.9")
    for view, pixels_before in zip(views, before, strict=True):
        changed(page, view, pixels_before)
    expect(page.locator("#plot-reverse-sigma polyline")).to_be_visible()


def test_a_later_start_changes_the_picture_more_and_results_are_kept_side_by_side(page: Page) -> None:
    opened(page)
    page.locator("#reverse-keep").click()
    expect(page.locator(".kept figure")).to_have_count(1)
    result = pixels(page.locator("#reverse-result"))
    slide(page, "#reverse-t", 100)
    expect(page.locator("#bench-reverse .formula")).to_have_text("From t = 100")
    changed(page, "#reverse-result", result)
    page.locator("#reverse-keep").click()
    expect(page.locator(".kept figcaption").first).to_contain_text("t 100 · Linear (DDPM) · DDIM · 10 steps")


def test_the_network_can_be_told_the_wrong_timestep(page: Page) -> None:
    bench = opened(page)
    result = pixels(page.locator("#reverse-result"))
    number(bench, "shift", -200)
    changed(page, "#reverse-result", result)
    expect(page.locator("#reverse-told")).to_contain_text("t = 560, but the network is given t = 360")


def test_guidance_is_drawn_by_hand_and_the_slider_takes_it_back(page: Page) -> None:
    bench = opened(page)
    handle = page.locator("#plot-reverse-guidance .handle").last
    handle.scroll_into_view_if_needed()
    drag(page, handle, (8, 8), (8, -60))
    slide(page, "#reverse-step", 9)
    expect(page.locator("#reverse-told")).not_to_contain_text("Guidance 3.")
    number(bench, "guidance_scale", 2)
    expect(page.locator("#reverse-told")).to_contain_text("Guidance 2.")


def test_a_picture_is_brought_as_a_file_or_drawn(page: Page, tmp_path: Path) -> None:
    opened(page)
    source = pixels(page.locator("#reverse-source"))
    Image.new("RGB", (90, 60), "red").save(tmp_path / "red.png")
    chooser = page.locator("#bench-reverse .picture-chooser")
    chooser.locator("input[type=file]").set_input_files(tmp_path / "red.png")
    changed(page, "#reverse-source", source)
    red = pixels(page.locator("#reverse-source"))
    chooser.get_by_role("button", name="Draw one").click()
    drag(page, chooser.locator(".easel"), (40, 40), (180, 160))
    changed(page, "#reverse-source", red)
    drawn = pixels(page.locator("#reverse-source"))
    chooser.get_by_role("button", name="The panda again").click()
    changed(page, "#reverse-source", drawn)


def test_what_is_no_picture_is_said_and_the_page_goes_on(page: Page, tmp_path: Path) -> None:
    bench = opened(page)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    chooser = page.locator("#bench-reverse .picture-chooser")
    chooser.locator("input[type=file]").set_input_files(tmp_path / "broken.png")
    expect(chooser.get_by_role("alert")).to_be_visible()
    choose(bench, "sampler", "heun")
    expect(bench.locator("[data-field=eta]")).to_be_hidden()
    expect(page.locator("#bench-reverse .bench-side .alas")).to_be_hidden()
