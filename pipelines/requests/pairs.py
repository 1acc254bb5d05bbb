"""Rules for two fields of a request."""

from pipelines.errors import BadRequest


def check_order(low: str, lower: float, high: str, higher: float) -> None:
    """Raises BadRequest where what should be the lower of two values, each behind its field's name, is not."""
    if lower > higher:
        raise BadRequest(
            "{low} must be at most {high}; got {low_value:g} and {high_value:g}.",
            low=low,
            high=high,
            low_value=lower,
            high_value=higher,
        )


def check_together(first: str, has_first: bool, second: str, has_second: bool) -> None:
    """Raises BadRequest where only one of two fields that need each other is given."""
    if has_first != has_second:
        missing = second if has_first else first
        raise BadRequest(
            "{model} and {image} go together; {missing} is missing. Add it or drop the other.",
            model=first,
            image=second,
            missing=missing,
        )
