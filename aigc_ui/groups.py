"""How the settings of a picture are arranged: three groups by who needs them, and sections inside them.

A row is a tuple of fields, a line of help, or "@" and a field that stands alone. What is named nowhere stands in
"More".
"""

Row = tuple[str, ...] | str
Section = tuple[str, tuple[Row, ...]]
"""The words of its title and its rows."""

BASICS: tuple[Row, ...] = (("width", "height"), ("seed",))
QUALITY: tuple[Row, ...] = (("sampler", "num_inference_steps"), ("guidance_scale",))
QUALITY_SECTIONS: tuple[Section, ...] = (
    ("group.hires", ("hires.help", ("hires_scale",), ("hires_upscaler",), ("hires_steps",), ("hires_strength",))),
    ("group.enlarge", (("upscale",), ("upscaler",))),
)
EXPERT_SECTIONS: tuple[Section, ...] = (
    ("group.prompt", (("prompt_syntax", "emphasis"), "prompt.help")),
    (
        "group.guidance",
        ("@guidance_curve", ("guidance_rescale",), "guidance.help", ("guidance_start", "guidance_end")),
    ),
    (
        "group.variation",
        (("variation_seed",), ("variation_strength",), "variation.help", ("seed_resize_width", "seed_resize_height")),
    ),
    ("group.tile", ("tile.help", ("tile",))),
    (
        "group.branch",
        ("branch.help", ("branch_from",), ("branch_step", "branch_noise"), ("branch_paint", "branch_mask")),
    ),
    ("group.sampling", (("sigma_schedule",), ("discard_penultimate",), ("eta", "stop_at"))),
    ("group.beta", ("beta.help", ("beta_schedule",), ("beta_start", "beta_end"), ("num_train_timesteps",))),
)
MORE = ("clip_skip", "vae", "prediction")


def fields_in(rows: tuple[Row, ...]) -> tuple[str, ...]:
    """Without the lines of help, which have a dot."""
    names = (name.lstrip("@") for row in rows for name in ((row,) if isinstance(row, str) else row))
    return tuple(name for name in names if "." not in name)


def fields_of_groups() -> dict[str, tuple[str, ...]]:
    """group -> its fields, in the order in which they stand."""

    def within(rows: tuple[Row, ...], sections: tuple[Section, ...]) -> tuple[str, ...]:
        return fields_in((*rows, *(row for _, inner in sections for row in inner)))

    return {
        "basics": within(BASICS, ()),
        "quality": within(QUALITY, QUALITY_SECTIONS),
        "expert": within((), EXPERT_SECTIONS) + MORE,
    }
