"""Which judge reads which composition: shapes the exact parser, drawings the nearest neighbour, places their parser."""

from collections.abc import Sequence

from pipelines.data.compositions import Composition
from pipelines.evaluation import place_judge, plain_judge, shapes_judge
from pipelines.evaluation.parts import Picture


def verdict(picture: Picture, wanted: Composition) -> dict[str, bool]:
    """What of the composition is right in the picture, uint8 (SIZE, SIZE, 3), and `all` of it."""
    if wanted.place is not None:
        return place_judge.judge(picture, wanted)
    if wanted.style:
        return plain_judge.judge_styled(picture, wanted)
    if wanted.relation == "group":
        return plain_judge.judge_group(picture, wanted)
    if all(figure.is_shape for figure in wanted.figures):
        return shapes_judge.judge(picture, wanted)
    if len(wanted.figures) == 1:
        return plain_judge.judge_one(picture, wanted)
    return plain_judge.judge_two(picture, wanted)


def right(picture: Picture, wanted: Composition) -> bool:
    return verdict(picture, wanted)["all"]


def checked(picture: Picture, wanted: Composition, checks: Sequence[str], also: Sequence[str] = ()) -> dict[str, bool]:
    """Only what a sentence says, each of the checks, and `all` of them; what it leaves open may be anything.

    A "subject" alone on a plain ground is one of the first five names, or one of `also` is; beside another it is found.
    """
    if wanted.place is not None:
        found = place_judge.judge(picture, wanted)
    elif wanted.relation == "beside":
        first, second = (place_judge.finds_on_plain(picture, figure) for figure in wanted.figures)
        found = {"subject": first, "second": second}
    elif wanted.relation == "group":
        group = plain_judge.judge_group(picture, wanted)
        found = group | {"subject": group["thing"]}
    else:
        found = plain_judge.judge_named(picture, wanted.figures[0], also)
    verdict = {check: found[check] for check in checks}
    return verdict | {"all": all(verdict.values())}
