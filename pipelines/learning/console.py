"""A training in a terminal: who interrupts it, stops it after the step that it is in, and what there is is kept."""

import signal

from pipelines.learning.wishes import Wishes


def stopped_by_signals() -> Wishes:
    """Wishes that Ctrl-C and a polite kill stop. Call it in the main thread."""
    wishes = Wishes()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_given: wishes.stop())
    return wishes
