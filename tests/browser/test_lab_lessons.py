"""Lessons ask before they tell; a link or a file holds all that is on the screen; a stranger's is only data."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.visitor import choose, number, open_bench, pixels, slide


def test_a_lesson_sets_its_state_asks_and_reveals(page: Page) -> None:
    open_bench(page, "β schedule")
    page.locator("#lesson-choice").select_option("guidance")
    bench = page.locator("#bench-points")
    expect(bench.locator("[data-field=data] select")).to_have_value("pinwheel")
    expect(bench.locator("[data-field=zero_snr]")).to_be_hidden()
    card = page.locator("#lesson-card")
    expect(card.locator(".verdict")).to_be_empty()
    card.get_by_role("button", name="They crowd together").click()
    expect(card.locator(".verdict")).to_contain_text("Yes. Fidelity against diversity")
    card.get_by_role("button", name="Show all controls").click()
    expect(bench.locator("[data-field=zero_snr]")).to_be_visible()


def test_a_link_brings_the_same_state_to_somebody_else(page: Page, visit) -> None:
    bench = open_bench(page, "Points in the plane")
    choose(bench, "data", "rings")
    number(bench, "seed", 77)
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.locator("#lesson-link").click()
    link = page.evaluate("window.copied")
    other = visit("/" + link.split("/", 3)[3], until=("#bench-points",))
    expect(other.locator("#bench-points [data-field=data] select")).to_have_value("rings")
    expect(other.locator("#bench-points [data-field=seed] input")).to_have_value("77")


def test_back_and_reload_go_by_the_room_the_bench_and_the_lesson(page: Page) -> None:
    bench = open_bench(page, "Points in the plane")
    number(bench, "seed", 77)
    page.locator("#lesson-choice").select_option("guidance")
    expect(bench.locator("[data-field=data] select")).to_have_value("pinwheel")
    page.get_by_role("tab", name="Models", exact=True).click()
    expect(page.locator("#library-search")).to_be_visible()
    expect(page).to_have_url(re.compile("#tab=models$"))
    page.go_back()
    expect(page.locator("#lesson-card h2")).to_be_visible()
    page.reload()
    expect(page.locator("#lesson-choice")).to_have_value("guidance")
    expect(page.locator("#bench-points [data-field=data] select")).to_have_value("pinwheel")
    page.go_back()
    expect(page.locator("#lesson-card")).to_be_hidden()
    expect(page.locator("#bench-points [data-field=seed] input")).to_have_value("77")
    page.go_back()
    expect(page.locator("#bench-schedule")).to_be_visible()
    page.go_back()
    expect(page.locator("#generate")).to_be_visible()
    page.go_forward()
    expect(page.locator("#bench-schedule")).to_be_visible()


def test_an_address_that_names_nothing_of_ours_opens_the_page(visit) -> None:
    for odd in ("#tab=constructor", "#bench=toString", "#lesson=x", "#lab=%%%"):
        visit("/" + odd, until=())


def test_a_stranger_s_lesson_is_data_and_a_bad_one_is_refused(page: Page, tmp_path: Path) -> None:
    open_bench(page, "β schedule")
    chosen = page.locator("input[type=file][accept*=json]")
    bad = tmp_path / "bad.json"
    bad.write_text('{"bench": "elsewhere", "values": {}}')
    chosen.set_input_files(bad)
    expect(page.get_by_text("This file is not a lesson of the lab.")).to_be_visible()
    evil = {
        "bench": "schedule",
        "title": "<img src=x onerror='window.hurt=1'>",
        "text": "<b>bold</b>",
        "values": {"num_train_timesteps": -7, "unknown": 1},
    }
    strange = tmp_path / "strange.json"
    strange.write_text(json.dumps(evil))
    chosen.set_input_files(strange)
    expect(page.locator("#lesson-card h2")).to_have_text(evil["title"])
    expect(page.locator("#bench-schedule .bench-side .alas")).to_have_text(
        "num_train_timesteps must be 10 to 4000; got -7."
    )
    assert page.evaluate("window.hurt") is None


def test_a_lesson_opens_its_bench_on_a_phone_too(visit) -> None:
    page = visit(viewport={"width": 390, "height": 844})
    page.get_by_role("tab", name="Diffusion lab").click()
    expect(page.locator("#lesson-choice option")).to_have_count(8)
    page.locator("#lesson-choice").select_option("bound")
    expect(page.locator("#bench-bound")).to_be_visible()
    expect(page.locator("#bound-totals")).to_contain_text("Entropy of the data, estimated on these points")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def linked(page: Page, visit: Any, bench: str) -> Page:
    """A new visitor's page at the link of what `page` shows."""
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.locator("#lesson-link").click()
    link = page.evaluate("window.copied")
    return visit("/" + link.split("/", 3)[3], until=(f"#bench-{bench}",))


