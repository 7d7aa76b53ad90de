"""Fuzzing by coverage with atheris: `python -m tests.fuzz.run [libFuzzer's options] [folders of seeds]`.

`make fuzz` does it for ten minutes. What is found goes to the first folder, a crash to `-artifact_prefix`. A crash belongs into `tests/fuzz/corpus` under a name that says what it was.
"""

from __future__ import annotations

import logging
import sys

import atheris


def main() -> None:
    """Instrument what is fuzzed, and fuzz. Does not return: libFuzzer ends the process."""
    with atheris.instrument_imports(include=["sip"]):
        from tests.fuzz.target import check  # to be imported only now, while imports are instrumented
    # The agent logs what it did not foresee; the target sees its counter, and a log line each time only costs time.
    logging.getLogger("trubka.sip").disabled = True
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
