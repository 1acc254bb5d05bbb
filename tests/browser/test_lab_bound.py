"""The variational bound, bar by bar."""

from playwright.sync_api import Page, expect

from tests.browser.visitor import choose, open_bench


def test_the_bound_is_drawn_bar_by_bar_for_pictures_and_points(page: Page) -> None:
    bench = open_bench(page, "The bound")
    expect(page.locator("#plot-bound rect")).to_have_count(100)
    expect(page.locator("#bound-totals")).to_contain_text("Without any model")
    choose(bench, "data", "rings")
    expect(page.locator("#bound-totals")).to_contain_text("Entropy of the data, estimated on these points")
