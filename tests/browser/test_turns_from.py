"""Under each picture: where it can lead from here, each to what it says."""

from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import count, finish, generate, newest, setting, tiles, write


def act(page: Page, name: str) -> None:
    page.locator(f"#live-view [data-act={name}]").click()


def next_picture(page: Page, studio: Any, before: str) -> dict[str, Any]:
    page.wait_for_function("(id) => document.querySelector('#results-list li').dataset.id !== id", arg=before)
    expect(page.locator("#live-view")).to_have_attribute("data-state", "done", timeout=120_000)
    return newest(studio)


@pytest.fixture
def two(page: Page, studio: Any) -> tuple[str, str]:
    """Two pictures of one job, the second of which is chosen."""
    expect(page.locator("#live-view [data-act]").first).to_be_hidden()
    count(page, 2)
    generate(page, "a red flower", steps=3, seed=41)
    finish(page)
    last, first = newest(studio)["id"], newest(studio, 1)["id"]
    expect(tiles(page).first).to_have_attribute("data-id", last)
    page.locator("#act-which button").nth(1).click()
    write(page, "something else", steps=9)
    return first, last


def test_the_chosen_picture_is_varied_and_stays_much_like_itself(page: Page, studio: Any, two: tuple[str, str]) -> None:
    act(page, "vary")
    asked = next_picture(page, studio, two[1])["recipe"]["request"]
    assert (asked["prompt"], asked["seed"], asked["variation_strength"]) == ("a red flower", 42, 0.3)
    assert asked["variation_seed"] >= 0
    expect(page.locator("#act-which button")).to_have_count(4)
    expect(page.locator("#prompt textarea")).to_have_value("something else")  # what is being typed stays


def test_the_chosen_picture_is_enlarged(page: Page, studio: Any, two: tuple[str, str]) -> None:
    before = newest(studio)
    act(page, "enlarge")
    larger = next_picture(page, studio, two[1])
    assert larger["width"] == 2 * before["width"]
    assert larger["recipe"]["enlarged"][0]["factor"] == "2x"
    assert larger["recipe"]["request"]["seed"] == 42
    expect(page.locator("#live-view [data-act=vary]")).to_be_hidden()  # of its own job nothing can be varied
    expect(page.locator("#live-view [data-act=enlarge]")).to_be_visible()


def test_a_part_is_edited_with_the_settings_of_the_picture_and_the_mask_opens(page: Page, two: tuple[str, str]) -> None:
    act(page, "edit")
    expect(page.locator("#mask")).to_be_visible()
    expect(page.locator("#prompt textarea")).to_have_value("a red flower")
    expect(setting(page, "steps")).to_have_value("3")
    page.keyboard.press("Escape")
    expect(page.locator("#start-thumb")).to_be_visible()


def test_a_widened_picture_is_painted_beyond_its_edges(page: Page, studio: Any, two: tuple[str, str]) -> None:
    act(page, "widen")
    expect(page.locator("#outpaint .total")).to_contain_text("384")
    page.locator("#generate").click()
    asked = next_picture(page, studio, two[1])["recipe"]["request"]
    assert [asked[f"outpaint_{side}"] for side in ("left", "right", "top", "bottom")] == [64] * 4
    assert asked["prompt"] == "a red flower" and asked["image"]


def test_settings_come_back_and_the_file_is_the_picture(page: Page, studio: Any, two: tuple[str, str]) -> None:
    with page.expect_download() as download:
        act(page, "download")
    assert download.value.path().read_bytes() == httpx.get(f"{studio.url}/api/v1/images/{two[1]}").content
    act(page, "use")
    expect(page.locator("#prompt textarea")).to_have_value("a red flower")
    expect(setting(page, "seed")).to_have_value("42")


def test_the_same_is_offered_where_a_picture_is_large(page: Page, two: tuple[str, str]) -> None:
    tiles(page).nth(1).locator("button").click()
    page.locator("#detail [data-act=widen]").click()
    expect(page.locator("#detail")).to_be_hidden()
    expect(page.locator("#outpaint .total")).to_contain_text("384")
    expect(page.locator("#prompt textarea")).to_have_value("a red flower")
