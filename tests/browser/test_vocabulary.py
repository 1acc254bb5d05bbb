"""The words that a model does not hear, on the page: underlined, listed, replaced; and all that it knows."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.visitor import finish, generate, write

BOX = "#prompt textarea"


def choose_model(page: Page, name: str) -> None:
    box = page.locator("#model input")
    box.click()
    page.get_by_role("option", name=name).click()


@pytest.fixture
def page(page: Page) -> Page:
    choose_model(page, "few-words")
    return page


def marks(page: Page) -> Locator:
    return page.locator(".prompt-mirror mark")


def chip(page: Page, word: str) -> Locator:
    return page.locator("#unheard-lines button", has_text=word)


def texts_lie_on_each_other(page: Page) -> bool:
    """Whether the unseen copy breaks its lines as the box does, to the pixel of its height."""
    return page.evaluate(
        """() => {
            const box = document.querySelector("#prompt textarea"), copy = document.querySelector(".prompt-mirror");
            return Math.abs(box.scrollHeight - copy.scrollHeight) <= 1 && box.clientWidth === copy.clientWidth
                && box.scrollTop === copy.scrollTop;
        }"""
    )


def test_an_unknown_word_is_underlined_and_replaced_by_what_is_near_and_back(page: Page) -> None:
    write(page, "a sunset on a blue background")
    expect(marks(page)).to_have_text(["sunset"])
    expect(page.locator("#unheard-lines")).to_contain_text("Not known to this model:")
    chip(page, "sunset").click()
    expect(chip(page, "sunset")).to_have_attribute("aria-expanded", "true")
    page.locator("#unheard-near button", has_text="sun").first.click()
    expect(page.locator(BOX)).to_have_value("a sun on a blue background")
    expect(marks(page)).to_have_count(0)
    expect(page.locator("#unheard-panel")).to_be_hidden()
    page.keyboard.press("Control+z")
    expect(page.locator(BOX)).to_have_value("a sunset on a blue background")
    expect(marks(page)).to_have_text(["sunset"])


def test_a_word_is_replaced_wherever_it_stands_and_what_has_no_neighbour_is_left_out(page: Page) -> None:
    write(page, "a kitty and a KITTY, qwertz")
    chip(page, "kitty").click()
    page.locator("#unheard-near button", has_text="cat").click()
    expect(page.locator(BOX)).to_have_value("a cat and a cat, qwertz")
    chip(page, "qwertz").click()
    expect(page.locator("#unheard-near")).to_contain_text("Nothing it knows is close to “qwertz”")
    page.locator("#unheard-near button", has_text="leave it out").click()
    expect(page.locator(BOX)).to_have_value("a cat and a cat,")


def test_a_colour_that_a_thing_cannot_have_is_said(page: Page) -> None:
    write(page, "a black cat left of a black heart")
    expect(marks(page)).to_have_text(["black"])
    expect(page.locator("#unheard-lines")).to_have_text("Understood for shapes and backgrounds only:blackcat")
    chip(page, "black").click()
    page.locator("#unheard-near button", has_text="leave it out").click()
    expect(page.locator(BOX)).to_have_value("a cat left of a black heart")


def test_lines_stay_under_their_words_in_long_prompts_and_while_typing(page: Page) -> None:
    write(page, "a cat, sunset over mountains, ein Wörtchen 日落和猫 🐱 sunset\n" * 12)
    expect(marks(page).first).to_have_text("sunset")
    assert texts_lie_on_each_other(page)
    page.locator(BOX).evaluate("box => { box.scrollTop = 60; }")
    page.wait_for_function("() => document.querySelector('.prompt-mirror').scrollTop === 60")
    assert texts_lie_on_each_other(page)
    write(page, "🐱 sunset")
    expect(marks(page)).to_have_text(["🐱", "sunset"])
    page.locator(BOX).press("Home")
    page.locator(BOX).press_sequentially("cat ", delay=1)
    assert page.locator(".prompt-mirror").text_content() == "cat 🐱 sunset\u200b"


def test_a_word_that_is_still_being_written_is_not_yet_called_unknown(page: Page) -> None:
    write(page, "")
    page.locator(BOX).press_sequentially("a sunset pand", delay=5)
    expect(marks(page)).to_have_text(["sunset"])
    expect(marks(page)).to_have_text(["sunset", "pand"])  # nothing came
    page.locator(BOX).press_sequentially("a ", delay=5)
    expect(marks(page)).to_have_text(["sunset"])


def test_an_input_method_composes_undisturbed(page: Page) -> None:
    write(page, "猫 ")
    page.locator(BOX).focus()
    keys = page.context.new_cdp_session(page)
    for part in ("r", "ri", "ri l", "ri luo"):
        keys.send("Input.imeSetComposition", {"text": part, "selectionStart": len(part), "selectionEnd": len(part)})
        page.wait_for_timeout(200)
    expect(page.locator(BOX)).to_have_value("猫 ri luo")
    expect(marks(page)).to_have_count(0)
    keys.send("Input.insertText", {"text": "日落"})
    expect(page.locator(BOX)).to_have_value("猫 日落")
    expect(marks(page)).to_have_text(["日落"])


def test_what_it_knows_is_searched_in_any_language_and_written_at_the_cursor(page: Page) -> None:
    write(page, "a  on a blue background")
    page.locator(BOX).evaluate("box => { box.focus(); box.setSelectionRange(2, 2); }")
    words = page.locator("#known-list button")
    expect(words).to_have_count(0)
    page.locator("#known-fold summary").click()
    expect(words.nth(270)).to_be_attached()
    page.locator("#known-search").fill("狐狸")
    expect(words).to_have_text(["fox"])
    words.first.click()
    expect(page.locator(BOX)).to_have_value("a fox on a blue background")
    expect(page.locator(BOX)).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.locator(BOX)).to_have_value("a  on a blue background")
    page.locator("#known-search").fill("nothing like it")
    expect(page.locator("#known-fold")).to_contain_text("No word it knows contains “nothing like it”.")


def test_it_is_used_with_keys_alone(page: Page) -> None:
    write(page, "")
    page.locator("#known-fold summary").press("Enter")
    page.locator("#known-search").fill("animals")
    page.locator("#known-search").press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator(BOX)).to_have_value("dog")
    expect(page.locator("#known-list button:focus")).to_have_text("dog")
    page.keyboard.press("Escape")
    expect(page.locator("#known-list button")).to_have_count(0)
    expect(page.locator("#known-fold summary")).to_be_focused()


def test_in_chinese_words_and_pictures_are_chinese(visit: Any) -> None:
    page = visit(locale="zh-CN")
    choose_model(page, "few-words")
    write(page, "一只猫咪在沙滩上")
    expect(marks(page)).to_have_text(["猫咪", "沙滩"])
    expect(page.locator("#unheard-lines")).to_contain_text("此模型不认识")
    chip(page, "猫咪").click()
    page.locator("#unheard-near button", has_text="猫").first.click()
    expect(page.locator(BOX)).to_have_value("一只猫在沙滩上")
    page.locator("#known-fold summary").click()
    page.locator("#known-search").fill("fox")
    expect(page.locator("#known-list button")).to_have_text(["狐狸"])
    assert (
        page.locator("#known-list .cell").evaluate("cell => getComputedStyle(cell).backgroundImage").startswith("url(")
    )


def test_with_another_model_it_goes_and_comes_back(page: Page) -> None:
    write(page, "a sunset")
    expect(marks(page)).to_have_text(["sunset"])
    choose_model(page, "my-tiny-model")
    expect(page.locator("#known-fold")).to_be_hidden()
    expect(page.locator("#unheard-panel")).to_be_hidden()
    expect(marks(page)).to_have_count(0)
    choose_model(page, "few-words")
    expect(page.locator("#known-fold")).to_be_visible()
    expect(marks(page)).to_have_text(["sunset"])


def test_the_picture_says_which_words_were_not_heard(page: Page) -> None:
    generate(page, "a sunset with a black cat", steps=2, seed=3)
    finish(page)
    expect(page.locator("#live-notes")).to_contain_text("This model does not know: sunset, with.")
    page.locator("#language").click()
    expect(page.locator("#live-notes")).to_contain_text("此模型不认识：sunset, with。")


def test_it_fits_a_phone(visit: Any) -> None:
    page = visit(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    choose_model(page, "few-words")
    write(page, "sunset over mountains with a black cat and a very beautiful landscape")
    expect(marks(page).first).to_have_text("sunset")
    assert texts_lie_on_each_other(page)
    page.locator("#known-fold summary").tap()
    page.locator("#known-list button", has_text="panda").tap()
    expect(page.locator(BOX)).to_have_value(
        "sunset over mountains with a black cat and a very beautiful landscape panda"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
