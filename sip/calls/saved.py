"""What of a call survives the process: a confirmed dialog, or an INVITE that has no final answer yet.

Plain values (text, numbers, bytes), for its user to write down as it likes; knows nothing of where they are kept. Invariant: a field
that is added has a default, so that what an earlier release wrote can be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from sip.flow import TransportName

Kind: TypeAlias = Literal["dialog", "outgoing", "incoming"]


@dataclass(frozen=True, slots=True)
class SavedCall:
    """One call as `Call.dump()` saw it.

    `kind` says what was: "dialog" is a confirmed dialog (or a 200 of theirs that we are about to acknowledge), "outgoing" an INVITE
    of ours without a final response, "incoming" one to us that we have not answered, or whose 200 is not acknowledged yet
    (`local_sdp` is then the answer that it carried: `accept` it again after loading). `invite` is the head of the INVITE as it
    left, Via with branch included, or the whole of it as it came. `session_expires` is the agreed interval of the session timer, 0
    without one, and `we_refresh` says who gives the sign of life (RFC 4028).
    """

    kind: Kind
    direction: Literal["out", "in"]
    call_id: str
    local_tag: str
    remote_tag: str
    local: str
    remote: str
    request_uri: str
    target: str
    route_set: tuple[str, ...]
    local_cseq: int
    remote_cseq: int
    transport: TransportName
    host: str
    port: int
    invite: bytes = b""
    local_sdp: bytes | None = None
    remote_sdp: bytes | None = None
    session_expires: int = 0
    we_refresh: bool = False
    allows_update: bool = True
