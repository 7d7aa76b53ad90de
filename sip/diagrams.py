"""Draws every machine from its table: `python -m sip.diagrams [DIRECTORY]` writes one Mermaid page for each.

The pages under `docs/machines/` are made by this and by nothing else; a test fails when they are stale.
Knows nothing of any single machine: it finds them by importing the modules of the package.
"""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import Any, Final

import sip
from sip.machine import Action, Machine

DIRECTORY: Final = Path("docs/machines")

_PAGE: Final = """# {title}

Drawn by `python -m sip.diagrams` from the table in `{source}`; do not edit. Source: {figure}.

```mermaid
stateDiagram-v2
{arrows}
```

| state | input | next | action |
|---|---|---|---|
{rows}
"""


def find_machines(package: ModuleType) -> list[type[Machine[Any, Any]]]:
    """Every machine with a table in the package, by title."""
    for module in walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    found = {
        machine
        for machine in _subclasses(Machine)
        if "table" in vars(machine) and machine.__module__.startswith(f"{package.__name__}.")
    }
    return sorted(found, key=lambda machine: machine.title)


def draw(machine: type[Machine[Any, Any]]) -> str:
    """The page of one machine. An arrow bears all inputs that lead the same way; what is ignored stands in the table only."""
    arrows: dict[tuple[str, str], list[str]] = {}
    rows = []
    for (state, event), (following, action) in machine.table.items():
        rows.append(f"| {state} | {event} | {following} | {_words(action)} |")
        if state != following or action is not None:
            arrows.setdefault((state, following), []).append(event)
    lines = [f"    [*] --> {_name(machine.initial)}"]
    lines += [
        f"    {_name(one)} --> {_name(other)}: {', '.join(events)}" for (one, other), events in arrows.items()
    ]
    left = {state for state, _ in arrows if any(one == state != other for one, other in arrows)}
    lines += [
        f"    {_name(state)} --> [*]"
        for state in dict.fromkeys(other for _, other in arrows)
        if state not in left
    ]
    return _PAGE.format(
        title=machine.title,
        source=f"{machine.__module__.replace('.', '/')}.py",
        figure=machine.figure,
        arrows="\n".join(lines),
        rows="\n".join(rows),
    )


def pages() -> dict[str, str]:
    """File name → page, for every machine of `sip`."""
    return {f"{machine.title.lower().replace(' ', '-')}.md": draw(machine) for machine in find_machines(sip)}


def main(directory: Path = DIRECTORY) -> None:
    """Write all pages, and remove those of machines that are gone."""
    directory.mkdir(parents=True, exist_ok=True)
    drawn = pages()
    for stale in directory.glob("*.md"):
        if stale.name not in drawn:
            stale.unlink()
    for name, page in drawn.items():
        (directory / name).write_text(page, encoding="utf-8")


def _subclasses(kind: type[Machine[Any, Any]]) -> Iterator[type[Machine[Any, Any]]]:
    for one in kind.__subclasses__():
        yield one
        yield from _subclasses(one)


def _name(state: str) -> str:
    return state.replace(" ", "_").replace("-", "_")


def _words(action: Action | None) -> str:
    name = getattr(action, "__name__", "")
    return name.strip("_").replace("_", " ") if action is not None else "–"


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
