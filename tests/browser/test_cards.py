"""Picture cards: what one sees first, and what a click takes."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.visitor import finish, generate, newest, setting


def test_a_card_brings_its_prompt_and_seed_and_the_picture_that_it_shows(page: Page, studio: Any) -> None:
    cards = page.locator("#cards button")
    expect(cards).to_have_count(12)
    expect(page.locator("#examples-show")).to_be_hidden()  # they are in sight
    expect(cards.first).to_be_in_viewport(ratio=1)
    expect(cards.last).to_be_in_viewport(ratio=1)
    card = cards.nth(1)
    prompt = card.get_attribute("data-prompt")
    assert prompt
    card.click()
    expect(page.locator("#prompt textarea")).to_have_value(prompt)
    expect(setting(page, "seed")).not_to_have_value("-1")
    expect(page.locator("#generate")).to_be_focused()
    page.keyboard.press("Enter")
    finish(page)
    expect(page.locator("#cards")).to_be_hidden()
    asked = newest(studio)["recipe"]["request"]
    assert (asked["prompt"], str(asked["seed"])) == (prompt, setting(page, "seed").input_value())


def test_the_cards_come_again_when_they_are_asked_for(page: Page) -> None:
    generate(page, "a fox", steps=2, seed=1)
    finish(page)
    show = page.locator("#examples-show")
    show.click()
    expect(page.locator("#cards")).to_be_visible()
    show.click()
    expect(page.locator("#cards")).to_be_hidden()
    show.click()
    page.locator("#cards button").first.click()
    expect(page.locator("#cards")).to_be_hidden()


def test_the_cards_are_a_picture_that_a_browser_keeps(page: Page) -> None:
    with page.expect_response(lambda answer: answer.url.endswith("/cards.webp")) as kept:
        page.reload()
    assert "immutable" in kept.value.headers["cache-control"]
    assert kept.value.headers["content-type"] == "image/webp"
