"""The Create page as a person uses it: generate, watch, scrub, stop, reload, read a recipe back."""

import re
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Page, Route, expect

from pipelines.store import recipe
from tests.browser.visitor import (
    count,
    drawn_tiles,
    finish,
    generate,
    look,
    open_group,
    pixels,
    rest,
    setting,
    tiles,
    write,
)


def test_a_prompt_becomes_a_picture_before_your_eyes(page: Page) -> None:
    look(page, "both")
    count(page, 4)
    generate(page, "a panda", steps=150, seed=5)
    page.wait_for_function(
        """() => document.querySelector("#live-view").dataset.state === "running"
            && document.querySelector("#live-x").dataset.shown && document.querySelector("#live-x0").dataset.shown
            && /Step \\d+ of 150/.test(document.querySelector("#live-status").textContent)"""
    )
    early = pixels(page.locator("#live-x0"))
    finish(page)
    assert pixels(page.locator("#live-x0")) != early
    expect(tiles(page).first.locator("img")).to_be_visible()


def test_the_scrubber_goes_through_all_steps_without_asking_the_server(page: Page) -> None:
    generate(page, "a fox", steps=12, seed=1)
    finish(page)
    look(page, "noise")
    rest(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.startswith("http") else None)
    scrub, noisy = page.locator("#live-scrub"), page.locator("#live-x")
    assert scrub.get_attribute("max") == "12"
    seen = set()
    for step in range(13):
        scrub.evaluate("(r, v) => { r.value = v; r.dispatchEvent(new Event('input')); }", str(step))
        name = f"Step {step} of 12" if step else "Pure noise, before step 1 of 12"
        expect(page.locator("#live-status")).to_have_text(name)
        page.wait_for_timeout(60)
        seen.add(pixels(noisy))
    assert len(seen) == 13
    assert not [url for url in asked if "/api/v1" in url]
    scrub.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#live-status")).to_have_text("Step 11 of 12")


def test_the_steps_of_a_picture_are_made_into_a_film(page: Page) -> None:
    expect(page.locator("#live-film")).to_be_hidden()
    generate(page, "a fox", steps=6, seed=1)
    finish(page)
    page.locator("#live-film").click()
    film = page.locator("#film")
    film.locator("[name=film-kind]").select_option("gif")
    film.locator("[name=film-shows]").select_option("epsilon")
    film.locator("[name=film-curve]").uncheck()
    page.locator("#film-start").click()
    expect(page.locator("#film-made img")).to_be_visible(timeout=60_000)
    with page.expect_download() as download:
        page.locator("#film-save").click()
    assert download.value.path().read_bytes().startswith(b"GIF89a")
    assert download.value.suggested_filename.endswith(".gif")
    with Image.open(download.value.path()) as made:
        assert getattr(made, "n_frames", 1) == 7 and made.width == 3 * 384 + 4 * 8
    page.keyboard.press("Escape")
    expect(film).to_be_hidden()
    page.reload()
    page.locator("#results-list button").first.click()
    page.locator("#detail-film").click()
    expect(film.locator("[name=film-shows]")).to_have_value("epsilon")
    expect(film.locator("[name=film-curve]")).not_to_be_checked()
    film.locator("[name=film-kind]").select_option("mp4")
    page.locator("#film-start").click()
    expect(page.locator("#film-made video")).to_be_visible(timeout=60_000)


def test_a_film_that_cannot_be_made_says_why_and_one_that_is_stopped_leaves_nothing(page: Page) -> None:
    generate(page, "a fox", steps=6, seed=1)
    finish(page)
    page.locator("#live-film").click()
    page.route("**/api/v1/jobs", lambda r: r.fulfill(status=404, json={"error": {"message": "Gone.", "code": "x"}}))
    page.locator("#film-start").click()
    expect(page.locator("#film .alas")).to_have_text("Gone.")
    page.unroute("**/api/v1/jobs")
    page.locator("#film-start").click()
    expect(page.locator("#film-made img")).to_be_visible(timeout=60_000)
    expect(page.locator("#film .alas")).to_be_hidden()


def test_stop_is_shown_at_once_and_keeps_the_unfinished_picture(page: Page, studio: Any) -> None:
    before = drawn_tiles(page, studio)
    count(page, 16)
    generate(page, "a lion", steps=150, seed=2)
    expect(page.locator("#live-status")).to_have_text(re.compile(r"Step \d+ of 150"))
    held: list[Route] = []
    page.route("**/api/v1/jobs/*", lambda r: held.append(r) if r.request.method == "DELETE" else r.continue_())
    page.locator("#stop").click()
    expect(page.locator("#live-status")).to_have_text(re.compile("Stopp"))  # though the studio does not know it yet
    held.pop().continue_()
    expect(page.locator("#live-view")).to_have_attribute("data-state", "cancelled")
    expect(tiles(page)).to_have_count(before + 16)
    expect(tiles(page).first.locator(".badge")).to_have_text("stopped early")


