"""The prompt as a person writes it: its tokens counted while it grows, its weights under Ctrl and the arrows."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import drawn_tiles, finish, generate, open_group, tiles, write

BOX = "#prompt textarea"


def select(page: Page, words: str) -> None:
    """Select these words of the prompt, or put the cursor behind a `|` that they end with."""
    page.locator(BOX).evaluate(
        """(box, words) => {
            const at = box.value.indexOf(words.replace("|", ""));
            box.focus();
            words.endsWith("|") ? box.setSelectionRange(at + 1, at + 1) : box.setSelectionRange(at, at + words.length);
        }""",
        words,
    )


def test_the_tokens_are_counted_while_the_prompt_is_written(page: Page) -> None:
    counter = page.locator("#token-count")
    expect(counter).to_be_hidden()
    write(page, "a red circle")
    expect(counter).to_have_text(re.compile(r"^\d+/38 tokens$"))
    short = int((counter.text_content() or "").split("/")[0])
    write(page, "a (red:1.3) circle <lora:ink:1>")
    expect(counter).to_have_text(f"{short}/38 tokens")
    write(page, "a red circle " * 20)
    expect(counter).to_have_text(f"{20 * short}/{-(-20 * short // 38) * 38} tokens in {-(-20 * short // 38)} chunks")
    write(page, "a red circle " * 300)
    expect(counter).to_have_text(re.compile(r"16 chunks · the last \d+ are not read$"))
    write(page, "a __gone__")
    expect(counter).to_have_text(re.compile("no list named __gone__$"))
    write(page, "")
    expect(counter).to_be_hidden()


@pytest.mark.parametrize(
    "prompt, chosen, keys, becomes",
    [
        ("a red circle", "red", ["Up"], "a (red:1.1) circle"),
        ("a red circle", "red", ["Up", "Up"], "a (red:1.2) circle"),
        ("a red circle", "red", ["Up", "Down"], "a red circle"),
        ("a red circle", "red", ["Down"], "a (red:0.9) circle"),
        ("a red circle", "red |", ["Up"], "a (red:1.1) circle"),
        ("a red circle", "a red ", ["Up"], "(a red:1.1) circle"),
        ("a (red) circle", "red", ["Up"], "a (red:1.2) circle"),
        ("a (red big:1.45) circle", "red |", ["Up"], "a (red big:1.55) circle"),
        (r"a \(red\) circle", "red", ["Up"], r"a \((red:1.1)\) circle"),
    ],
)
def test_ctrl_and_arrows_change_the_weight_of_what_is_selected(
    page: Page, prompt: str, chosen: str, keys: list[str], becomes: str
) -> None:
    write(page, prompt)
    select(page, chosen)
    for key in keys:
        page.keyboard.press(f"Control+Arrow{key}")
    expect(page.locator(BOX)).to_have_value(becomes)


def test_a_weight_made_with_the_keys_is_in_the_picture_and_can_be_undone(page: Page, studio: Any) -> None:
    write(page, "a fox", steps=2, seed=3)
    select(page, "fox")
    page.keyboard.press("Control+ArrowUp")
    expect(page.locator(BOX)).to_have_value("a (fox:1.1)")
    before = drawn_tiles(page, studio)
    page.locator("#generate").click()
    finish(page)
    expect(tiles(page)).to_have_count(before + 1)
    tiles(page).first.click()
    expect(page.locator("#detail-picture")).to_have_attribute("alt", "a (fox:1.1)")
    page.keyboard.press("Escape")
    select(page, "fox")
    page.keyboard.press("Control+z")
    expect(page.locator(BOX)).to_have_value("a fox")


def test_the_syntax_is_chosen_in_an_accordion_and_stands_in_the_recipe(page: Page, studio: Any) -> None:
    open_group(page, "group-prompt")
    page.get_by_label("Prompt syntax").click()
    page.get_by_role("option", name="ComfyUI").click()
    generate(page, "a [fox]", steps=2, seed=3)
    finish(page)
    newest = httpx.get(f"{studio.url}/api/v1/images?limit=1").json()["images"][0]
    assert newest["recipe"]["request"]["prompt_syntax"] == "comfyui"
    expect(page.locator("#style")).to_have_count(0)
