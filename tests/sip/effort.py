"""How much work something is, in a test: CPU seconds, on a machine that does other things as well."""

import time
from collections.abc import Callable


def effort(work: Callable[[], object], bound: float) -> float:
    """CPU seconds of the quickest of five runs, or of the first that was below `bound`.

    One run alone may carry what is not its own: the garbage of all the tests before it is collected in some test's time.
    """
    quickest = float("inf")
    for _ in range(5):
        began = time.process_time()
        work()
        quickest = min(quickest, time.process_time() - began)
        if quickest < bound:
            break
    return quickest