def test_the_keys_generate_and_stop(page: Page) -> None:
    count(page, 8)
    write(page, "a rose", steps=150)
    page.locator("#prompt textarea").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#live-view")).to_have_attribute("data-state", "running")
    expect(page.locator("#live-status")).to_have_text(re.compile(r"Step \d+ of 150"))
    page.keyboard.press("Escape")
    expect(page.locator("#live-view")).to_have_attribute("data-state", "cancelled")


def test_lists_of_choices_close_when_the_keyboard_goes_on(page: Page) -> None:
    box = page.get_by_role("combobox", name="Sampler", exact=True)
    lists = page.get_by_role("listbox")
    for name, before in (("Model", "#negative-prompt textarea"), ("Sampler", "#group-quality > button")):
        expect(lists).to_have_count(0)
        page.locator(before).focus()
        page.keyboard.press("Tab")
        expect(page.get_by_role("combobox", name=name, exact=True)).to_be_focused()
        expect(lists).to_have_count(1)
        if name == "Model":
            page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    chosen = box.input_value()
    page.keyboard.press("Tab")
    expect(lists).to_have_count(0)
    box.click()
    lists.get_by_role("option").filter(has_not_text=chosen).first.click()
    expect(lists).to_have_count(0)
    assert box.input_value() != chosen, "and one can still be chosen by hand"


def test_keys_of_an_input_method_and_of_another_tab_stop_nothing(page: Page) -> None:
    count(page, 8)
    generate(page, "a rose", steps=150)
    view = page.locator("#live-view")
    expect(view).to_have_attribute("data-state", "running")
    page.evaluate(
        """() => document.querySelector("#prompt textarea").dispatchEvent(
          new KeyboardEvent("keydown", { key: "Escape", isComposing: true, bubbles: true }))"""
    )
    page.get_by_role("tab", name="Models").click()
    page.keyboard.press("Escape")
    page.wait_for_timeout(700)
    page.get_by_role("tab", name="Create").click()
    expect(view).to_have_attribute("data-state", "running")
    page.keyboard.press("Escape")
    expect(view).to_have_attribute("data-state", "cancelled")


def test_a_reload_finds_the_running_job_and_its_frames_again(page: Page) -> None:
    count(page, 4)  # of eight, not all of 150 steps are kept
    generate(page, "a whale", steps=150, seed=3)
    expect(page.locator("#live-status")).to_have_text(re.compile(r"Step \d+ of 150"))
    page.reload()
    page.wait_for_function(
        """() => document.querySelector("#live-view")?.dataset.state === "running"
            && document.querySelector("#live-x0").dataset.shown
            && /Step \\d+ of 150/.test(document.querySelector("#live-status").textContent)"""
    )
    expect(page.locator("#prompt textarea")).to_have_value("a whale")
    finish(page)
    assert page.locator("#live-scrub").get_attribute("max") == "150"
    newest = tiles(page).first.get_attribute("data-id")
    page.reload()
    expect(page.locator(f"#results-list li[data-id='{newest}']")).to_be_visible()


def test_a_picture_brings_its_recipe_back_into_the_controls(page: Page, studio: Any) -> None:
    generate(page, "a turtle, green background", steps=9, guidance=5.5, seed=77)
    finish(page)
    page.reload()
    write(page, "something else", steps=30, guidance=2, seed=1)
    newest = tiles(page).first
    newest.locator("button").click()
    dialog = page.locator("#detail")
    expect(dialog).to_be_visible()
    expect(dialog.locator("#detail-recipe")).to_contain_text("a turtle, green background")
    expect(dialog.locator("#detail-parameters")).to_contain_text("Steps: 9")
    expect(dialog.locator("#detail-parameters")).to_contain_text("Seed: 77")
    in_file = httpx.get(f"{studio.url}/api/v1/images/{newest.get_attribute('data-id')}").content
    assert recipe.read(in_file)["request"]["seed"] == 77
    page.locator("#detail-use").click()
    expect(page.locator("#prompt textarea")).to_have_value("a turtle, green background")
    expect(page.locator("#steps input[type=number]")).to_have_value("9")
    expect(page.locator("#guidance input[type=number]")).to_have_value("5.5")
    expect(setting(page, "seed")).to_have_value("77")