def same(canvas: str, one: Page, other: Page) -> None:
    """Sooner or later: either page may still be drawing."""
    until = time.monotonic() + 30
    while pixels(one.locator(canvas)) != pixels(other.locator(canvas)):
        assert time.monotonic() < until, f"{canvas} stays different"
        one.wait_for_timeout(200)


def test_the_schedule_s_picture_space_and_step(page: Page, visit: Any, tmp_path: Path) -> None:
    bench = open_bench(page, "β schedule")
    big = page.locator("#noised")
    expect(big).to_have_attribute("data-t", "500")
    Image.new("RGB", (90, 60), "red").save(tmp_path / "red.png")
    with page.expect_response(lambda answer: answer.url.endswith("/api/v1/inputs")):  # a link can name what is kept
        page.locator("#bench-schedule .picture-chooser input[type=file]").set_input_files(tmp_path / "red.png")
    page.get_by_role("button", name="Latents of the embedded model").click()
    page.get_by_role("button", name="Linear map").click()
    choose(bench, "beta_schedule", "cosine")
    number(bench, "num_train_timesteps", 300)
    expect(page.locator("#schedule-t")).to_have_attribute("max", "300")  # or t would be moved with it
    slide(page, "#schedule-t", 37)
    for name, value in (("t", "37"), ("space", "latents"), ("through", "preview")):
        expect(big).to_have_attribute(f"data-{name}", value)
    other = linked(page, visit, "schedule")
    expect(other.locator("#noised")).to_have_attribute("data-t", "37")
    expect(other.locator("#noised-space")).to_contain_text("shown through one linear map")
    same("#noised", page, other)
    assert other.locator("#forward-formula").inner_text() == page.locator("#forward-formula").inner_text()


def test_the_step_on_the_way_back_from_noise(page: Page, visit: Any) -> None:
    bench = open_bench(page, "Back from noise")
    number(bench, "num_inference_steps", 6)
    expect(page.locator("#reverse-where")).to_contain_text("of 6", timeout=60_000)
    slide(page, "#reverse-step", 4)
    expect(page.locator("#reverse-where")).to_contain_text("Step 5 of 6")
    other = linked(page, visit, "reverse")
    expect(other.locator("#reverse-where")).to_contain_text("Step 5 of 6", timeout=60_000)
    same("#reverse-x0", page, other)


def followed(page: Page) -> Locator:
    return page.locator(".plane-legend li")


def test_the_points_way_step_followed_point_arrows_and_training(page: Page, visit: Any) -> None:
    bench = open_bench(page, "Points in the plane")
    number(bench, "label", 0)
    expect(page.locator("#plane-quality td")).to_have_count(6)
    expect(bench).not_to_have_attribute("aria-busy", "true")
    slide(page, "#plane-step", 20)
    box = page.locator("#plane").bounding_box()
    assert box
    page.locator("#plane").click(position={"x": box["width"] * (3 + 1.4) / 6, "y": box["height"] / 2})
    page.get_by_role("button", name="Into noise").click()
    page.locator("#plane-arrows").check()
    page.locator("[data-train=training_steps]").fill("70")
    slide(page, "#plane-step", 9)
    expect(followed(page)).to_have_count(6)
    other = linked(page, visit, "points")
    expect(other.locator("#plane-step")).to_have_value("9")
    expect(other.locator("[data-way=forward]")).to_have_attribute("aria-pressed", "true")
    expect(other.locator("#plane-arrows")).to_be_checked()
    expect(other.locator("[data-train=training_steps]")).to_have_value("70")
    expect(followed(other)).to_have_count(6)
    same("#plane", page, other)


def test_the_step_of_the_digits(page: Page, visit: Any) -> None:
    open_bench(page, "Digits in pixels")
    expect(page.locator("#digits-verdict")).to_contain_text("of 10 are recognised")
    slide(page, "#digits-step", 3)
    same("#digits-x", page, linked(page, visit, "digits"))


