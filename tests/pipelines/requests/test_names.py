"""Names of samplers and spacings: other tools' are read as ours, alone and fused, wherever a request comes in."""

import pytest

from pipelines.errors import BadRequest
from pipelines.requests import names
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store.infotext import parse
from pipelines.theory.samplers import SAMPLER_LABELS
from pipelines.theory.sigmas import SIGMA_SCHEDULE_LABELS

OF_COMFYUI = {
    "euler": "euler", "euler_ancestral": "euler_ancestral", "heun": "heun", "dpm_2": "dpm_2", "lms": "lms",
    "dpm_2_ancestral": "dpm_2_ancestral", "dpmpp_2s_ancestral": "dpmpp_2s_ancestral", "dpmpp_sde": "dpmpp_sde",
    "dpmpp_2m": "dpmpp_2m", "dpmpp_2m_sde": "dpmpp_2m_sde", "dpmpp_3m_sde": "dpmpp_3m_sde", "ddpm": "ddpm",
    "lcm": "lcm", "ddim": "ddim", "uni_pc": "unipc",
}  # fmt: skip
SPACINGS_ELSEWHERE = {
    "simple": "simple", "sgm_uniform": "path", "karras": "karras", "exponential": "exponential",
    "beta": "beta_sigmas",
    "ddim_uniform": "ddim_uniform", "normal": "linspace", "kl_optimal": "kl_optimal", "Polyexponential": "exponential",
    "Automatic": "automatic", "Align Your Steps": "align_your_steps", "DDIM": "ddim_uniform",
}  # fmt: skip


@pytest.mark.parametrize("theirs, ours", OF_COMFYUI.items())
def test_comfyuis_samplers_are_known(theirs, ours):
    assert names.sampler(theirs) == {"sampler": ours}


@pytest.mark.parametrize("theirs, ours", SPACINGS_ELSEWHERE.items())
def test_spacings_of_other_tools_are_known(theirs, ours):
    assert names.spacing(theirs) == ours


@pytest.mark.parametrize("spacing", SIGMA_SCHEDULE_LABELS)
@pytest.mark.parametrize("sampler", SAMPLER_LABELS)
def test_every_sampler_and_spacing_is_read_fused_in_every_spelling(sampler, spacing):
    """Split wrongly, "DPM++ 2M SDE Karras" would be DPM++ 2M with a spacing "SDE Karras"."""
    fields = {"sampler": sampler, "sigma_schedule": spacing}
    label, other = SAMPLER_LABELS[sampler], SIGMA_SCHEDULE_LABELS[spacing]
    for text in (f"{label} {other}", f"{label} {other}".upper(), f"{sampler}_{spacing}", f"{sampler} / {spacing}"):
        assert names.sampler(text) == fields
    assert (
        TextToImageRequest.parse({"sampler": f"{label} {other}"}).values() == TextToImageRequest.of(**fields).values()
    )


def test_one_name_never_means_two():
    for table in (SAMPLER_LABELS, SIGMA_SCHEDULE_LABELS):
        assert len({names._plain(label) for label in table.values()}) == len(table)
    for label, name in ((label, name) for name, label in SAMPLER_LABELS.items()):
        assert names.sampler(label) == names.sampler(name) == {"sampler": name}


def test_comfyuis_beta_is_not_a1111s():
    assert names.comfyui_spacing("beta") == "beta_quantiles"
    assert {names.comfyui_spacing(n) for n in SPACINGS_ELSEWHERE if n != "beta"} == set(SPACINGS_ELSEWHERE.values()) - {
        "beta_sigmas"
    }


def test_a_spacing_that_nobody_here_has_is_not_read_as_its_neighbour():
    assert names.spacing("Align Your Steps GITS") is None


OLD_ALIASES = {
    "k_dpmpp_2m": ("dpmpp_2m", None), "k_dpmpp_2m_ka": ("dpmpp_2m", "karras"), "k_lms_ka": ("lms", "karras"),
    "k_dpm_2_a": ("dpm_2_ancestral", None), "k_dpmpp_2s_a": ("dpmpp_2s_ancestral", None),
    "k_dpmpp_2s_a_ka": ("dpmpp_2s_ancestral", "karras"), "k_euler_a": ("euler_ancestral", None),
    "k_dpmpp_sde_ka": ("dpmpp_sde", "karras"), "k_dpmpp_3m_sde": ("dpmpp_3m_sde", None), "k_euler": ("euler", None),
}  # fmt: skip


@pytest.mark.parametrize("alias, fields", OLD_ALIASES.items())
def test_a1111s_older_aliases_are_known(alias, fields):
    sampler, spacing = fields
    assert names.sampler(alias) == {"sampler": sampler} | ({"sigma_schedule": spacing} if spacing else {})


def test_turbo_is_forges_name_of_the_trailing_timesteps():
    assert names.spacing("Turbo") == "path"


def test_invokes_suffix_is_karras():
    assert names.sampler("dpmpp_sde_k") == {"sampler": "dpmpp_sde", "sigma_schedule": "karras"}


def test_a_spacing_given_by_itself_goes_before_the_one_in_the_samplers_name():
    request = TextToImageRequest.parse({"sampler": "Euler a Karras", "sigma_schedule": "Simple"})
    assert (request.sampler, request.schedule.sigma_schedule) == ("euler_ancestral", "simple")


@pytest.mark.parametrize("sampler", ["DPM fast", "Karras", "Euler a Karras please", "", 7, None, ["euler"]])
def test_a_name_that_nobody_knows_is_refused_as_it_was_given(sampler):
    with pytest.raises(BadRequest, match="sampler must be one of .*got"):
        TextToImageRequest.parse({"sampler": sampler})


@pytest.mark.parametrize("spacing", SIGMA_SCHEDULE_LABELS)
def test_a_split_infotext_names_the_spacing(spacing):
    text = f"fox\nSteps: 20, Sampler: DPM++ 2M, Schedule type: {SIGMA_SCHEDULE_LABELS[spacing]}, Seed: 1"
    assert parse(text)["request"]["sigma_schedule"] == spacing
