"""A network namespace for a peer that does not use the loopback: two addresses and a wire between them, gone with the play.

    with Namespace(workshop) as island:
        island.start("baresip", ["baresip", …])       # sees island.inside, reaches island.outside
        bind(island.outside)                          # ours

The namespace is that of one process which waits in it; when that ends, the namespace and the wire are gone, also after a crash. Making
one needs the right to do so (root, or CAP_NET_ADMIN).
"""

import secrets
import signal
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tests.peers.processes import Process, Workshop, program


class Namespace:
    """An island with one address, and the wire to it.

    Attributes:
        outside: our end's address.
        inside: the island's.
        folder: for the files of what is started there.
    """

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self.folder = workshop.folder
        # Names and addresses of their own: the system takes its time to clear the wire of the play before away.
        self._name = f"tk{secrets.token_hex(4)}"
        net = f"10.231.{secrets.randbelow(256)}"
        place = 4 * secrets.randbelow(64)
        self.outside, self.inside = f"{net}.{place + 1}", f"{net}.{place + 2}"
        self._holder: Process | None = None

    def __enter__(self) -> Self:
        argv = [program("unshare"), "--net", "--", "sh", "-c", "echo waits; exec sleep 3600"]
        self._holder = self._workshop.start("namespace", argv)
        self._holder.wait_for_output("waits")
        peer, pid = f"{self._name}p", str(self._holder.pid)
        self._ip("link", "add", self._name, "type", "veth", "peer", "name", peer, "netns", pid)
        self._ip("address", "add", f"{self.outside}/30", "dev", self._name)
        self._ip("link", "set", self._name, "up")
        for command in (
            ("link", "set", "lo", "up"),
            ("address", "add", f"{self.inside}/30", "dev", peer),
            ("link", "set", peer, "up"),
            ("route", "add", "default", "via", self.outside),
        ):
            subprocess.run([*self._entered(), program("ip"), *command], check=True, capture_output=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._holder is not None:
            self._holder.end()

    def start(self, name: str, argv: Sequence[str]) -> Process:
        """Start a program on the island."""
        # It is not asked to leave kindly: it would say goodbye, for seconds, to peers that are gone.
        return self._workshop.start(name, [*self._entered(), *argv], end_signal=signal.SIGKILL)

    def _entered(self) -> list[str]:
        assert self._holder is not None, "entered before it was made"
        return [program("nsenter"), "--target", str(self._holder.pid), "--net", "--"]

    def _ip(self, *words: str) -> None:
        subprocess.run([program("ip"), *words], check=True, capture_output=True)