def test_a_lesson_begins_at_its_own_picture_whatever_was_chosen_before(page: Page) -> None:
    open_bench(page, "β schedule")
    page.get_by_role("button", name="Latents of the embedded model").click()
    slide(page, "#schedule-t", 900)
    expect(page.locator("#noised")).to_have_attribute("data-space", "latents")
    page.locator("#lesson-choice").select_option("noise")
    expect(page.locator("#noised")).to_have_attribute("data-t", "500")
    expect(page.locator("#noised")).to_have_attribute("data-space", "pixels")


STRANGE = [
    ("schedule", {"t": 1e300, "space": "<b>", "through": 7, "image": "../../etc"}, "data-t", "1000"),
    ("schedule", {"t": -4, "image": ["0" * 64]}, "data-t", "0"),
    ("schedule", {"t": "12", "space": None}, "data-t", "500"),
]


@pytest.mark.parametrize(("bench", "look", "name", "value"), STRANGE)
def test_a_stranger_s_look_is_held_within_bounds(
    page: Page, tmp_path: Path, bench: str, look: dict[str, Any], name: str, value: str
) -> None:
    (tmp_path / "strange.json").write_text(json.dumps({"bench": bench, "values": {}, "look": look}))
    page.get_by_role("tab", name="Diffusion lab").click()
    page.locator("input[type=file][accept*=json]").set_input_files(tmp_path / "strange.json")
    expect(page.locator("#noised")).to_have_attribute(name, value)
    expect(page.locator("#noised")).to_have_attribute("data-space", "pixels")
    expect(page.locator("#noised-space")).to_have_text("The noise is added to pixels.")
    expect(page.locator("#bench-schedule .noised .alas").last).to_be_hidden()


def test_a_stranger_s_points_are_held_within_bounds(page: Page, tmp_path: Path) -> None:
    look = {"way": "up", "step": 1e9, "followed": 1e9, "arrows": "yes", "whose": {}, "training": {"width": "x"}}
    (tmp_path / "strange.json").write_text(json.dumps({"bench": "points", "values": {"count": 50}, "look": look}))
    page.get_by_role("tab", name="Diffusion lab").click()
    page.locator("input[type=file][accept*=json]").set_input_files(tmp_path / "strange.json")
    expect(page.locator("#plane-step")).to_have_value("0")  # the noise, where the way back begins
    expect(page.locator("[data-way=back]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#plane-arrows")).not_to_be_checked()
    expect(page.locator("[data-train=width]")).to_have_value("128")
    expect(page.locator(".plane-legend li").first).to_be_visible()  # the last of the 50 points is followed


def test_a_picture_that_is_not_here_any_more_is_said(page: Page, tmp_path: Path) -> None:
    (tmp_path / "gone.json").write_text(json.dumps({"bench": "schedule", "values": {}, "look": {"image": "0" * 64}}))
    page.get_by_role("tab", name="Diffusion lab").click()
    page.locator("input[type=file][accept*=json]").set_input_files(tmp_path / "gone.json")
    expect(page.get_by_text(re.compile("the kept picture is not here any more"))).to_be_visible()


def test_a_look_that_is_no_object_is_no_lesson(page: Page, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"bench": "schedule", "values": {}, "look": [1]}')
    page.get_by_role("tab", name="Diffusion lab").click()
    page.locator("input[type=file][accept*=json]").set_input_files(tmp_path / "bad.json")
    expect(page.get_by_text("This file is not a lesson of the lab.")).to_be_visible()


def test_the_lesson_on_guidance_s_share_opens_at_the_first_step(page: Page) -> None:
    open_bench(page, "Back from noise")
    page.locator("#lesson-choice").select_option("share")
    expect(page.locator("#reverse-where")).to_have_text("Step 1 of 10 · σ 157", timeout=60_000)
    page.locator("#lesson-card").get_by_role("button", name="The largest part late").click()
    expect(page.locator("#lesson-card .verdict")).to_contain_text("Yes. Its part of ε̂ grows")


def test_the_lesson_on_few_steps_has_its_plot_right_below_and_no_other_lesson(page: Page) -> None:
    open_bench(page, "Points in the plane")
    first = page.locator("#bench-points .bench-main > :first-child")
    page.locator("#lesson-choice").select_option("steps")
    expect(first).to_have_id("plot-orders")
    expect(first.locator("polyline")).to_have_count(5)
    page.locator("#lesson-choice").select_option("predict")
    expect(first).not_to_have_id("plot-orders")
