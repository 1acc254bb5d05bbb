"""The page: an ordered list of tabs inside one frame."""

import json
import re
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio import themes

from aigc_ui import create, endpoints, families, gallery_page, lab, live, models_page, words
from aigc_ui.labels import Labels
from aigc_ui.live import FAST, signal
from aigc_ui.services import Services

TABS: tuple[tuple[str, Callable[[Services, Labels, gr.HTML], gr.Tabs | None]], ...] = (
    ("create", create.build),
    ("lab", lab.build),
    ("families", families.build),
    ("gallery", gallery_page.build),
    ("models", models_page.build),
)

OWN_THREADS = 16
"""Of the page's handlers. Gradio's default is the server's shared pool, which lists and cancels jobs."""
AT_ONCE = 400
"""Events in hand; a call of /generate is one until its picture is there, and holds no thread."""


def build(services: Services) -> gr.Blocks:
    """All tabs, wired to the engine. Nothing runs yet; `appearance` goes to whatever serves it."""
    labels = Labels()
    with gr.Blocks(title=words.text("title"), fill_width=True, analytics_enabled=False) as page:
        live.mount("header")
        wire = live.bridge()
        benches: dict[str, gr.Tabs] = {}
        with gr.Tabs(elem_id="tabs") as rooms:
            for name, build_tab in TABS:
                with labels.add(gr.Tab, "label", f"tab.{name}", id=name):
                    if inner := build_tab(services, labels, wire):
                        benches[name] = inner
        _connect(services, labels, wire)
        _open(rooms, benches, wire)
        endpoints.add(services)
        page.load(None, js=live.call("start"))
    page.max_threads = AT_ONCE  # what its queue takes now,
    page.queue(api_open=False)
    page.max_threads = OWN_THREADS  # and its threads when it is served
    return page


def _connect(services: Services, labels: Labels, wire: gr.HTML) -> None:
    def hello() -> dict[str, Any]:
        return signal(notice=services.devices.hint)

    def language(event: gr.EventData) -> dict[Any, Any]:
        asked = str(event.language)
        return labels.relabel(asked if asked in words.table() else words.FALLBACK)

    wire.hello(hello, None, wire, **FAST)
    wire.language(language, None, list(labels.relabel(words.FALLBACK)), **FAST)


def _open(rooms: gr.Tabs, benches: dict[str, gr.Tabs], wire: gr.HTML) -> None:
    """The scripts open a room by its name, and a bench in it."""

    def opened(event: gr.EventData) -> list[Any]:
        room, bench = str(event.room), str(event.bench)
        inner = [gr.Tabs(selected=bench) if bench and name == room else gr.skip() for name in benches]
        return [gr.Tabs(selected=room), *inner]

    wire.room(opened, None, [rooms, *benches.values()], trigger_mode="multiple", **FAST)


def appearance(page: gr.Blocks) -> dict[str, Any]:
    """What Gradio takes when this page is served: theme, styles, and the words that its components show.

    app = gr.mount_gradio_app(app, page, path="/", **appearance(page))
    """
    return {
        "theme": theme(),
        "css": live.css(),
        "i18n": gr.I18n(**words.translations(_visible_keys(page))),
    }


def _visible_keys(page: gr.Blocks) -> list[str]:
    """The keys of all words on Gradio's components; those that scripts show are in a file of theirs."""
    components = json.dumps(page.config["components"], default=str)
    return sorted(filter(words.has, set(re.findall(r'translation_metadata\W+key\W+"([^"\\]+)', components))))


def theme() -> themes.Base:
    """Quiet greys, one teal accent, the system's own fonts (nothing is fetched)."""
    sans = ["system-ui", "-apple-system", "Segoe UI", "Noto Sans", "PingFang SC", "Noto Sans CJK SC", "sans-serif"]
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
    return themes.Base(
        primary_hue=themes.colors.teal,
        secondary_hue=themes.colors.teal,
        neutral_hue=themes.colors.stone,
        radius_size=themes.sizes.radius_md,
        font=sans,
        font_mono=mono,
    ).set(
        body_background_fill="#faf9f7",
        body_background_fill_dark="#161514",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_padding="0px",
        block_shadow="none",
        block_label_text_weight="500",
        block_title_text_weight="500",
        block_title_text_size="13px",
        block_info_text_size="12px",
        block_info_text_color="#6b6560",
        block_info_text_color_dark="#a8a29b",
        button_primary_background_fill="#0f766e",
        button_primary_background_fill_hover="#115e59",
        button_primary_background_fill_dark="#14b8a6",
        button_primary_background_fill_hover_dark="#2dd4bf",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#042f2e",
        border_color_primary="#e3dfda",
        border_color_primary_dark="#35312e",
        border_color_accent="#0f766e",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_hover="#f5f3f0",
        button_secondary_background_fill_dark="#211f1e",
        button_secondary_background_fill_hover_dark="#2c2927",
        button_secondary_border_color="#e3dfda",
        button_secondary_border_color_dark="#35312e",
        button_border_width="1px",
        button_primary_border_color="transparent",
        button_primary_border_color_dark="transparent",
        color_accent="#0f766e",
        input_border_width="1px",
        input_border_color="#e3dfda",
        input_border_color_dark="#35312e",
        input_background_fill="#ffffff",
        input_background_fill_dark="#211f1e",
        slider_color="#0f766e",
        slider_color_dark="#14b8a6",
    )
