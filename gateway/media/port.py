"""What a line asks of whatever carries the sound. `direct` is the one way so far; a media engine between will be another.

A driver has no state of its own for a leg: the line keeps the page's and the PBX's last descriptions and hands them in.
"""

from typing import Protocol

from gateway.media.direct import Answer


class Media(Protocol):
    """The functions of `gateway.media.direct`, as another driver would have them too."""

    def checked(self, sdp: str) -> bytes:
        """The page's description as a message's body. Raises BadDescription."""

    def version_of(self, sdp: bytes) -> int:
        """The version in its `o=` line. Raises BadDescription."""

    def held(self, page: bytes, version: int) -> bytes:
        """The offer that holds."""

    def resumed(self, page: bytes, version: int) -> bytes:
        """The offer that takes the call back."""

    def answer(
        self, page: bytes, offer: bytes, earlier: bytes | None, version: int, *, holding: bool
    ) -> Answer:
        """The answer to the PBX's re-INVITE or UPDATE. Raises BadDescription."""
