"""Paint on a step of the live view, and another course for a picture that is still being painted."""

import contextlib
import re
from typing import Any

import numpy as np
from playwright.sync_api import Page, TimeoutError, expect

from tests.browser.test_branch import branch, pixels_of
from tests.browser.visitor import finish, generate, newest, rest, slide, write

STEPS, LATE, LONG = 8, 7, 150


def colours(studio: Any, image_id: str) -> np.ndarray:
    return np.frombuffer(pixels_of(studio, image_id), np.uint8).astype(float)


def painted_blue(page: Page, studio: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A picture, and the branch from a late step of it that was painted over in blue."""
    generate(page, "a red apple", steps=STEPS, seed=4)
    finish(page)
    parent = newest(studio)
    slide(page, "#live-scrub", LATE)
    page.locator("#branch-paint").click()
    page.locator("#mask .colours button").nth(6).click()  # blue
    page.locator("#mask-fill").click()
    page.locator("#mask-done").click()
    page.wait_for_function("id => !document.querySelector('#mask[open]')", arg=None)
    for _ in range(240):
        if newest(studio)["id"] != parent["id"]:
            break
        page.wait_for_timeout(250)
    finish(page)
    return parent, newest(studio)


def test_what_is_painted_on_a_step_shows_in_the_picture(page: Page, studio: Any) -> None:
    parent, painted = painted_blue(page, studio)
    asked = painted["recipe"]["request"]
    assert (asked["branch_from"], asked["branch_step"]) == (parent["id"], LATE)
    assert re.fullmatch("[0-9a-f]{64}", asked["branch_paint"]) and asked["branch_mask"] != asked["branch_paint"]
    old, new = (colours(studio, one["id"]).reshape(-1, 3).mean(axis=0) for one in (parent, painted))
    assert new[2] - new[0] > old[2] - old[0] + 60  # far bluer
    slide(page, "#live-scrub", LATE)
    plain = branch(page, studio, "#branch-here")["recipe"]["request"]
    assert not plain["branch_paint"] and not plain["branch_mask"]


def test_a_painted_picture_is_widened_from_itself_and_no_step_of_another(page: Page, studio: Any) -> None:
    _, painted = painted_blue(page, studio)
    page.locator("#live-view [data-act=widen]").click()
    rest(page)
    page.locator("#generate").click()
    page.wait_for_function("document.querySelector('#live-view').dataset.state !== 'done'")
    finish(page)
    wide = newest(studio)
    assert wide["id"] != painted["id"] and wide["recipe"]["request"]["outpaint_left"] == 64
    assert not wide["recipe"]["request"]["branch_from"] and not wide["recipe"]["request"]["branch_paint"]


def test_a_running_picture_takes_another_course_and_without_a_change_the_same(page: Page, studio: Any) -> None:
    generate(page, "a red apple", steps=LONG, seed=4)
    finish(page)
    undisturbed = newest(studio)
    expect(page.locator("#live-settled")).to_contain_text(f"of {LONG}")
    for prompt in ("a red apple", "a green pear"):
        turn = page.locator("#branch-turn")
        for _ in range(5):  # a busy page may hear of a picture only when it is done
            generate(page, "a red apple", steps=LONG, seed=4)
            with contextlib.suppress(TimeoutError):
                turn.wait_for(state="visible", timeout=5000)
                break
            finish(page)
        write(page, prompt)
        turn.click()
        page.wait_for_function("document.querySelector('.origin')?.hidden === false")
        finish(page)
        made = newest(studio)
        asked = made["recipe"]["request"]
        assert asked["prompt"] == prompt and 0 < asked["branch_step"] < LONG
        assert (pixels_of(studio, made["id"]) == pixels_of(studio, undisturbed["id"])) == (prompt == "a red apple")
        expect(turn).to_be_hidden()
