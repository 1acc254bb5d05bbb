"""Another turn from a step of the scrubber, as a person takes it on the Create page."""

import io
import re
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.visitor import finish, generate, newest, slide, tiles, write

STEPS, K = 6, 2


def pixels_of(studio: Any, image_id: str) -> bytes:
    """Of the picture itself: its file says besides how it was made."""
    with Image.open(io.BytesIO(httpx.get(f"{studio.url}/api/v1/images/{image_id}").content)) as picture:
        return picture.tobytes()


def branch(page: Page, studio: Any, button: str, generator: str = "text-to-image") -> dict[str, Any]:
    """By the keyboard alone; what the studio says of the picture that it made."""
    before = newest(studio)["id"]
    page.locator(button).focus()
    page.keyboard.press("Enter")
    for _ in range(480):
        made = newest(studio)
        if made["id"] != before and made["recipe"]["generator"] == generator:
            finish(page)
            return made
        page.wait_for_timeout(250)
    raise AssertionError("the branch made no picture")


@pytest.fixture
def parent(page: Page, studio: Any) -> dict[str, Any]:
    generate(page, "a red fox", steps=STEPS, seed=4)
    finish(page)
    return newest(studio)


def test_a_branch_takes_the_present_prompt_from_the_step_that_is_looked_at(
    page: Page, studio: Any, parent: dict[str, Any]
) -> None:
    here = page.locator("#branch-here")
    expect(here).to_be_disabled()  # at the end nothing is left
    slide(page, "#live-scrub", K)
    expect(here).to_have_text(f"Branch from step {K}")
    same = branch(page, studio, "#branch-here")
    asked = same["recipe"]["request"]
    assert (asked["branch_from"], asked["branch_step"], asked["seed"]) == (parent["id"], K, 4)
    assert pixels_of(studio, same["id"]) == pixels_of(studio, parent["id"])
    expect(page.locator(".origin")).to_have_text(f"Branched from this picture after its step {K}")

    expect(page.locator("#live-scrub")).to_have_value(str(STEPS))  # the branch is looked at
    write(page, "a penguin")
    slide(page, "#live-scrub", K)
    other = branch(page, studio, "#branch-here")
    assert other["recipe"]["request"]["branch_from"] == same["id"]
    assert other["recipe"]["request"]["prompt"] == "a penguin"
    assert pixels_of(studio, other["id"]) != pixels_of(studio, parent["id"])
    tiles(page).first.locator("button").click()
    row = page.locator("#detail-recipe tr", has_text="Branch from picture")
    expect(row.locator("img")).to_have_attribute("src", re.compile(f"api/v1/images/{same['id']}$"))


def test_the_sheet_shows_four_noises_from_each_of_several_steps(
    page: Page, studio: Any, parent: dict[str, Any]
) -> None:
    sheet = branch(page, studio, "#branch-paths", "grid")["recipe"]
    axes = {axis["field"]: axis["values"] for axis in sheet["axes"]}
    assert axes["branch_step"] == ["1", "2", "4", "5"] and len(set(axes["seed"])) == 4
    assert len(sheet["cells"]) == 16
    assert sheet["request"]["branch_from"] == parent["id"]
    expect(page.locator("#branch-here")).to_be_hidden()


def test_another_size_is_refused_in_a_sentence(page: Page, parent: dict[str, Any]) -> None:
    box = page.locator("#group-basics input[type=number]").first
    box.fill("192")
    box.press("Tab")
    slide(page, "#live-scrub", K)
    page.locator("#branch-here").click()
    expect(page.locator("#message")).to_contain_text("a branch has the size of its picture")
