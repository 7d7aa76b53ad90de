"""The house holds its own shape: who may import whom, what a core may not touch, how long a file may be.

Design section 2 draws the arrows; house rule 2 says what a core is. Both are read from the imports here, so that a
wrong arrow fails the run before anybody has to notice it in a review.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("protocol", "sip", "gateway", "sandbox")

ARROWS = {
    "protocol": {"protocol"},
    "sip": {"sip"},
    "gateway": {"gateway", "protocol", "sip"},
    "sandbox": {"sandbox", "sip"},
}

# What is a shell: it may touch the loop, sockets, clocks, chance. Everything else is a core.
SHELLS = (
    "sip/transport/",
    "protocol/typescript.py",
    "sip/diagrams.py",
    "gateway/__main__.py",
    "gateway/app.py",
    "gateway/commands.py",
    "gateway/composition.py",
    "gateway/ladder/ask.py",
    "gateway/ladder/command.py",
    "gateway/ladder/door.py",
    "gateway/main.py",
    "gateway/metrics.py",
    "gateway/node.py",
    "gateway/owners.py",
    "gateway/settings.py",
    "gateway/realtime/gate.py",
    "gateway/realtime/sessions.py",
    "gateway/realtime/websocket.py",
    "gateway/crm/widget_auth.py",
    "gateway/store/",
    "sandbox/",
)
FORBIDDEN_IN_CORES = {
    "aiohttp", "asyncio", "httpx", "os", "random", "secrets", "select", "selectors", "socket", "sqlalchemy", "ssl",
    "starlette", "subprocess", "threading", "time", "uvicorn", "uvloop",
}  # fmt: skip

HARD_END = 350  # lines of a file that can still be read alone


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The absolute names that the file at path imports, relative imports resolved."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            yield ".".join((*base, node.module or "")).rstrip(".")


def is_core(path: Path) -> bool:
    return not str(path.relative_to(ROOT)).startswith(SHELLS)


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_along_the_arrows(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / package).rglob("*.py")
        for name in imported(path)
        if name.split(".")[0] in PACKAGES and name.split(".")[0] not in ARROWS[package]
        # The demo command starts the gateway as a process of its own; it never imports it.
    ]
    assert wrong == []


def test_cores_import_no_io_no_clock_and_no_chance() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules()
        if is_core(path)
        for name in imported(path)
        if name.split(".")[0] in FORBIDDEN_IN_CORES
    ]
    assert wrong == []


def test_every_shell_named_here_exists() -> None:
    assert [shell for shell in SHELLS if not (ROOT / shell).exists()] == []


def test_files_can_be_read_alone() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in modules()
        if (lines := len(path.read_text("utf-8").splitlines())) > HARD_END
    }
    assert long == {}


def test_nothing_is_called_manager_helper_or_utils() -> None:
    bad = {"manager", "managers", "helper", "helpers", "util", "utils", "misc", "common"}
    names = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules()
        for name in (
            path.stem,
            *(
                node.name
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(node, ast.ClassDef)
            ),
        )
        if name.lower() in bad or name.endswith(("Manager", "Helper", "Utils", "Util"))
    ]
    assert names == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if "migrations/versions" not in str(path)
        and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []
