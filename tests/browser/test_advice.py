"""What is said below Generate before it is pressed, in a real browser."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.visitor import open_group
from tests.embedded import SIDE


def number(page: Page, element: str) -> Locator:
    return page.locator(f"#{element} input[type=number]").first


def enter(box: Locator, value: float) -> None:
    box.fill(str(value))
    box.press("Tab")


def test_settings_that_ruin_the_picture_are_said_and_a_button_sets_what_suits(visit):
    page = visit()
    line, guidance, steps = page.locator("#advice"), number(page, "guidance"), number(page, "steps")
    with page.expect_response(lambda answer: answer.url.endswith("estimate")):
        enter(steps, 19)
    expect(line).to_be_hidden()
    enter(guidance, 12)
    expect(line).to_contain_text("Guidance 12 burns")
    enter(steps, 2)
    expect(line).to_contain_text("2 steps are too few for DPM++ 2M")
    page.locator("#advice-set").click()
    expect(guidance).to_have_value("3")
    expect(steps).to_have_value("4")
    expect(line).to_be_hidden()


def test_advice_is_said_in_the_pages_language(visit):
    page = visit(locale="zh-CN")
    enter(number(page, "guidance"), 12)
    expect(page.locator("#advice")).to_contain_text("颜色过曝")
    expect(page.locator("#advice-set")).to_have_text("改为合适的设置")


def test_the_sizes_of_a_second_pass_are_said_before_it_is_painted(visit):
    page = visit()
    sizes = page.locator("#estimate-line")
    expect(sizes).to_be_hidden()
    open_group(page, "group-hires")
    enter(number(page, "group-hires"), 2)
    expect(sizes).to_contain_text(f"{SIDE}×{SIDE} → {2 * SIDE}×{2 * SIDE}")
