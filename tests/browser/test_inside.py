"""A step of the live view, taken apart in a dialog."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.visitor import finish, generate, look, pixels, slide

STEPS, K = 6, 3
CHANGED = "([id, before, same]) => (document.querySelector(id).toDataURL() === before) === same"
GUESS = "#inside-guess canvas"
PARTS = ("x", "noise", "guess", "with_prompt", "without_prompt", "pull")


def test_a_step_is_taken_apart_and_a_word_lights_where_it_looks(page: Page, studio: Any) -> None:
    generate(page, "a red heart above a blue square", steps=STEPS, seed=4)
    finish(page)
    expect(page.locator("#branch-inside")).to_be_disabled()  # nothing comes after the last step
    slide(page, "#live-scrub", K)
    page.locator("#branch-inside").click()
    words = page.locator("#inside-words button")
    expect(words).to_have_text(["a", "red", "heart", "above", "a", "blue", "square"], timeout=60_000)
    expect(page.locator("#inside-title")).to_have_text(f"Inside step {K + 1}")
    for name in PARTS:
        expect(page.locator(f"#inside-{name} figcaption")).to_be_visible()
    shown = {name: pixels(page.locator(f"#inside-{name} canvas")) for name in PARTS}
    assert len(set(shown.values())) == len(PARTS)
    words.nth(2).click()
    page.wait_for_function(CHANGED, arg=[GUESS, shown["guess"], False])
    lit = pixels(page.locator(GUESS))
    words.nth(6).click()
    page.wait_for_function(CHANGED, arg=[GUESS, lit, False])
    words.nth(6).click()
    page.wait_for_function(CHANGED, arg=[GUESS, shown["guess"], True])
    page.keyboard.press("Escape")
    expect(page.locator("#inside")).to_be_hidden()


def test_every_step_is_seen_apart_and_nothing_is_worked_out_before_somebody_looks(page: Page, studio: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(str(request.post_data)))
    look(page, "result")
    generate(page, "a red heart above a blue square", steps=STEPS, seed=4)
    finish(page)
    assert not [body for body in asked if '"parts"' in body]
    look(page, "apart")
    expect(page.locator("#live-apart")).to_have_text("", timeout=60_000)
    slide(page, "#live-scrub", K)
    panes = [page.locator(f"#live-{name}") for name in ("x", "x0", "eps", "pull")]
    expect(panes[3]).to_have_attribute("data-shown", "true")
    shown = [pixels(pane) for pane in panes]
    assert len(set(shown)) == 4
    page.locator("#live-scrub").press("ArrowRight")
    for pane, before in zip(panes, shown, strict=True):
        page.wait_for_function(CHANGED, arg=[f"#{pane.get_attribute('id')}", before, False])
    assert len([body for body in asked if '"parts"' in body]) == 1
    look(page, "result")
    expect(panes[2]).to_be_hidden()
