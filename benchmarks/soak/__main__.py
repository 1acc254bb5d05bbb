"""`make soak`: every attack in turn, and a table of what each cost and what was answered."""

import importlib
import pkgutil
import sys

from benchmarks import soak, studio
from benchmarks.soak.attack import ATTACKS, measured


def main(words: list[str]) -> None:
    """Attacks whose name holds one of the words; all of them without."""
    for module in pkgutil.iter_modules(soak.__path__):
        if module.name not in ("__main__", "attack"):
            importlib.import_module(f"benchmarks.soak.{module.name}")
    print("| attack | answer | s | CPU-s | peak MB | kept MB |\n|---|---|---|---|---|---|")
    for options in dict.fromkeys(options for options, _ in ATTACKS.values()):
        chosen = [(n, a) for n, (o, a) in ATTACKS.items() if o == options and (not words or any(w in n for w in words))]
        if not chosen:
            continue
        with studio.running(*options) as running:
            for name, attack in chosen:
                try:
                    answer, cost = measured(attack, running)
                except Exception as error:  # the other attacks go on
                    print(f"| {name} | **the attack broke off: {type(error).__name__}** | | | | |", flush=True)
                    continue
                figures = f"{cost.seconds:.1f} | {cost.cpu_seconds:.1f} | {cost.peak_mb:.0f} | {cost.kept_mb:.0f}"
                print(f"| {name} | {answer} | {figures} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
