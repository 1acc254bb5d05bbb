"""How long it takes to validate a request for a picture while 3,000 models lie on the disk: the first, the next."""

import json
import os
import statistics
import struct
import tempfile
import time
from pathlib import Path

from pipelines import places
from pipelines.requests.text_to_image import TextToImageRequest

FILES = {
    # folder below the models -> how many lie in it
    "": 500,
    "loras": 1500,
    "embeddings": 400,
    "vae": 200,
    "controlnet": 200,
    "upscale_models": 200,
}
TIMES = 20


def plant(models: Path) -> int:
    """Empty safetensors files with sound headers; how many."""
    header = json.dumps({"__metadata__": {"format": "pt"}}).encode()
    for folder, count in FILES.items():
        (models / folder).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            name = f"model {index:04}.safetensors"
            (models / folder / name).write_bytes(struct.pack("<Q", len(header)) + header)
    return sum(FILES.values())


def seconds() -> float:
    values = TextToImageRequest.of(prompt="a fox", model="model 0250").values()
    start = time.perf_counter()
    TextToImageRequest.parse(values | {"vae": "model 0100.safetensors", "upscaler": "model 0100"})
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        count = plant(Path(folder) / "models")
        places.name({places.CHECKPOINTS: (Path(folder) / "models",)}, os.environ)
        first, *others = (seconds() for _ in range(TIMES + 1))
    print(f"Validating a request with {count} models on the disk: the first, median of the next {TIMES}")
    print(f"{first * 1000:.1f} ms, {statistics.median(others) * 1000:.2f} ms")


if __name__ == "__main__":
    main()
