"""How long an office waits, and how much it carries: values only, given at birth by whoever composes (`main` from the settings).

All times in seconds; see design 6 for the promises they stand for.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The office's patience.

    Args:
        ring_ack_s: a page may take so long to acknowledge a ring; a call waits so long for a page at all, then gets 480.
        ring_kept_s: a call that rings so long is written down; most short ones never touch the disk.
        blip_s: so long after the last beat of a page whose socket is lost, its calls are held.
        reload_s: so long a page that went is awaited before another tab is told to take its calls.
        return_s: so long a call waits for anybody to come back.
        linger_s: so long an ended call stays on the screen.
        probe_s: the dialog of a running call is probed so often.
        old_leg_s: so long after a reload the PBX may take to end the old leg, then we do.
        late_answer_s: so long after a restart the answer to a reload's INVITE is awaited, before it is cancelled.
        pace_s: pause between two registrations at the start.
        probe_pace_s: pause between two probes when many calls are probed at once.
        calls_per_extension: one more gets 486.
    """

    ring_ack_s: float = 2.0
    ring_kept_s: float = 1.0
    blip_s: float = 5.0
    reload_s: float = 3.0
    return_s: float = 30.0
    linger_s: float = 10.0
    probe_s: float = 30.0
    old_leg_s: float = 4.0
    late_answer_s: float = 5.0
    pace_s: float = 0.0002
    probe_pace_s: float = 0.01
    calls_per_extension: int = 8
