"""Child processes of the tests: started with their output kept in a file, ended by pid, never left behind.

`Workshop` owns a temporary folder and the processes started in it; leaving it ends them in reverse order and deletes the
folder. A child also dies when the test run itself is killed (Linux: the parent-death signal, set by util-linux' `setpriv`).
`Workshop.report()` is what a failing test shows. Knows nothing of what the processes are.
"""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.peers.waiting import PATIENCE

_POLL = 0.02  # seconds between looks at an output file: a file cannot be awaited
_KIND_END = 5.0  # seconds a process gets between the kind signal and SIGKILL
# Whoever was killed before the tie was made is not there any more when this looks: the child has been given to another parent.
_UNLESS_ORPHANED = '[ "$PPID" = "$0" ] && exec "$@"'


class MissingPeerError(RuntimeError):
    """A program that the plays need is not on this machine: said in a sentence with its remedy, never skipped."""

    def __init__(self, program: str) -> None:
        self.program = program
        super().__init__(
            f"{program} is not installed: run scripts/install-test-peers (as root on Debian or Ubuntu)"
        )


class ProcessEndedError(RuntimeError):
    """A process ended, or stayed silent too long, while it was waited for; carries the end of its output."""

    def __init__(self, process: "Process", waited_for: str) -> None:
        self.process = process
        state = f"ended with {process.returncode}" if process.returncode is not None else "is still running"
        super().__init__(f"{process.name} {state}, waited for {waited_for}\n{process.output()[-4000:]}")


def program(name: str) -> str:
    """The path of a program, or MissingPeerError. `sbin` is looked into as well: daemons live there."""
    found = shutil.which(name) or shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin")
    if found is None:
        raise MissingPeerError(name)
    return found


class Process:
    """One child with its output in a file. Started by `Workshop.start`."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        end_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self._end_signal = end_signal
        self._began = (
            log.stat().st_size if log.exists() else 0
        )  # a process of this name may have spoken before
        with log.open("ab") as sink:
            self._child = subprocess.Popen(
                [*_dying_with_us(end_signal), *argv],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,  # Ctrl-C at the terminal is ours to handle, in order
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        return self._child.poll()

    def output(self) -> str:
        """What this process has said, and not the one before it that was restarted."""
        with self.log.open("rb") as log:
            log.seek(self._began)
            return log.read().decode(errors="replace")

    def wait_for_output(self, pattern: str, within: float = PATIENCE) -> str:
        """Block until the output has a match of `pattern`; the matched text. For use outside an event loop."""
        deadline = time.monotonic() + within
        while (found := re.search(pattern, self.output())) is None:
            if self.returncode is not None or time.monotonic() > deadline:
                raise ProcessEndedError(self, f"{pattern!r} in its output")
            time.sleep(_POLL)
        return found.group()

    async def until_output(self, pattern: str, within: float = PATIENCE) -> str:
        """As `wait_for_output`, inside an event loop."""
        deadline = time.monotonic() + within
        while (found := re.search(pattern, self.output())) is None:
            if self.returncode is not None or time.monotonic() > deadline:
                raise ProcessEndedError(self, f"{pattern!r} in its output")
            await asyncio.sleep(_POLL)
        return found.group()

    async def until_ended(self, within: float = PATIENCE) -> int:
        """Wait for the end of the process; its exit code. Cancellation-safe: the process is left running."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        descriptor = os.pidfd_open(self.pid) if self.returncode is None else None
        if descriptor is not None:
            loop.add_reader(descriptor, ended.set)
            try:
                async with asyncio.timeout(within):
                    await ended.wait()
            except TimeoutError:
                raise ProcessEndedError(self, f"its end, {within} s") from None
            finally:
                loop.remove_reader(descriptor)
                os.close(descriptor)
        return self._child.wait()

    def signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            self._child.send_signal(number)

    def kill(self) -> None:
        """`kill -9` and wait: what the plays about lost processes need. Also the whole group, for its children."""
        if self.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait()

    def end(self) -> None:
        """Ask kindly, then kill. Returns when the process is gone."""
        self.signal(self._end_signal)
        try:
            self._child.wait(_KIND_END)
        except subprocess.TimeoutExpired:
            self.kill()


class Workshop:
    """A temporary folder and the processes started in it. Give one to each peer of a play."""

    def __init__(self, name: str = "play") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"trubka-{name}-"))
        self.processes: list[Process] = []
        self._logs: dict[str, Path] = {}

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        end_signal: signal.Signals = signal.SIGTERM,
    ) -> Process:
        """Start `argv`. A second process of the same name (a restart) appends to the first one's output."""
        log = self.folder / f"{name}.log"
        process = Process(name, argv, log, env=env, cwd=cwd, end_signal=end_signal)
        self.processes.append(process)
        self.show(name, log)
        return process

    def show(self, name: str, log: Path) -> None:
        """Let the report show one more file (a log that a process writes elsewhere)."""
        self._logs[name] = log

    def keep(self, name: str) -> None:
        """Take a copy of a shown file before its own folder is deleted."""
        if self._logs[name].exists():
            copy = self.folder / f"{name}.kept"
            shutil.copyfile(self._logs[name], copy)
            self._logs[name] = copy

    def report(self, last: int = 6000) -> list[tuple[str, str]]:
        """(name, the last characters of the output) of each process: shown under a failing test."""
        return [
            (name, log.read_text(errors="replace")[-last:])
            for name, log in self._logs.items()
            if log.exists()
        ]

    def close(self) -> None:
        for process in reversed(self.processes):
            process.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _dying_with_us(end_signal: signal.Signals) -> list[str]:
    """The prefix that ties a child's life to ours; empty where the system has no such tie (then `close` alone ends it)."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    tied = [setpriv, "--pdeathsig", end_signal.name.removeprefix("SIG"), "--"]
    return [*tied, "sh", "-c", _UNLESS_ORPHANED, str(os.getpid())]
