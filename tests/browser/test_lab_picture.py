"""The picture that a bench works on: what cannot be had is said, and all of it speaks the page's language."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import finish, generate, open_bench


def refuse(page: Page, address: str, message: str) -> None:
    error = {"error": {"code": "error", "message": message}}
    page.route(address, lambda route: route.fulfill(status=500, json=error))


def test_a_gallery_that_cannot_be_read_is_not_called_empty(page: Page) -> None:
    open_bench(page, "β schedule")
    chooser = page.locator("#bench-schedule .picture-chooser")
    refuse(page, "**/api/v1/images?*", "The disk is asleep.")
    chooser.get_by_role("button", name="From the gallery").click()
    expect(chooser.get_by_role("alert")).to_have_text("The gallery could not be read. The disk is asleep.")
    expect(chooser.locator(".picture-panel")).to_be_hidden()
    page.unroute("**/api/v1/images?*")
    chooser.get_by_role("button", name="From the gallery").click()
    expect(chooser.locator(".picture-panel")).to_be_visible()
    expect(chooser.get_by_role("alert")).to_be_hidden()


def test_a_picture_that_is_gone_from_the_gallery_is_said(page: Page) -> None:
    generate(page, "a red circle", steps=1)
    finish(page)
    open_bench(page, "β schedule")
    chooser = page.locator("#bench-schedule .picture-chooser")
    chooser.get_by_role("button", name="From the gallery").click()
    refuse(page, "**/api/v1/images/2*", "there is no such picture.")
    chooser.locator(".tile").first.click()
    expect(chooser.get_by_role("alert")).to_have_text("there is no such picture.")


def test_the_open_sheet_changes_its_language_with_the_page(page: Page) -> None:
    open_bench(page, "β schedule")
    chooser = page.locator("#bench-schedule .picture-chooser")
    chooser.get_by_role("button", name="Draw one").click()
    page.locator("#language").click()
    expect(chooser.locator(".easel")).to_have_attribute("aria-label", "画一张")
    expect(chooser.locator(".inks button").last).to_have_text("清空")
    page.locator("#language").click()
    expect(chooser.get_by_role("button", name="Clear")).to_be_visible()


@pytest.mark.parametrize(("bench", "what"), [("Back from noise", "prompt"), ("Points in the plane", "class")])
def test_guidance_is_explained_for_what_it_guides(page: Page, bench: str, what: str) -> None:
    help_of = open_bench(page, bench).locator("[data-field=guidance_scale] .help")
    expect(help_of).to_have_text(f"How closely the {what} is followed; 1 is off, 0 ignores it.")
