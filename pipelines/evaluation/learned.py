"""Which subjects a model paints so that they can be named; the others are left out of the words that it knows.

`python -m pipelines.evaluation.learned MODEL` paints each subject alone on white from SEEDS seeds, none of them the
evaluation's, and writes the model's `vocabulary.json` and its sheet of small pictures.
"""

import sys
from collections import defaultdict

from pipelines import models
from pipelines.data import vocabulary
from pipelines.device.manager import DeviceManager
from pipelines.evaluation import composed_prompts, composition_record
from pipelines.evaluation.text_to_image import SETTINGS, Maker, make_pictures, verdicts

SEEDS = 2
FIRST_SEED = 9000


def unlearned(make: Maker) -> list[str]:
    """The subjects that are not among the judge's first five names in any of their pictures, in order."""
    plain = composed_prompts.load()
    entries: list[composed_prompts.Entry] = [
        entry | {"seed": FIRST_SEED + seed * 1000 + i}
        for i, entry in enumerate(plain["subjects"] + plain["people_and_faces"])
        for seed in range(SEEDS)
    ]
    named: dict[str, bool] = defaultdict(bool)
    for entry, verdict in zip(entries, verdicts(entries, make(entries)), strict=True):
        named[composition_record.from_json(entry["composition"]).figures[0].noun] |= verdict["top5"]
    return sorted(noun for noun, once in named.items() if not once)


def main() -> None:
    (name,) = sys.argv[1:]
    devices = DeviceManager()
    try:
        left_out = unlearned(lambda entries: make_pictures(entries, devices, SETTINGS | {"model": name}))
    finally:
        devices.close()
    vocabulary.write(models.find(name), left_out)
    print(f"{len(left_out)} subjects are left out: {', '.join(left_out)}")


if __name__ == "__main__":
    main()
