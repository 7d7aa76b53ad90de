"""A conversation as the wire shows it. Pure; kept in the conversation until that changes."""

from typing import Final

from gateway.calls.actions import actions
from gateway.calls.conversation import Conversation
from gateway.calls.facts import Layer
from protocol.codes import Cause
from protocol.entities import Call, Device, Hold

_NOWHERE: Final = Device(kind="none")
_NOT_HELD: Final = Hold(us=False, pbx=False, phone=False, them=False)


def shown(conversation: Conversation) -> Call:
    """The call as pages see it; made anew only after a change."""
    carrying = conversation.carrying() if conversation.connected else []
    device = carrying[-1].device if carrying else conversation.legs[-1].device
    pending = tuple(conversation.pending)
    call = Call(
        id=conversation.id,
        rev=conversation.rev,
        extension=conversation.extension,
        direction=conversation.direction,
        party=conversation.party,
        device=device if conversation.state != "ended" else _NOWHERE,
        sound=conversation.sound,
        state=conversation.state,
        hold=_hold(conversation.layers()) if carrying else _NOT_HELD,
        muted=conversation.muted,
        pending=pending,
        confirmed=conversation.confirmed,
        began_at=conversation.began_at,
        state_since=conversation.state_since,
        actions=actions(conversation.state, conversation.sound, device.kind, pending, conversation.confirmed),
        answered_at=conversation.answered_at,
        ended_at=conversation.ended_at,
        end=conversation.end,
        elsewhere=_elsewhere(conversation),
    )
    conversation.shown = call
    return call


def _hold(layers: set[Layer]) -> Hold:
    if not layers:
        return _NOT_HELD
    return Hold(us="us" in layers, pbx="pbx" in layers, phone="phone" in layers, them="them" in layers)


def _elsewhere(conversation: Conversation) -> str | None:
    """Who took it, when somebody else did; a conversation that we talked in was not taken."""
    if conversation.end is None or conversation.end.cause is not Cause.ANSWERED_ELSEWHERE:
        return None
    return conversation.elsewhere
