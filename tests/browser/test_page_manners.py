"""What a page does besides its work: keys in a list, how far it is on its tab, word of what took long, its icon."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.visitor import count, finish, generate

LONG = 40
"""Seconds that a job seems to have taken longer."""
HIDE = """() => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => window.away ?? true });
  window.said = [];
  window.Notification = class { constructor(title, { body }) { window.said.push([title, body]); } close() {} };
  window.Notification.permission = "granted";
  window.Notification.requestPermission = async () => "granted";
}"""


def test_a_question_mark_lists_the_keys_but_not_while_one_writes(page: Page) -> None:
    shortcuts = page.locator("#shortcuts")
    page.locator("#prompt textarea").focus()
    page.keyboard.type("what?")
    expect(page.locator("#prompt textarea")).to_have_value("what?")
    expect(shortcuts).to_be_hidden()
    page.locator("#generate").focus()
    page.keyboard.press("?")
    expect(shortcuts).to_be_visible()
    expect(shortcuts.locator("kbd").filter(has_text="Enter")).to_be_visible()
    page.keyboard.press("Escape")
    expect(shortcuts).to_be_hidden()
    page.locator("#shortcuts-show").click()
    expect(shortcuts).to_be_visible()


def test_the_tab_says_how_far_the_picture_is_and_that_it_is_done(page: Page) -> None:
    title = page.title()
    count(page, 4)
    page.evaluate(HIDE)
    generate(page, "a fox", steps=60, seed=1)
    page.wait_for_function("() => /^\\d+ % /.test(document.title)")
    finish(page)
    page.wait_for_function("(title) => document.title === `✓ ${title}`", arg=title)
    page.evaluate("() => { window.away = false; document.dispatchEvent(new Event('visibilitychange')); }")
    expect(page).to_have_title(title)


@pytest.mark.parametrize(("asked", "longer"), [(True, LONG), (True, 0), (False, LONG)])
def test_only_who_asks_is_told_and_only_of_jobs_that_took_long(page: Page, asked: bool, longer: int) -> None:
    def older(route: Route) -> None:
        answer = route.fetch()
        body = re.sub(r'"started": ?([\d.]+)', lambda m: f'"started":{float(m[1]) - longer}', answer.text())
        route.fulfill(response=answer, body=body)

    page.evaluate(HIDE)
    page.route("**/api/v1/jobs/*/events", older)
    if asked:
        page.locator("#tidings").click()
        expect(page.locator("#tidings")).to_have_attribute("aria-pressed", "true")
    generate(page, "a fox", steps=2, seed=1)
    finish(page)
    told = [["Your picture is done", "a fox"]] if asked and longer else []
    if told:
        page.wait_for_function("window.said.length > 0")
    assert page.evaluate("window.said") == told


def test_the_page_has_an_icon_of_its_own_and_can_be_installed(page: Page, studio: Any) -> None:
    icon = httpx.get(f"{studio.url}/favicon.ico")
    assert icon.headers["content-type"].startswith("image/svg+xml") and "AIGC" in icon.text
    manifest = httpx.get(f"{studio.url}/manifest.json").json()
    assert manifest["display"] == "standalone" and manifest["name"] == "AIGC Studio"
    for one in manifest["icons"]:
        assert httpx.get(f"{studio.url}{one['src']}").text == icon.text
    assert httpx.get(f"{studio.url}/pwa_icon/99999").status_code == 404
