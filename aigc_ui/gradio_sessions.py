"""What Gradio keeps for each visitor, made small: sessions are named by clients, so anybody can begin thousands."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from gradio.state_holder import SessionState, StateHolder

KEPT = 200
KEPT_MESSAGES = 1000
"""Sessions whose messages wait for a reader; Gradio itself would keep them for ever."""


class Session(SessionState):
    """Without the copy of the whole page's configuration, 40 ms of work, which only Gradio's deep links read."""

    def __init__(self, blocks: Any):
        super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks={}))  # type: ignore[arg-type]

    def _update_config(self, key: int) -> None: ...

    def _update_value_in_config(self, key: int, value: Any) -> None: ...


class Sessions(StateHolder):
    """The latest sessions; one that was dropped begins anew, since nothing of ours lives in them."""

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = Session(self.blocks)
        return super().__getitem__(session_id)


class Waiting:
    """The messages in the queue of a mounted gr.Blocks, by session and event."""

    def __init__(self, blocks: Any):
        self._blocks = blocks

    def has_session(self, name: str) -> bool:
        return name in self._blocks._queue.pending_messages_per_session

    def has_event(self, number: str) -> bool:
        """Whether it runs, or its last message was not read yet."""
        queue = self._blocks._queue
        return number in queue.event_ids_to_events or any(
            number in events for events in queue.pending_event_ids_session.values()
        )

    def sweep(self) -> None:
        """Drops what the oldest sessions have not read, those of running events aside."""
        queue = self._blocks._queue
        messages, events = queue.pending_messages_per_session, queue.pending_event_ids_session
        if len(messages) <= KEPT_MESSAGES:
            return
        for name in list(messages)[: len(messages) - KEPT_MESSAGES // 2]:
            if not any(number in queue.event_ids_to_events for number in events.get(name, ())):
                messages.pop(name)
                events.pop(name, None)


def shrink(app: Any, blocks: Any) -> None:
    """Gives `app`, which Gradio made of `blocks`, sessions of this kind."""
    blocks.state_session_capacity = KEPT
    app.state_holder = Sessions()
    app.state_holder.set_blocks(blocks)
