"""The result has the page: large, with its noise one click away; neither side of the page moves the other."""

import io
import re
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.visitor import count, finish, generate, look, newest, tiles, write

PHONE = {"width": 390, "height": 844}


def box(page: Page, part: str) -> dict[str, float]:
    found = page.locator(part).bounding_box()
    assert found
    return {name: round(value) for name, value in found.items()}


def test_the_result_has_the_stage_and_the_choice_of_what_is_shown_is_remembered(page: Page) -> None:
    expect(page.locator("#live-x")).to_be_hidden()
    alone = box(page, "#live-x0")["width"]
    look(page, "both")
    expect(page.locator("#live-x")).to_be_visible()
    assert box(page, "#live-x0")["width"] < alone / 1.9
    page.reload()
    expect(page.locator("#live-look [data-look=both]")).to_have_attribute("aria-pressed", "true")
    look(page, "noise")
    expect(page.locator("#live-x0")).to_be_hidden()


def test_the_picture_comes_slowly_out_of_its_last_preview(page: Page) -> None:
    page.evaluate(
        """() => new MutationObserver((changes) => {
          for (const { addedNodes } of changes)
            for (const node of addedNodes) if (node.className === "ghost") window.faded = (window.faded ?? 0) + 1;
        }).observe(document.querySelector("#live-view"), { childList: true, subtree: true })"""
    )
    generate(page, "a fox", steps=6, seed=1)
    finish(page)
    page.wait_for_function("() => window.faded === 1")
    expect(page.locator(".ghost")).to_have_count(0)  # and it does not stay


def test_each_of_several_pictures_opens_large_down_to_its_pixels(page: Page, studio: Any) -> None:
    large = page.locator("#live-large")
    expect(large).to_be_hidden()
    count(page, 4)
    generate(page, "a panda", steps=4, seed=21)
    finish(page)
    expect(tiles(page).first).to_have_attribute("data-id", newest(studio)["id"])
    size = box(page, "#live-x0")
    middle, side = size["width"] / 2, size["height"]
    page.locator("#live-x0").click(position={"x": middle + side / 4, "y": side * 0.75})  # the last of them
    expect(page.locator("#detail-recipe")).to_contain_text("24")
    expect(page.locator("#detail-picture")).to_have_attribute("src", re.compile(newest(studio)["id"]))
    page.keyboard.press("z")
    expect(page.locator("#detail .zoom-bar output")).to_have_text("100 %")
    page.locator("#detail [data-zoom=in]").click()
    expect(page.locator("#detail .zoom-bar output")).to_have_text("150 %")
    page.keyboard.press("Escape")
    page.locator("#live-x0").click(position={"x": 5, "y": 5})  # beside the pictures
    expect(page.locator("#detail")).to_be_hidden()
    large.click()
    expect(page.locator("#detail-recipe")).to_contain_text("21")


def test_neither_an_error_nor_a_start_picture_moves_anything(page: Page) -> None:
    generate(page, "a panda", steps=2, seed=1)
    finish(page)
    top = "(side) => side.scrollTo(0, 0)"
    page.locator("#settings").evaluate(top)
    before = {part: box(page, part) for part in ("#live-view", "#generate", "#prompt")}
    held = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(held, "PNG")
    file = {"name": "start.png", "mimeType": "image/png", "buffer": held.getvalue()}
    page.locator("#start-file").set_input_files(files=[file])  # type: ignore[list-item]
    expect(page.locator("#start-thumb")).to_be_visible()
    write(page, "a panda", seed=-5)
    page.locator("#generate").click()
    expect(page.locator("#message-box")).to_be_visible()
    page.locator("#settings").evaluate(top)
    assert {part: box(page, part) for part in before} == before


@pytest.mark.parametrize("size", [{"width": 1440, "height": 900}, {"width": 1280, "height": 720}])
def test_both_sides_scroll_by_themselves_and_the_bar_stays(visit: Any, size: dict[str, int]) -> None:
    page = visit(viewport=size)
    before = {part: box(page, part) for part in ("#live-view", "#generate", "#bar")}
    page.locator("#settings").evaluate("(side) => side.scrollTo(0, side.scrollHeight)")
    assert page.locator("#settings").evaluate("(side) => side.scrollTop") > 0
    assert {part: box(page, part) for part in before} == before
    assert page.evaluate("document.documentElement.scrollHeight <= window.innerHeight"), "the page itself stands still"
    bar = before["#bar"]
    assert bar["y"] + bar["height"] <= size["height"]


def test_on_a_phone_the_picture_comes_first_and_the_bar_stays_at_the_foot(visit: Any) -> None:
    page = visit(viewport=PHONE, has_touch=True, is_mobile=True)
    assert box(page, "#prompt")["y"] < box(page, "#live-view")["y"]
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    generate(page, "a ghost", steps=3, seed=1)
    finish(page)
    expect(page.locator("#live-x0")).to_be_in_viewport(ratio=1)
    for _ in range(2):
        bar = box(page, "#bar")
        assert abs(bar["y"] + bar["height"] - PHONE["height"]) <= 1
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    assert box(page, "#live-view")["y"] < box(page, "#prompt")["y"]
