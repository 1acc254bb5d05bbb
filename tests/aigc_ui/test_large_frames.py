"""Frames of large pictures stay small: latents are shown, never decoded, and what is kept is bounded."""

import torch

from aigc_ui.frames import FrameEncoder
from pipelines.diffusion.preview import sd1_preview
from pipelines.engine.eventlog import FRAME_BYTES, EventLog
from pipelines.events import Frame

STEPS, PICTURES = 150, 16


def frame(index: int, pictures: int = 1, side: int = 128) -> Frame:
    latents = torch.randn(2 * pictures, 4, side, side, generator=torch.Generator().manual_seed(index))
    shown = sd1_preview()(latents)
    return Frame(index, STEPS, 1.0, shown[:pictures], shown[pictures:])


def test_a_run_of_150_steps_at_1024_pixels_is_kept_whole():
    log = EventLog()
    for index in range(STEPS + 1):
        log.put(frame(index))
    assert [kept.index for kept in log.frames()] == list(range(STEPS + 1))
    assert log.frame_bytes() == (STEPS + 1) * 2 * 3 * 128 * 128 < FRAME_BYTES


def test_of_16_pictures_at_1024_pixels_steps_are_left_out_evenly_and_the_last_stays():
    log = EventLog()
    one = frame(0, PICTURES)
    for index in range(STEPS + 1):
        log.put(Frame(index, STEPS, 1.0, one.x, one.x0_pred))
    kept = [frame.index for frame in log.frames()]
    assert log.frame_bytes() <= FRAME_BYTES and kept[0] == 0 and kept[-1] == STEPS and len(kept) > 20


def test_a_frame_is_sent_in_at_most_as_many_bytes_as_its_pixels_have():
    sent = FrameEncoder().encode(frame(0))  # noise: what compresses worst
    assert len(sent["x"]) < 3 * 128 * 128