def test_visitors_are_told_that_they_take_turns_and_how_long_it_takes(page: Page, visit: Any) -> None:
    for one, prompt in ((page, "a cat"), (visit(), "a dog")):
        count(one, 16)
        generate(one, prompt, steps=150)
        said = one.locator("#queue-list .job[data-state=running] .meta")
        expect(said).to_contain_text("left")
    expect(said).to_contain_text("in turns with one other")
    one.locator("#queue-list .job button[aria-label=Stop]").click()
    expect(page.locator("#queue-list .job .meta")).not_to_contain_text("in turns")
    page.locator("#queue-list .job button[aria-label=Stop]").click()
    expect(page.locator("#queue-list .job")).to_have_count(0)


def test_waiting_jobs_are_moved_and_removed(page: Page) -> None:
    count(page, 16)
    for index, prompt in enumerate(("a cat", "a dog", "a pig", "a bear", "an owl")):
        generate(page, prompt, steps=150, seed=index)
        expect(page.locator("#queue-list .job", has_text=prompt)).to_be_visible()
    waiting = page.locator("#queue-list .job[data-state=waiting]")
    expect(waiting).to_have_count(3)
    assert [text.strip() for text in waiting.locator(".prompt").all_inner_texts()] == ["a pig", "a bear", "an owl"]
    expect(waiting.nth(0).locator(".meta")).to_contain_text("#1 in line · starts in about ")
    expect(page.locator("#queue-list .job[data-state=running] .meta").first).to_contain_text(" left")
    waiting.nth(2).get_by_role("button", name="Move up").click()
    expect(waiting.nth(1).locator(".prompt")).to_have_text("an owl")
    waiting.nth(0).get_by_role("button", name="Remove").click()
    expect(waiting).to_have_count(2)
    for _ in range(2):
        waiting.first.get_by_role("button", name="Remove").click()
        page.wait_for_timeout(200)
    expect(waiting).to_have_count(0)
    while page.locator("#queue-list .job button[aria-label=Stop]:not([disabled])").count():
        page.locator("#queue-list .job button[aria-label=Stop]:not([disabled])").first.click()
        page.wait_for_timeout(300)
    expect(page.locator("#queue-list .job")).to_have_count(0)


def test_bad_input_gets_a_sentence_and_the_next_job_works(page: Page) -> None:
    open_group(page, "group-beta")
    start, end = (page.get_by_label(name, exact=True) for name in ("β start", "β end"))
    expect(start).to_have_value("0")
    start.fill("0.5")
    end.fill("0.1")
    generate(page, "a fish", steps=3)
    expect(page.locator("#message-box")).to_contain_text("“β start” must be less than “β end”; got 0.5 and 0.1.")
    start.fill("0")
    end.fill("0")
    generate(page, "", steps=3)  # an empty prompt is allowed
    finish(page)
    expect(page.locator("#message-box")).to_be_hidden()
    expect(page.locator("#live-status")).to_have_text("Step 3 of 3")
    start.fill("0.5")
    end.fill("0.1")
    generate(page, "a fish", steps=3)
    expect(page.locator("#message-box")).to_be_visible()
    expect(page.locator("#live-status")).to_have_text("Step 3 of 3")  # and not that something is being sent


def test_a_prompt_is_text_and_never_runs(page: Page) -> None:
    evil = '<img src=x onerror="window.pwned=1">${window.pwned=2}{{constructor}}'
    generate(page, evil, steps=2)
    finish(page)
    tiles(page).first.locator("button").click()
    expect(page.locator("#detail-recipe")).to_contain_text("onerror")
    page.wait_for_timeout(200)
    assert page.evaluate("window.pwned") is None


def test_the_page_speaks_chinese_in_every_chinese_browser(visit: Any) -> None:
    for locale in ("zh-CN", "zh-TW", "zh"):
        page = visit(locale=locale)
        expect(page.locator("#generate")).to_have_text("生成")
        expect(page.locator("#results h2, .results h2").first).to_have_text("图片")


def test_the_language_can_be_switched_at_once(page: Page) -> None:
    page.locator("#language").click()
    expect(page.locator("#generate")).to_have_text("生成")
    page.locator("#language").click()
    expect(page.locator("#generate")).to_have_text("Generate")


def test_nothing_leaves_the_machine_and_nothing_is_logged_as_an_error(visit: Any, studio: Any) -> None:
    page = visit()
    urls: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.reload()
    generate(page, "a crown", steps=4)
    finish(page)
    outside = [u for u in urls if not u.startswith((studio.url, "data:", "blob:"))]
    assert not outside
    assert not errors


def test_a_phone_sees_the_page_without_scrolling_sideways(visit: Any) -> None:
    page = visit(viewport={"width": 390, "height": 844}, device_scale_factor=2, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    generate(page, "a ghost", steps=5)
    finish(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
