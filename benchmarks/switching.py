"""Memory of the process while it switches between two models: what the first load took is what the last one leaves.

Two Stable Diffusion models with random weights, about 400 MB and 250 MB, in a temporary folder.
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pipelines import models
from pipelines.device import memory
from pipelines.device.hardware import Machine
from pipelines.device.manager import DeviceManager

SWITCHES = 20


def model_folder(folder: Path, widths: tuple[int, int]) -> Path:
    """The tiny model with a network of these widths."""
    from diffusers import UNet2DConditionModel

    from tests.tiny import tiny_pipeline

    pipeline: Any = tiny_pipeline("kl")
    config = dict(pipeline.unet.config) | {"block_out_channels": widths, "norm_num_groups": 8, "layers_per_block": 2}
    pipeline.unet = UNet2DConditionModel.from_config(config)
    pipeline.save_pretrained(folder)
    return folder


def main() -> None:
    from pipelines.generators.text_to_image import TextToImage
    from pipelines.requests.text_to_image import TextToImageRequest

    with tempfile.TemporaryDirectory() as home:
        names = ("one", "two")
        for name, widths in zip(names, ((512, 1024), (384, 832)), strict=True):
            model_folder(Path(home, name), widths)
        os.environ["AIGC_MODELS"] = home
        most = max(models.inspect(Path(home, name)).weight_bytes for name in names)
        devices = DeviceManager("cpu", budget_bytes=int(most * 1.1), probe=Machine)
        print(f"{'switch':>6} {'model':>6} {'seconds':>8} {'MB resident':>12}")
        for i in range(SWITCHES + 1):
            started, name = time.perf_counter(), names[i % 2]
            asked = {"model": name, "width": 64, "height": 64, "num_inference_steps": 1, "upscale": "none"}
            list(TextToImage().stream(TextToImageRequest.parse(asked), devices))
            if i < 3 or i % 5 == 0:
                spent = time.perf_counter() - started
                print(f"{i:6} {name:>6} {spent:8.2f} {memory.resident_memory() / 1e6:12.0f}", flush=True)
        devices.close()


if __name__ == "__main__":
    sys.exit(main())
