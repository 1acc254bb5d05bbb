"""Digits in pixels, by networks and by the ideal denoiser that can only copy."""

import re

from playwright.sync_api import Page, expect

from tests.browser.visitor import choose, number, open_bench, pixels


def test_digits_appear_and_the_ideal_denoiser_copies(page: Page) -> None:
    bench = open_bench(page, "Digits in pixels")
    verdict = page.locator("#digits-verdict")
    expect(verdict).to_contain_text("of 10 are recognised as the digit asked for")
    choose(bench, "model", "ideal")
    expect(verdict).to_contain_text(re.compile(r"training picture: (0;|0\.0|\d\.\de-)"))
    before = pixels(page.locator("#digits-x"))
    page.locator("#digits-step").fill("0")
    assert pixels(page.locator("#digits-x")) != before


def test_digits_by_ddim_show_eta_where_the_variance_was(page: Page) -> None:
    bench = open_bench(page, "Digits in pixels")
    eta, variance = bench.locator("[data-field=eta]"), bench.locator("[data-field=variance]")
    expect(page.locator("#digits-verdict")).to_contain_text("of 10 are recognised")
    expect(eta).to_be_hidden()
    expect(variance).to_be_visible()
    digits = "#digits-x"
    seen = [pixels(page.locator(digits))]
    for eta_of in (None, 1):
        if eta_of is None:
            choose(bench, "sampler", "ddim")
        else:
            number(bench, "eta", eta_of)
        page.wait_for_function(
            "([c, before]) => document.querySelector(c).toDataURL() !== before", arg=[digits, seen[-1]]
        )
        seen.append(pixels(page.locator(digits)))
    expect(eta).to_contain_text("What DDIM adds at each step")
    expect(variance).to_be_hidden()
