"""Makes the README's moving picture: five prompts denoised side by side, noisy picture above, current guess below."""

from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.device.manager import DeviceManager
from pipelines.engine import registry
from pipelines.evaluation.text_to_image import at_judged_size
from pipelines.events import Frame, Result

PROMPTS = (
    "a panda",
    "a large red circle left of a small blue star on a yellow background",
    "sunset over mountains",
    "五个苹果",
    "a beach with a palm tree",
)
FILE = Path(__file__).parents[1] / "docs" / "pictures" / "denoising.webp"
HOLD = 14


def column(prompt: str, devices: DeviceManager) -> list[np.ndarray]:
    """x_t over x0_pred for every step, and at the end the finished picture over itself: (2 H, W, 3)."""
    generator = registry.get("text-to-image")
    request = generator.request_type.parse({"prompt": prompt, "seed": 7, "num_inference_steps": 24, "upscale": "none"})
    pictures = []
    for event in generator.stream(request, devices):
        if isinstance(event, Frame):
            pictures.append(np.concatenate([event.x[0], event.x0_pred[0]]))
        if isinstance(event, Result):
            done = at_judged_size(event.images[0])
            pictures += [np.concatenate([done, done])] * HOLD
    return pictures


def main() -> None:
    devices = DeviceManager()
    try:
        columns = [column(prompt, devices) for prompt in PROMPTS]
    finally:
        devices.close()
    frames = [Image.fromarray(np.concatenate(pictures, axis=1)) for pictures in zip(*columns, strict=True)]
    FILE.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(FILE, save_all=True, append_images=frames[1:], duration=110, loop=0, quality=72, method=6)
    print(f"{FILE.name}: {len(frames)} frames, {FILE.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
