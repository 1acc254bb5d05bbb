"""Strangers' pictures that are small as files and large once unpacked, one and sixty at once."""

import base64
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx

from benchmarks.soak.attack import attack
from benchmarks.studio import Studio
from tests.pipelines.store import hostile_pictures as hostile

AT_ONCE = 60


@attack("60 WebP files of 34 bytes, 64 megapixels each, at once")
def webp_heads(studio: Studio) -> str:
    return _at_once(studio, hostile.webp_head(16383, 3900))


@attack("60 grey PNG files of 16 bits, 64 megapixels each, at once")
def sixteen_bits(studio: Studio) -> str:
    return _at_once(studio, hostile.READ["PNG of 16 bits"]())


@attack("60 GIF files of 35 bytes, 64 megapixels each, at once")
def gif_heads(studio: Studio) -> str:
    return _at_once(studio, hostile.gif(8000, 8000))


@attack("60 pictures of packed texts, 4 GB each, read for their settings at once")
def packed_texts(studio: Studio) -> str:
    return _at_once(studio, hostile.READ["PNG of packed texts"](), "/api/v1/metadata")


@attack("a 16-bit mask of 64 megapixels in base64, to be inverted", "--api")
def mask(studio: Studio) -> str:
    picture = base64.b64encode(hostile.red_png()).decode()
    large = base64.b64encode(hostile.READ["PNG of 16 bits"]()).decode()
    body = {"init_images": [picture], "mask": large, "inpainting_mask_invert": 1, "steps": 1, "width": 64, "height": 64}
    return f"{studio.http.post('/sdapi/v1/img2img', json=body, timeout=120).status_code}"


def _at_once(studio: Studio, data: bytes, path: str = "/api/v1/inputs") -> str:
    """How many got which answer, and how long the slowest health check took meanwhile."""

    def send(_: int) -> str:
        try:
            return str(studio.http.post(path, content=data, timeout=300).status_code)
        except httpx.TransportError as error:
            return type(error).__name__

    with ThreadPoolExecutor(AT_ONCE) as senders:
        answers = Counter(senders.map(send, range(AT_ONCE)))
    return ", ".join(f"{count} times {answer}" for answer, count in sorted(answers.items()))
