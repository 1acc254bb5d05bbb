"""The Diffusion lab as a teacher uses it: curves that follow the hand, points that flow, digits, bars, files."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.visitor import drag, finish, generate, pixels


def open_bench(page: Page, name: str) -> Locator:
    page.get_by_role("tab", name="Diffusion lab").click()
    page.get_by_role("tab", name=name).click()
    bench = page.locator("section.bench:visible")
    expect(bench).to_be_visible()
    expect(bench).not_to_have_attribute("aria-busy", "true")
    return bench


def line_of(page: Page, plot: str) -> str:
    return page.locator(f"#{plot} polyline").first.get_attribute("points") or ""


def choose(bench: Locator, field: str, option: str) -> None:
    bench.locator(f"[data-field={field}] select").select_option(option)


def number(bench: Locator, field: str, value: float) -> None:
    bench.locator(f"[data-field={field}] input[type=number]").fill(f"{value:g}")


def test_the_curves_follow_the_choice_of_a_schedule(page: Page) -> None:
    bench = open_bench(page, "β schedule")
    expect(page.locator("#plot-beta polyline")).to_have_count(1)
    before = line_of(page, "plot-snr")
    choose(bench, "beta_schedule", "cosine")
    page.wait_for_function("b => document.querySelector('#plot-snr polyline').getAttribute('points') !== b", arg=before)


def test_the_gauges_turn_red_where_signal_is_left(page: Page) -> None:
    bench = open_bench(page, "β schedule")
    expect(page.locator("#gauge-signal")).not_to_have_class(re.compile("bad"))
    number(bench, "beta_end", 0.001)
    expect(page.locator("#gauge-signal")).to_have_class(re.compile("bad"))
    bench.locator("[data-field=zero_snr] input").check()
    expect(page.locator("#gauge-signal b")).to_have_text("0")
    expect(page.locator("#gauge-signal")).not_to_have_class(re.compile("bad"))


def test_a_drawn_curve_is_dragged_by_its_points(page: Page) -> None:
    bench = open_bench(page, "β schedule")
    choose(bench, "beta_schedule", "drawn")
    expect(page.locator("#plot-beta .handle")).to_have_count(3)
    before, middle = line_of(page, "plot-beta"), page.locator("#plot-beta .handle").nth(1)
    drag(page, middle, (8, 8), (40, 50))
    page.wait_for_function(
        "b => document.querySelector('#plot-beta polyline').getAttribute('points') !== b", arg=before
    )
    expect(page.locator("#plot-beta .handle")).to_have_count(3)


def test_a_curve_follows_the_slider_within_a_tenth_of_a_second(page: Page) -> None:
    bench = open_bench(page, "β schedule")
    expect(page.locator("#plot-beta polyline")).to_have_count(1)
    seconds = bench.evaluate(
        """async (bench) => {
            const slider = bench.querySelector("[data-field=num_train_timesteps] input[type=range]"), times = [];
            for (let i = 0; i < 9; i++) {
                const plot = document.querySelector("#plot-beta .plot-stage"), start = performance.now();
                const drawn = new Promise((done) => new MutationObserver((_, seen) => { seen.disconnect(); done(); })
                    .observe(plot, {childList: true}));
                slider.value = 400 + 100 * i;
                slider.dispatchEvent(new Event("input"));
                await drawn;
                times.push((performance.now() - start) / 1000);
                await new Promise((done) => setTimeout(done, 400));
            }
            return times.sort((a, b) => a - b)[4];
        }"""
    )
    assert seconds < 0.1


def test_a_schedule_stays_for_comparison_until_it_is_cleared(page: Page) -> None:
    bench = open_bench(page, "β schedule")
    expect(page.locator("#plot-beta polyline")).to_have_count(1)
    page.locator("#schedule-keep").click()
    choose(bench, "beta_schedule", "cosine")
    expect(page.locator("#plot-beta polyline")).to_have_count(2)
    expect(page.locator("#plot-beta .legend .ghost")).to_have_text("Linear (DDPM)")
    page.get_by_role("button", name="Clear comparison").click()
    expect(page.locator("#plot-beta polyline")).to_have_count(1)


def test_the_picture_drowns_as_t_rises(page: Page) -> None:
    open_bench(page, "β schedule")
    big = page.locator("#noised")
    expect(big).to_have_attribute("data-t", "500")
    expect(page.locator("#forward-formula")).to_contain_text("x500 = 0.2789")
    page.locator("#schedule-t").fill("20")
    expect(big).to_have_attribute("data-t", "20")
    expect(page.locator(".noise-strip button")).to_have_count(8)
    page.locator(".noise-strip button").last.click()
    expect(big).to_have_attribute("data-t", "999")


def test_the_noise_is_added_to_latents_too_and_the_page_says_so(page: Page) -> None:
    open_bench(page, "β schedule")
    big, note = page.locator("#noised"), page.locator("#noised-space")
    expect(big).to_have_attribute("data-t", "500")
    expect(note).to_have_text("The noise is added to pixels.")
    expect(page.locator("[data-choice=through]")).to_be_hidden()
    seen = [pixels(big)]
    page.get_by_role("button", name="Latents of the embedded model").click()
    expect(big).to_have_attribute("data-space", "latents")
    expect(note).to_have_text(re.compile(r"latents of the embedded model \(64 × 8 × 8 numbers\); .* its decoder\."))
    seen.append(pixels(big))
    page.get_by_role("button", name="Linear map").click()
    expect(note).to_contain_text("shown through one linear map")
    seen.append(pixels(big))
    assert len(set(seen)) == 3
    page.get_by_role("button", name="Pixels").click()
    expect(note).to_have_text("The noise is added to pixels.")
    assert pixels(big) == seen[0]


def test_the_strip_is_asked_for_only_when_it_changes(page: Page) -> None:
    bench = open_bench(page, "β schedule")
    big, last = page.locator("#noised"), page.locator(".noise-strip button").last
    expect(big).to_have_attribute("data-t", "500")
    expect(last).to_have_text("999")
    asked: list[bool] = []
    page.on("request", lambda r: asked.append(r.post_data_json["strip"]) if r.url.endswith("lab/noised") else None)
    for t in (100, 300, 900):
        page.locator("#schedule-t").fill(str(t))
        expect(big).to_have_attribute("data-t", str(t))
    assert asked == [False] * 3
    number(bench, "num_train_timesteps", 400)
    expect(last).to_have_text("399")
    assert asked[3] is True


def test_the_offset_belongs_to_the_cosine_schedule_alone(page: Page) -> None:
    bench = open_bench(page, "β schedule")
    offset = bench.locator("[data-field=offset]")
    expect(offset).to_be_hidden()
    choose(bench, "beta_schedule", "cosine")
    expect(offset.locator("input[type=number]")).to_have_value("0.008")
    before = line_of(page, "plot-beta")
    number(bench, "offset", 0.3)
    page.wait_for_function(
        "b => document.querySelector('#plot-beta polyline').getAttribute('points') !== b", arg=before
    )
    number(bench, "offset", 0.9)
    expect(bench.locator(".bench-side .alas")).to_have_text("offset must be 0 to 0.5; got 0.9.")
    choose(bench, "beta_schedule", "linear")
    number(bench, "num_train_timesteps", 500)
    expect(offset).to_be_hidden()


def test_the_picture_under_noise_may_come_from_the_gallery_and_a_broken_one_is_refused(
    page: Page, tmp_path: Path
) -> None:
    generate(page, "a red circle", steps=1)
    finish(page)
    open_bench(page, "β schedule")
    big, chooser = page.locator("#noised"), page.locator("#bench-schedule .picture-chooser")
    expect(big).to_have_attribute("data-t", "500")
    page.locator("#schedule-t").fill("0")
    expect(big).to_have_attribute("data-t", "0")
    panda = pixels(big)
    chooser.get_by_role("button", name="From the gallery").click()
    chooser.locator(".tile").first.click()
    page.wait_for_function("before => document.querySelector('#noised').toDataURL() !== before", arg=panda)
    made = pixels(big)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    chooser.locator("input[type=file]").set_input_files(tmp_path / "broken.png")
    expect(chooser.get_by_role("alert")).to_contain_text("picture")
    page.locator("#schedule-t").fill("999")
    expect(big).to_have_attribute("data-t", "999")
    page.locator("#schedule-t").fill("0")
    expect(big).to_have_attribute("data-t", "0")
    assert pixels(big) == made


@pytest.mark.parametrize("width", [1440, 390])
def test_what_chooses_a_picture_covers_nothing_beside_it(visit, width: int) -> None:
    page = visit(viewport={"width": width, "height": 900})
    page.get_by_role("tab", name="Diffusion lab").click()
    big, formula = page.locator("#noised"), page.locator("#forward-formula")
    expect(big).to_have_attribute("data-t", "500")
    for name in ("From the gallery", "Draw one"):
        page.locator("#bench-schedule").get_by_role("button", name=name).click()
        expect(page.locator("#bench-schedule .picture-panel")).to_be_visible()
        picture, beside = big.bounding_box(), formula.bounding_box()
        assert picture and beside
        right, below = picture["x"] + picture["width"], picture["y"] + picture["height"]
        assert right <= beside["x"] or below <= beside["y"], name
        for box in (b.bounding_box() for b in page.locator("#bench-schedule .picture-chooser button:visible").all()):
            assert box and box["x"] + box["width"] <= width


def test_a_wrong_number_is_said_and_the_bench_goes_on(page: Page) -> None:
    bench = open_bench(page, "β schedule")
    number(bench, "num_train_timesteps", 5)
    expect(bench.locator(".bench-side .alas")).to_have_text("num_train_timesteps must be 10 to 4000; got 5.")
    number(bench, "num_train_timesteps", 500)
    expect(bench.locator(".bench-side .alas")).to_be_hidden()


def test_points_flow_back_and_one_of_them_can_be_followed(page: Page) -> None:
    open_bench(page, "Points in the plane")
    plane = page.locator("#plane")
    expect(page.locator("#plane-quality td")).to_have_count(4)
    page.locator("#plane-step").fill("0")
    noise = pixels(plane)
    page.locator("#plane-play").click()
    expect(page.locator("#plane-where")).to_have_text("σ 0", timeout=15_000)
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
    expect(page.locator("#plane-quality td")).to_have_count(4)
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
    expect(page.locator("#plane-quality td")).to_have_count(4)
    page.locator("#plane-draw").click()
    drag(page, page.locator("#plane"), (60, 60), (300, 200), steps=20)
    expect(bench.locator("[data-field=data] select")).to_have_value("drawn")
    expect(bench.locator(".bench-side .alas")).to_be_hidden()


def test_digits_appear_and_the_ideal_denoiser_copies(page: Page) -> None:
    bench = open_bench(page, "Digits in pixels")
    verdict = page.locator("#digits-verdict")
    expect(verdict).to_contain_text("of 10 are read as what was asked")
    choose(bench, "model", "ideal")
    expect(verdict).to_contain_text(re.compile(r"training picture: (0;|0\.0|\d\.\de-)"))
    before = pixels(page.locator("#digits-x"))
    page.locator("#digits-step").fill("0")
    assert pixels(page.locator("#digits-x")) != before


def test_digits_by_ddim_show_eta_where_the_variance_was(page: Page) -> None:
    bench = open_bench(page, "Digits in pixels")
    eta, variance = bench.locator("[data-field=eta]"), bench.locator("[data-field=variance]")
    expect(page.locator("#digits-verdict")).to_contain_text("of 10 are read")
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


def test_the_bound_is_drawn_bar_by_bar_for_pictures_and_points(page: Page) -> None:
    bench = open_bench(page, "The bound")
    expect(page.locator("#plot-bound rect")).to_have_count(100)
    expect(page.locator("#bound-totals")).to_contain_text("Without any model")
    choose(bench, "data", "rings")
    expect(page.locator("#bound-totals")).to_contain_text("Entropy of the data (exact)")


def test_a_plot_is_saved_as_picture_drawing_and_table(page: Page) -> None:
    open_bench(page, "β schedule")
    plot = page.locator("#plot-beta")
    expect(plot.locator("polyline")).to_have_count(1)
    plot.hover()
    for kind, begins in (("PNG", b"\x89PNG"), ("SVG", b"<svg"), ("CSV", b'"series","t"')):
        with page.expect_download() as download:
            plot.get_by_role("button", name=kind).click()
        content = download.value.path().read_bytes()
        assert content.startswith(begins), kind
    assert len(content.split(b"\n")) > 200


def test_a_lesson_sets_its_state_asks_and_reveals(page: Page) -> None:
    open_bench(page, "β schedule")
    page.locator("#lesson-choice").select_option("guidance")
    bench = page.locator("#bench-points")
    expect(bench.locator("[data-field=data] select")).to_have_value("pinwheel")
    expect(bench.locator("[data-field=zero_snr]")).to_be_hidden()
    card = page.locator("#lesson-card")
    expect(card.locator(".verdict")).to_be_empty()
    card.get_by_role("button", name="They crowd together").click()
    expect(card.locator(".verdict")).to_contain_text("Yes. Fidelity against diversity")
    card.get_by_role("button", name="Show all controls").click()
    expect(bench.locator("[data-field=zero_snr]")).to_be_visible()


def test_a_link_brings_the_same_state_to_somebody_else(page: Page, visit) -> None:
    bench = open_bench(page, "Points in the plane")
    choose(bench, "data", "rings")
    number(bench, "seed", 77)
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.locator("#lesson-link").click()
    link = page.evaluate("window.copied")
    other = visit("/" + link.split("/", 3)[3], until=("#bench-points",))
    expect(other.locator("#bench-points [data-field=data] select")).to_have_value("rings")
    expect(other.locator("#bench-points [data-field=seed] input")).to_have_value("77")


def test_a_stranger_s_lesson_is_data_and_a_bad_one_is_refused(page: Page, tmp_path: Path) -> None:
    open_bench(page, "β schedule")
    chosen = page.locator("input[type=file][accept*=json]")
    bad = tmp_path / "bad.json"
    bad.write_text('{"bench": "elsewhere", "values": {}}')
    chosen.set_input_files(bad)
    expect(page.get_by_text("This file is not a lesson of the lab.")).to_be_visible()
    evil = {
        "bench": "schedule",
        "title": "<img src=x onerror='window.hurt=1'>",
        "text": "<b>bold</b>",
        "values": {"num_train_timesteps": -7, "unknown": 1},
    }
    strange = tmp_path / "strange.json"
    strange.write_text(json.dumps(evil))
    chosen.set_input_files(strange)
    expect(page.locator("#lesson-card h2")).to_have_text(evil["title"])
    expect(page.locator("#bench-schedule .bench-side .alas")).to_have_text(
        "num_train_timesteps must be 10 to 4000; got -7."
    )
    assert page.evaluate("window.hurt") is None


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
    expect(page.locator("#learned-bound")).to_contain_text("Entropy of the data (exact)")
    expect(page.locator("#plot-learned-bound polyline")).to_have_count(2)


def test_exact_and_learned_stand_side_by_side_at_the_same_step(page: Page) -> None:
    bench = open_bench(page, "Points in the plane")
    number(bench, "num_train_timesteps", 100)
    page.locator("[data-train=training_steps]").fill("60")
    page.locator("#train-start").click()
    expect(page.locator("#train-status")).to_have_text("Finished")
    page.locator("[data-whose=both]").click()
    planes = [page.locator(name) for name in ("#plane", "#plane-beside")]
    expect(page.locator("#plane-quality td")).to_have_count(6)
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


def test_a_lesson_opens_its_bench_on_a_phone_too(visit) -> None:
    page = visit(viewport={"width": 390, "height": 844})
    page.get_by_role("tab", name="Diffusion lab").click()
    expect(page.locator("#lesson-choice option")).to_have_count(8)
    page.locator("#lesson-choice").select_option("bound")
    expect(page.locator("#bench-bound")).to_be_visible()
    expect(page.locator("#bound-totals")).to_contain_text("Entropy of the data (exact)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_on_a_phone_the_steps_can_be_slid_and_the_planes_stand_below_each_other(visit) -> None:
    page = visit(viewport={"width": 390, "height": 844})
    page.get_by_role("tab", name="Diffusion lab").click()
    expect(page.locator("#lesson-choice option")).to_have_count(8)
    page.evaluate("aigc.openBench('points', {values: {num_train_timesteps: 50}, hide: []})")
    page.locator("[data-train=training_steps]").fill("20")
    page.locator("#train-start").click()
    page.locator("[data-whose=both]").click()
    slider, *planes = [page.locator(name).bounding_box() for name in ("#plane-step", "#plane", "#plane-beside")]
    assert slider and slider["width"] > 150
    assert planes[0] and planes[1] and planes[1]["y"] >= planes[0]["y"] + planes[0]["height"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
