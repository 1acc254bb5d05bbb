"""Points in the plane: they flow, one of them is followed, a distribution is drawn, a network learns."""

import re

from playwright.sync_api import Page, expect

from tests.browser.visitor import choose, drag, number, open_bench, pixels


def test_points_flow_back_and_one_of_them_can_be_followed(page: Page) -> None:
    open_bench(page, "Points in the plane")
    plane = page.locator("#plane")
    expect(page.locator("#plane-quality td")).to_have_count(6)
    page.locator("#plane-step").fill("0")
    noise = pixels(plane)
    page.locator("#plane-play").click()
    expect(page.locator("#plane-where")).to_have_text("t 0 · σ 0", timeout=15_000)
    assert pixels(plane) != noise
    before = pixels(plane)
    box = plane.bounding_box()
    assert box
    plane.click(position={"x": box["width"] * (3 + 1.4) / 6, "y": box["height"] / 2})  # where a Gaussian lies
    keys = page.locator(".plane-legend li")
    expect(keys).to_have_text(["the point and its path"])
    assert pixels(plane) != before
    page.locator("#plane-step").fill("10")
    expect(keys).to_have_count(4)
    expect(keys.nth(2)).to_contain_text("the model's step, with its guess as x₀")
    page.get_by_role("button", name="Into noise").click()
    page.locator("#plane-step").fill("10")
    expect(keys).to_have_count(2)
    page.locator("#plane-arrows").check()


def test_guidance_is_three_arrows_at_a_followed_point(page: Page) -> None:
    bench = open_bench(page, "Points in the plane")
    number(bench, "label", 0)
    expect(bench).not_to_have_attribute("aria-busy", "true")
    plane = page.locator("#plane")
    page.locator("#plane-step").fill("20")
    box = plane.bounding_box()
    assert box
    plane.click(position={"x": box["width"] * (3 + 1.4) / 6, "y": box["height"] / 2})
    keys = page.locator(".plane-legend li")
    expect(keys).to_have_count(1)  # without noise there is no score to show
    with page.expect_response("**/lab/guidance") as asked:
        page.locator("#plane-step").fill("8")
    assert set(asked.value.json()) == {"unconditional", "conditional", "guided"}
    expect(keys).to_have_count(8)
    expect(keys.last).to_contain_text("does not sample p(x) p(c|x)ʷ")
    page.wait_for_timeout(300)
    before = pixels(plane)
    with page.expect_response("**/lab/guidance"):
        number(bench, "guidance_scale", 4)
    page.wait_for_timeout(300)
    assert pixels(plane) != before


def test_one_place_is_no_distribution_and_that_is_said(page: Page) -> None:
    bench = open_bench(page, "Points in the plane")
    expect(page.locator("#plane-quality td")).to_have_count(6)
    page.locator("#plane-draw").click()
    page.locator("#plane").click(position={"x": 90, "y": 90})
    expect(page.get_by_text("One place is no distribution.")).to_be_visible()
    page.locator("#plane-draw").click()
    choose(bench, "data", "drawn")
    page.locator("#train-start").click()
    expect(page.locator(".training .alas")).to_contain_text("a drawing must have 2 to 2000 points (x, y); got 0.")
    choose(bench, "data", "rings")
    expect(bench.locator(".bench-side .alas")).to_be_hidden()


def test_a_distribution_can_be_drawn(page: Page) -> None:
    bench = open_bench(page, "Points in the plane")
    expect(page.locator("#plane-quality td")).to_have_count(6)
    page.locator("#plane-draw").click()
    drag(page, page.locator("#plane"), (60, 60), (300, 200), steps=20)
    expect(bench.locator("[data-field=data] select")).to_have_value("drawn")
    expect(bench.locator(".bench-side .alas")).to_be_hidden()


