"""Taking calls from disk after a restart at the same address; nothing is sent by that.

Knows which kind of saved call becomes which machine; `UserAgent.load_call` says what each does then.
Invariant: a call that lives already is not taken twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sip.account import Account
from sip.call import Call
from sip.calls.callee import IncomingCall
from sip.calls.loaded import LoadedCall, ResumedCall
from sip.calls.saved import SavedCall
from sip.core import Core
from sip.errors import LocalProtocolError
from sip.flow import Flow
from sip.message import Request, parse
from sip.transactions.via import fall_back

if TYPE_CHECKING:
    from sip.receiver import Receiver


def load(core: Core, saved: SavedCall, account: Account | None, now: float, owner: object) -> Call:
    """A confirmed dialog, or an INVITE of ours without a final response.

    Raises:
        LocalProtocolError: the call lives already, or its INVITE is none of ours.
        ParseError: what was saved cannot be read.
    """
    _refuse_a_living(core, saved)
    contact = core.line_contact(account) if account else core.contact(None, saved.transport)
    call: Call
    if saved.kind == "dialog":
        call = LoadedCall(core, saved, now, contact=contact, account=account, owner=owner)
    else:
        request = parse(saved.invite)
        if account is None or not isinstance(request, Request):
            raise LocalProtocolError("an INVITE of ours and its account are needed to go on with it")
        remote = (saved.host, saved.port)
        flow = account.tls_flow(remote) if saved.transport == "tls" else Flow(saved.transport, remote)
        call = loaded = ResumedCall(
            core, request, flow, local_tag=saved.local_tag, contact=contact, account=account, owner=owner
        )
        loaded.resume(now, saved)
    core.calls[call.id, call.local_tag] = call
    return call


def load_incoming(
    core: Core, receiver: Receiver, saved: SavedCall, account: Account | None, now: float, owner: object
) -> Call:
    """A call to us. Its INVITE goes the way of one from the wire, so that what the peer repeats of it finds its transaction.

    Raises:
        LocalProtocolError: the call lives already, or its INVITE cannot be taken again.
        ParseError: what was saved cannot be read.
    """
    _refuse_a_living(core, saved)
    receiver.load(saved.local_tag, account, owner)
    invite, flow = parse(saved.invite), Flow(saved.transport, (saved.host, saved.port))
    if flow.is_reliable and isinstance(invite, Request):
        flow = fall_back(invite, flow)  # its connection went with our earlier life
    core.layer.receive(invite, flow, now)
    call = core.calls.get((saved.call_id, saved.local_tag))
    if call is None:
        raise LocalProtocolError(f"the INVITE of {saved.call_id} is known already, or cannot be taken again")
    assert isinstance(call, IncomingCall), "an INVITE to us makes no other"
    call.restore(saved)
    return call


def _refuse_a_living(core: Core, saved: SavedCall) -> None:
    if (saved.call_id, saved.local_tag) in core.calls:
        raise LocalProtocolError(f"the call {saved.call_id} lives already")
