"""Stories for tests of ladders: messages in a line each, one moment after the other."""

from dataclasses import dataclass, field
from datetime import timedelta, timezone

from gateway.ladder.frames import Seen
from gateway.ladder.steps import Ladder, ladder
from gateway.ladder.story import Heading, Leg, Said, Story

ZONE = timezone(timedelta(hours=3))
BEGAN = 1_795_359_528.0  # 2026-11-22 17:58:48 +0300
PBX = "192.0.2.1:5060"
SDP = "v=0\no=- 1 1 IN IP4 192.0.2.1\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n"
HOLD = f"{SDP}a=sendonly\n"


@dataclass
class Telling:
    """A story on its way. `sent` messages are ours."""

    legs: int = 1
    now: float = BEGAN
    said: list[Said] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def say(
        self, start: str, cseq: str, *headers: str, sent: bool = False, leg: int = 0, to: str = ";tag=b", sdp: str = "",
        peer: str = PBX, after: float = 0.01,
    ) -> "Telling":  # fmt: skip
        """A message: its start (a method or `200 OK`) and its CSeq."""
        self.now += after
        first = f"SIP/2.0 {start}" if start[0].isdigit() else f"{start} sip:101@192.0.2.9 SIP/2.0"
        lines = [
            first,
            "From: <sip:a@x>;tag=a",
            f"To: <sip:b@x>{to}",
            f"Call-ID: c{leg}",
            f"CSeq: {cseq}",
            *headers,
        ]
        if sdp:
            lines.append("Content-Type: application/sdp")
        text = "\n".join(lines) + (f"\n\n{sdp}" if sdp else "\n")
        self.said.append(Said(self.now, sent, "udp", peer, leg, text))
        return self

    def see(
        self, what: str, *details: str, from_page: bool = False, changes: bool = False, failed: bool = False,
        after: float = 0.01,
    ) -> "Telling":  # fmt: skip
        """A frame."""
        self.now += after
        self.seen.append(Seen(self.now, from_page, what, "tab-a", list(details), changes, failed))
        return self

    @property
    def story(self) -> Story:
        legs = [Leg(f"c{leg}") for leg in range(self.legs)]
        heading = Heading(
            BEGAN, "call-1", "101", "in", "+7 916 123-45-67", legs=[leg.call_id for leg in legs]
        )
        return Story(heading, legs, self.said, self.seen)

    @property
    def ladder(self) -> Ladder:
        return ladder(self.story)


def answered() -> Telling:
    """A customer calls, the page answers, the customer hangs up."""
    told = Telling().say("INVITE", "1 INVITE", to="", sdp=SDP).say("100 Trying", "1 INVITE", sent=True, to="")
    told.see("ring", "audio 192.0.2.1:4000 sendrecv").see("ring_ack", from_page=True)
    told.say("180 Ringing", "1 INVITE", sent=True).see("answer", from_page=True)
    told.say("200 OK", "1 INVITE", sent=True, sdp=SDP).say("ACK", "1 ACK").see(
        "delta incoming → talking", changes=True
    )
    return told.say("BYE", "2 BYE", after=38.0).say("200 OK", "2 BYE", sent=True)
