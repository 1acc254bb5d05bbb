"""The families' room: race, latents, there and back, training, and its lessons."""

import io
import json
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.visitor import choose, number, open_bench, pixels

FAMILIES = ("gan", "vae", "vq", "flow", "diffusion", "flow-matching")
FILE = Path(__file__).parents[2] / "assets" / "lessons" / "lessons.json"
LESSONS = {lesson["name"]: lesson for lesson in json.loads(FILE.read_text(encoding="utf-8"))}


def bench_of(page: Page, name: str) -> Locator:
    return open_bench(page, name, room="Families")


def race(page: Page) -> None:
    page.locator("#race-start").click()
    expect(page.locator("#race-status")).to_contain_text("times as long", timeout=60_000)


def test_all_families_finish_a_race_and_can_be_gone_through_again(page: Page) -> None:
    bench = bench_of(page, "Race")
    choose(bench, "data", "digits")
    race(page)
    for family in FAMILIES:
        expect(page.locator(f"[data-family={family}]:visible .figures")).to_contain_text("done in")
    end = pixels(page.locator("#race-diffusion"))
    page.locator("#race-step").fill("0")
    assert pixels(page.locator("#race-diffusion")) != end
    number(bench, "seed", 7)
    race(page)
    assert pixels(page.locator("#race-diffusion")) != end
    number(bench, "seed", 0)
    race(page)
    assert pixels(page.locator("#race-diffusion")) == end, "the same seed, the same pictures"


def test_the_table_of_scores_has_every_family_and_real_pictures(page: Page) -> None:
    bench = bench_of(page, "Race")
    rows = bench.locator("#race-scores tr")
    expect(rows).to_have_count(2 + len(FAMILIES))
    expect(rows.nth(1)).to_contain_text("real pictures")
    expect(rows.filter(has_text="GAN")).to_contain_text("–")


def test_every_family_follows_the_hand_over_the_square(page: Page) -> None:
    bench = bench_of(page, "Latents")
    choose(bench, "data", "digits")
    views = {family: page.locator(f"#latents-{family}") for family in FAMILIES}
    for family in FAMILIES:
        expect(page.locator(f"#bench-latents [data-family={family}] .figures")).to_contain_text("length")
    before = {family: pixels(view) for family, view in views.items()}
    pad = page.locator("#latents-pad")
    pad.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#latents-where")).to_contain_text("across 0.80")
    for family in FAMILIES:
        page.wait_for_function(
            "([id, before]) => document.getElementById(id).toDataURL() !== before",
            arg=[f"latents-{family}", before[family]],
        )


def test_a_walk_through_the_latents_is_saved_as_a_film(page: Page) -> None:
    bench = bench_of(page, "Latents")
    choose(bench, "data", "digits")
    number(bench, "num_inference_steps", 2)
    with page.expect_download(timeout=60_000) as download:
        page.locator("#latents-films [data-kind=webp]").click()
    film = Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert getattr(film, "n_frames", 1) == 24


def test_a_drawing_of_ones_own_goes_there_and_back(page: Page) -> None:
    bench = bench_of(page, "There and back")
    choose(bench, "data", "digits")
    for family in FAMILIES:
        expect(page.locator(f"#bench-round-trip [data-family={family}] .figures")).to_contain_text(
            "error", timeout=30_000
        )
    flow = page.locator("#bench-round-trip [data-family=flow] .figures").inner_text()
    assert re.search(r"error (0|\d(\.\d)?e-[6-9]), in double precision ", flow), flow
    source = pixels(page.locator("#trip-source"))
    number(bench, "index", 9)
    page.wait_for_function("before => document.getElementById('trip-source').toDataURL() !== before", arg=source)


def test_a_training_shows_samples_losses_and_figures_and_can_be_stopped(page: Page) -> None:
    bench = bench_of(page, "Train and break")
    choose(bench, "family", "vae")
    expect(bench.locator("[data-field=beta]")).to_be_visible()
    expect(bench.locator("[data-field=game]")).to_be_hidden()
    number(bench, "training_steps", 20000)
    page.locator("#family-start").click()
    expect(page.locator("#family-figures")).to_contain_text("Modes found", timeout=30_000)
    expect(page.locator("#plot-family-loss")).to_contain_text("loss")
    first = pixels(page.locator("#family-plane"))
    page.wait_for_function("before => document.getElementById('family-plane').toDataURL() !== before", arg=first)
    page.locator("#family-stop").click()
    expect(page.locator("#family-start")).to_be_visible(timeout=15_000)
    expect(page.locator("#family-play")).to_be_visible()


def test_a_training_is_there_again_after_a_reload_and_can_be_stopped(page: Page) -> None:
    bench = bench_of(page, "Train and break")
    choose(bench, "family", "vae")
    number(bench, "training_steps", 20000)
    page.locator("#family-start").click()
    expect(page.locator("#family-figures")).to_contain_text("Modes found", timeout=30_000)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-ready", "true")
    bench = bench_of(page, "Train and break")
    expect(bench.locator("[data-field=family] select")).to_have_value("vae")
    expect(bench.locator("[data-field=training_steps] input[type=number]")).to_have_value("20000")
    expect(page.locator("#family-status")).to_contain_text("of 20000", timeout=30_000)
    expect(page.locator("#family-figures")).to_contain_text("Modes found")
    expect(page.locator("#plot-family-loss")).to_contain_text("loss")
    page.locator("#family-stop").click()
    expect(page.locator("#family-start")).to_be_visible(timeout=15_000)


