"""What of a program's own body goes back to it: the fields that A1111 knows, without pictures and within bounds."""

from collections.abc import Mapping
from typing import Any

LARGEST = 20_000
"""Characters and values of one field that still come back; pictures in base64 are far longer."""
MOST_IGNORED = 100
LONGEST_NAME = 80
KNOWN = frozenset(
    """
    alwayson_scripts batch_size cfg_scale comments denoising_strength disable_extra_networks do_not_save_grid
    do_not_save_samples enable_hr eta firstpass_image firstphase_height firstphase_width force_task_id height
    hr_additional_modules hr_cfg hr_checkpoint_name hr_distilled_cfg hr_negative_prompt hr_prompt hr_resize_x
    hr_resize_y hr_sampler_name hr_scale hr_scheduler hr_second_pass_steps hr_upscaler image_cfg_scale
    include_init_images infotext initial_noise_multiplier inpaint_full_res inpaint_full_res_padding inpainting_fill
    inpainting_mask_invert latent_mask mask_blur mask_blur_x mask_blur_y mask_round n_iter negative_prompt
    override_settings override_settings_restore_afterwards prompt refiner_checkpoint refiner_switch_at resize_mode
    restore_faces s_churn s_min_uncond s_noise s_tmax s_tmin sampler_index sampler_name save_images scheduler
    script_args script_name seed seed_enable_extras seed_resize_from_h seed_resize_from_w send_images steps styles
    subseed subseed_strength tiling use_deprecated_controlnet width
    """.split()
)
"""Fields of A1111's two requests, without those that hold pictures only."""


def parameters(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name in KNOWN and _size(value) <= LARGEST}


def shortened(ignored: Mapping[str, str]) -> dict[str, str]:
    """What was left out, with why: so many names, each so long, and how many more there are."""
    first = list(ignored.items())[:MOST_IGNORED]
    more = {"...": f"and {len(ignored) - len(first)} more fields"} if len(ignored) > len(first) else {}
    return {name[:LONGEST_NAME]: why for name, why in first} | more


def _size(value: Any) -> int:
    """Characters and values in it; counting ends soon beyond LARGEST."""
    waiting, size = [value], 0
    while waiting and size <= LARGEST:
        one = waiting.pop()
        size += len(one) if isinstance(one, str) else 1
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one
    return size