def test_a_network_learns_before_your_eyes_and_can_be_stopped(page: Page) -> None:
    bench = open_bench(page, "Points in the plane")
    choose(bench, "beta_schedule", "cosine")
    number(bench, "num_train_timesteps", 100)
    page.locator("#train-start").click()
    expect(page.locator("#train-status")).to_have_text(re.compile(r"Step \d+ of 2000"))
    expect(page.locator("#plot-loss polyline")).to_have_count(1)
    expect(page.locator("[data-whose=learned]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#plot-error polyline")).to_have_count(3)
    page.locator("#train-stop").click()
    expect(page.locator("#train-status")).to_have_text(re.compile("Stopped|Finished"))
    learned = pixels(page.locator("#plane"))
    page.locator("[data-whose=exact]").click()
    assert pixels(page.locator("#plane")) != learned
    expect(page.locator("#learned-bound")).to_contain_text("Entropy of the data, estimated on these points")
    expect(page.locator("#plot-learned-bound polyline")).to_have_count(2)


def test_a_training_is_there_again_after_a_reload_with_what_it_learns_from(page: Page) -> None:
    bench = open_bench(page, "Points in the plane")
    choose(bench, "data", "moons")
    page.locator("[data-train=training_steps]").fill("20000")
    page.locator("#train-start").click()
    expect(page.locator("#train-status")).to_contain_text("of 20000")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-ready", "true")
    bench = open_bench(page, "Points in the plane")
    expect(page.locator("#train-status")).to_contain_text("of 20000")
    expect(bench.locator("[data-field=data] select")).to_have_value("moons")
    expect(page.locator("[data-train=training_steps]")).to_have_value("20000")
    expect(page.locator("#train-whose")).to_be_visible()
    page.locator("#train-stop").click()
    expect(page.locator("#train-status")).to_have_text("Stopped")


def test_exact_and_learned_stand_side_by_side_at_the_same_step(page: Page) -> None:
    bench = open_bench(page, "Points in the plane")
    number(bench, "num_train_timesteps", 100)
    page.locator("[data-train=training_steps]").fill("60")
    page.locator("#train-start").click()
    expect(page.locator("#train-status")).to_have_text("Finished")
    page.locator("[data-whose=both]").click()
    planes = [page.locator(name) for name in ("#plane", "#plane-beside")]
    expect(page.locator("#plane-quality td")).to_have_count(9)
    page.locator("#plane-step").fill("0")
    assert pixels(planes[0]) == pixels(planes[1]), "the same seed's noise"
    page.locator("#plane-step").fill("20")
    assert pixels(planes[0]) != pixels(planes[1])
    number(bench, "num_inference_steps", 10)
    expect(page.locator("#train-elsewhere")).to_be_visible()
    expect(planes[1]).to_be_hidden()
    number(bench, "num_inference_steps", 20)
    expect(planes[1]).to_be_visible()


def test_a_training_without_a_bound_or_that_diverges_says_so_and_the_next_one_runs(page: Page) -> None:
    bench = open_bench(page, "Points in the plane")
    bench.locator("[data-field=zero_snr] input").check()
    page.locator("[data-train=training_steps]").fill("30")
    page.locator("#train-start").click()
    expect(page.locator("#train-status")).to_have_text("Finished")
    expect(page.locator("#learned-bound-note")).to_contain_text("switch zero terminal SNR off")
    page.locator("[data-train=learning_rate]").fill("10")
    page.locator("#train-start").click()
    expect(page.locator(".training .alas")).to_contain_text("the training diverged")
    page.locator("[data-train=learning_rate]").fill("0.002")
    page.locator("#train-start").click()
    expect(page.locator("#train-status")).to_have_text("Finished")
    expect(page.locator(".training .alas")).to_be_hidden()


def test_on_a_phone_the_steps_can_be_slid_and_the_planes_stand_below_each_other(visit) -> None:
    page = visit(viewport={"width": 390, "height": 844})
    page.get_by_role("tab", name="Diffusion lab").click()
    expect(page.locator("#lesson-choice option")).to_have_count(8)
    page.evaluate(
        """async () => {
          const { name } = performance.getEntriesByType("resource").find(({ name }) => name.endsWith("/rooms.js"));
          (await import(name)).openBench("points", { values: { num_train_timesteps: 50 }, hide: [] });
        }"""
    )
    page.locator("[data-train=training_steps]").fill("20")
    page.locator("#train-start").click()
    page.locator("[data-whose=both]").click()
    slider, *planes = [page.locator(name).bounding_box() for name in ("#plane-step", "#plane", "#plane-beside")]
    assert slider and slider["width"] > 150
    assert planes[0] and planes[1] and planes[1]["y"] >= planes[0]["y"] + planes[0]["height"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