def test_trainings_wait_for_each_other_and_say_how_many_are_before_them(page: Page, visit) -> None:
    pages = [page, visit(), visit()]
    for one in pages:
        bench = bench_of(one, "Train and break")
        number(bench, "training_steps", 20000)
        one.locator("#family-start").click()
        expect(one.locator("#family-stop")).to_be_visible()
    first, second, third = (one.locator("#family-status") for one in pages)
    expect(first).to_contain_text("of 20000", timeout=30_000)
    expect(second).to_contain_text("Waiting, next in turn · ")
    expect(third).to_contain_text("Waiting, 1 before you · ")
    page.locator("#family-stop").click()
    expect(third).to_contain_text("Waiting, next in turn", timeout=15_000)
    for one in pages[1:]:
        one.locator("#family-stop").click()
        expect(one.locator("#family-start")).to_be_visible(timeout=15_000)


def test_digits_with_a_plane_of_z_show_what_lies_where(page: Page) -> None:
    bench = bench_of(page, "Train and break")
    choose(bench, "family", "vae")
    choose(bench, "data", "digits")
    number(bench, "training_steps", 60)
    page.locator("#family-start").click()
    expect(page.locator("#family-manifold")).to_be_visible(timeout=30_000)
    assert page.locator("#family-manifold").evaluate("c => [c.width, c.height]") == [96, 96]


def test_a_lesson_of_this_room_opens_here_and_says_what_is_right(page: Page) -> None:
    bench_of(page, "Race")
    choices = page.locator("#family-lesson-choice option")
    expect(choices).to_have_count(5)
    page.locator("#family-lesson-choice").select_option("collapse")
    card = page.locator("#family-lesson-card")
    expect(card.locator("h2")).to_have_text(LESSONS["collapse"]["title"]["en"])
    bench = page.locator("#bench-family-training")
    expect(bench.locator("[data-field=beta] input[type=number]")).to_have_value("30")
    expect(bench.locator("[data-field=seed]")).to_be_hidden()
    card.locator(".options button").nth(LESSONS["collapse"]["answer"]).click()
    expect(card.locator(".verdict")).to_contain_text("Yes.")


def test_a_link_to_this_room_opens_it(page: Page) -> None:
    bench = bench_of(page, "Latents")
    number(bench, "seed", 42)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#family-lesson-link").click()
    link = page.evaluate("navigator.clipboard.readText()")
    other = page.context.new_page()
    other.goto(link)
    expect(other.locator("#bench-latents [data-field=seed] input")).to_have_value("42", timeout=30_000)


def test_the_plane_of_z_follows_the_pointer_and_belongs_to_digits(page: Page) -> None:
    bench = bench_of(page, "Latents")
    expect(page.locator("#manifold-plane")).to_be_hidden()
    choose(bench, "data", "digits")
    told = page.locator("#manifold-z")
    expect(told).to_have_text("z = (0, 0)")
    page.locator("#manifold-plane").hover(position={"x": 20, "y": 20})
    expect(told).not_to_have_text("z = (0, 0)")
    before = pixels(page.locator("#manifold-plane"))
    number(bench, "label", 7)
    page.wait_for_function("before => document.getElementById('manifold-plane').toDataURL() !== before", arg=before)


def test_a_gan_of_digits_shows_its_judge_and_one_player_may_learn_alone(page: Page) -> None:
    bench = bench_of(page, "Train and break")
    choose(bench, "data", "digits")
    expect(bench.locator("[data-field=only_steps]")).to_be_hidden()
    choose(bench, "only", "discriminator")
    expect(bench.locator("[data-field=only_steps]")).to_be_visible()
    number(bench, "training_steps", 40)
    page.locator("#family-start").click()
    expect(page.locator("#family-judge")).to_be_visible(timeout=30_000)
    expect(page.locator("#family-figures")).to_contain_text("Pairs in which D prefers the real one")
    assert page.locator("#plot-family-judge rect").count() > 10
    assert pixels(page.locator("#family-judged-made")) != pixels(page.locator("#family-judged-real"))
    choose(bench, "family", "vae")
    expect(bench.locator("[data-field=only]")).to_be_hidden()


def test_without_models_of_ones_own_the_bench_says_what_to_put_where_and_has_no_dead_controls(page: Page) -> None:
    page.route("**/lab/own-models", lambda route: route.fulfill(json={"models": [], "refused": []}))
    bench = bench_of(page, "Your models")
    expect(page.locator("#own-none")).to_be_visible()
    expect(bench.locator(".control:visible")).to_have_count(0)
    expect(page.locator("#own-start")).to_be_hidden()
