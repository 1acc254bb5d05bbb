"""A count of the work that a stranger's text may still cause; whoever does some takes it from there first."""

from pipelines.errors import BadRequest, Sentence


class Steps:
    """`take(n)` until `most` are taken; then BadRequest with `why`, which says what is too much and what to do."""

    def __init__(self, most: int, why: Sentence) -> None:
        self._left, self._why = most, why

    def take(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise BadRequest(self._why)
