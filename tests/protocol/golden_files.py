"""Reads the golden files that the widget's tests read too."""

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "golden"


def golden(name: str) -> Any:
    """The content of one golden file."""
    return json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))


def compact(value: object) -> bytes:
    """A JSON value as the codec writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
