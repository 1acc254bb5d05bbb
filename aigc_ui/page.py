"""The page: an ordered list of tabs inside one frame."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from aigc_ui import create, live, words
from aigc_ui.services import Services

TABS: tuple[tuple[str, Callable[[Services], None]], ...] = (("create", create.build),)


def build(services: Services) -> gr.Blocks:
    """All tabs, wired to the engine. Nothing runs yet; `look()` goes to whatever serves it."""
    say = gr.I18n()
    with gr.Blocks(title=words.text("title"), fill_width=True, analytics_enabled=False) as page:
        live.mount("header")
        with gr.Tabs(elem_id="tabs"):
            for name, build_tab in TABS:
                with gr.Tab(say(f"tab.{name}"), id=name):
                    build_tab(services)
    page.queue(api_open=False)
    return page


def look() -> dict[str, Any]:
    """What Gradio takes when the page is served: theme, styles, scripts and words.

    app = gr.mount_gradio_app(app, build(services), path="/", **look())
    """
    return {
        "theme": theme(),
        "css": live.css(),
        "head": live.head(),
        "i18n": words.translations(),
        "footer_links": [],
        "run_history": False,
        "show_error": False,
        "pwa": False,
    }


def theme() -> gr.themes.Base:
    """Quiet greys, one teal accent, the system's own fonts (nothing is fetched)."""
    sans = ["system-ui", "-apple-system", "Segoe UI", "Noto Sans", "PingFang SC", "Noto Sans CJK SC", "sans-serif"]
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
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
        button_primary_background_fill="#0f766e",
        button_primary_background_fill_hover="#115e59",
        button_primary_background_fill_dark="#14b8a6",
        button_primary_background_fill_hover_dark="#2dd4bf",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#042f2e",
        input_background_fill="#ffffff",
        input_background_fill_dark="#211f1e",
        slider_color="#0f766e",
        slider_color_dark="#14b8a6",
    )
