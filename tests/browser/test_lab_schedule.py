"""The β schedule bench: curves that follow the hand, gauges, and a picture under the noise."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import choose, drag, finish, generate, line_of, number, open_bench, pixels, slide


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
            return Math.min(...times);
        }"""
    )
    assert seconds < 0.1  # the fastest: what the page waits for slows them all, what the machine does besides only some


def test_a_tick_of_a_slider_asks_for_numbers_and_the_page_paints_what_the_studio_would(page: Page) -> None:
    bench = open_bench(page, "β schedule")
    big = page.locator("#noised")
    expect(big).to_have_attribute("data-t", "500")
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(len(answer.body())) if "/api/v1/lab/" in answer.url else None)
    slide(page, "[data-field=num_train_timesteps] input[type=range]", 801)
    expect(big).to_have_attribute("data-t", "401")
    expect(bench).not_to_have_attribute("aria-busy", "true")
    assert 0 < sum(sizes) < 10_000, sizes
    apart = page.evaluate("""async () => {
        const bytes = (source) => {
            const {width, height} = source, canvas = Object.assign(document.createElement("canvas"), {width, height});
            canvas.getContext("2d").drawImage(source, 0, 0);
            return canvas.getContext("2d").getImageData(0, 0, width, height).data;
        };
        const shown = bytes(document.querySelector("#noised")), headers = {"content-type": "application/json"};
        const body = JSON.stringify({num_train_timesteps: 801, t: 401});
        const answer = await fetch("api/v1/lab/noised", {method: "POST", headers, body});
        const picture = Object.assign(new Image(), {src: (await answer.json()).shown[0]});
        await picture.decode();
        return bytes(picture).reduce((most, value, i) => Math.max(most, Math.abs(value - shown[i])), 0);
    }""")
    assert apart <= 1


def test_an_error_stays_in_sight_and_marks_what_was_drawn_before(page: Page) -> None:
    bench = open_bench(page, "β schedule")
    page.set_viewport_size({"width": 1440, "height": 500})
    expect(page.locator("#plot-beta polyline")).to_have_count(1)
    alas, stale = bench.locator(".bench-side > .alas"), bench.locator(".stale")
    page.evaluate("window.scrollTo(0, 150)")
    number(bench, "num_train_timesteps", -7)
    expect(alas).to_be_in_viewport(ratio=1)
    expect(stale).to_be_in_viewport(ratio=1)
    stage = page.locator("#plot-beta .plot-stage")
    expect(stage).to_have_css("opacity", "0.35")
    number(bench, "num_train_timesteps", 700)
    expect(alas).to_be_hidden()
    expect(stale).to_be_hidden()
    expect(stage).to_have_css("opacity", "1")


def test_the_page_has_headings_in_order_and_words_on_every_button(page: Page) -> None:
    page.route("**/api/v1/lab/**", lambda route: None)  # before anything is answered, too
    page.get_by_role("tab", name="Diffusion lab").click()
    bench = page.locator("#bench-schedule")
    expect(bench).to_have_accessible_name("β schedule")
    assert "" not in bench.locator("button:visible").all_inner_texts()
    seen = "all => all.filter((h) => h.offsetParent).map((h) => +h.tagName[1])"
    levels = page.locator("h1, h2, h3, h4").evaluate_all(seen)
    assert all(level <= before + 1 for before, level in zip(levels, levels[1:], strict=False)), levels


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
    expect(page.locator("#forward-formula")).to_contain_text("x500 = 0.2803")
    page.locator("#schedule-t").fill("20")
    expect(big).to_have_attribute("data-t", "20")
    expect(page.locator(".noise-strip button")).to_have_count(8)
    page.locator(".noise-strip button").last.click()
    expect(big).to_have_attribute("data-t", "1000")
    page.locator(".noise-strip button").first.click()
    expect(page.locator("#forward-formula")).to_have_text("x0 = 1 · x0 + 0 · ε")


def test_the_noise_is_added_to_latents_too_and_the_page_says_so(page: Page) -> None:
    open_bench(page, "β schedule")
    big, note = page.locator("#noised"), page.locator("#noised-space")
    expect(big).to_have_attribute("data-t", "500")
    expect(note).to_have_text("The noise is added to pixels.")
    expect(page.locator("[data-choice=through]")).to_be_hidden()
    seen = [pixels(big)]
    page.get_by_role("button", name="Latents of the embedded model").click()
    expect(big).to_have_attribute("data-space", "latents")
    expect(note).to_have_text(re.compile(r"latents of the embedded model \(96 × 8 × 8 numbers\); .* its decoder\."))
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
    expect(last).to_have_text("1000")
    asked: list[bool] = []
    page.on("request", lambda r: asked.append(r.post_data_json["strip"]) if r.url.endswith("lab/noised") else None)
    for t in (100, 300, 900):
        page.locator("#schedule-t").fill(str(t))
        expect(big).to_have_attribute("data-t", str(t))
    assert asked == [False] * 3
    number(bench, "num_train_timesteps", 400)
    expect(last).to_have_text("400")
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
    page.locator("#schedule-t").fill("1000")
    expect(big).to_have_attribute("data-t", "1000")
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
    assert len(content.split(b"\n")) > 100
