"""A bench whose question waits for its turn: the newest one takes its place, and a full studio is asked again."""

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.visitor import line_of, number, open_bench

SCHEDULE = "**/api/v1/lab/schedule"
REPLACED = {"error": {"code": "superseded", "message": "A newer request has taken its place."}}
FULL = {"error": {"code": "too_many_requests", "message": "Sixteen wait already. Try again in 1 s."}}


def idle_bench(page: Page) -> Locator:
    """The bench of β schedules with its first plots drawn and no question of its own under way."""
    bench = open_bench(page, "β schedule")
    expect(page.locator("#plot-beta polyline")).to_have_count(1)
    expect(bench).not_to_have_attribute("aria-busy", "true")
    return bench


def at_once(bench: Locator, field: str, *values: int) -> None:
    """One value after the other within one turn of the page, however slow the machine is."""
    typed = """(box, values) => {
        for (const value of values) { box.value = value; box.dispatchEvent(new Event("input", { bubbles: true })); }
    }"""
    bench.locator(f"[data-field={field}] input[type=number]").evaluate(typed, list(values))


def test_the_newest_question_takes_the_place_of_the_one_that_waits(page: Page) -> None:
    bench = idle_bench(page)
    before, held = line_of(page, "plot-snr"), []

    def hold(route: Route) -> None:
        held.append(route)
        if len(held) == 2:
            held[0].fulfill(status=409, json=REPLACED)
        if len(held) > 1:
            route.continue_()

    page.route(SCHEDULE, hold)
    with page.expect_request(SCHEDULE):
        at_once(bench, "num_train_timesteps", 500)
    at_once(bench, "num_train_timesteps", 400, 300)
    page.wait_for_function("b => document.querySelector('#plot-snr polyline').getAttribute('points') !== b", arg=before)
    first, second = (route.request for route in held)
    assert first.headers["x-aigc-bench"] == second.headers["x-aigc-bench"] != ""
    assert second.post_data_json["num_train_timesteps"] == 300, "what was asked in between is left out"
    expect(bench.locator(".bench-side > .alas")).to_be_hidden()
    expect(bench).not_to_have_attribute("aria-busy", "true")


def test_a_full_studio_is_asked_again_when_it_said(page: Page) -> None:
    bench = idle_bench(page)
    before, asked = line_of(page, "plot-snr"), []

    def refuse_once(route: Route) -> None:
        asked.append(route)
        if len(asked) == 1:
            route.fulfill(status=429, json=FULL, headers={"retry-after": "1"})
        else:
            route.continue_()

    page.route(SCHEDULE, refuse_once)
    number(bench, "num_train_timesteps", 500)
    page.wait_for_function("b => document.querySelector('#plot-snr polyline').getAttribute('points') !== b", arg=before)
    expect(bench.locator(".bench-side > .alas")).to_be_hidden()
