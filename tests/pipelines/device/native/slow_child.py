"""A native process for tests that takes longer over each call than any real one."""

import sys
import time
from typing import Any

from pipelines.device.native import child

SECONDS = 0.4
answer = child._answer


def slowly(*given: Any) -> None:
    time.sleep(SECONDS)
    answer(*given)


if __name__ == "__main__":
    child._answer = slowly
    sys.exit(child.main())
