"""How every program of the benchmarks times itself."""

import json
import time
from collections.abc import Callable


def print_rate(run: Callable[[], int], seconds: float = 3.0) -> None:
    """Prints how much work `run` does per CPU-second; it returns how much it did.

    Its first call, which compiles, is not counted.
    """
    run()
    done, began = 0, time.process_time()
    while time.process_time() - began < seconds:
        done += run()
    print(json.dumps({"rate": done / (time.process_time() - began)}))
