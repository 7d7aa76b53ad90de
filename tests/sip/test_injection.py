"""No text that is given to any door of the library becomes a header, a message or a line of its own: each is refused, or stands
where it belongs in one well-formed message.

A door is a public way in for text. Each is tried with texts full of line ends, NULs and other control characters; what leaves is
compared, line by line and name by name, with what the same door makes of a harmless word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip.account import Account
from sip.agent import UserAgent
from sip.call import Call
from sip.digest import Authenticator, Credentials
from sip.errors import SipError
from sip.headers import AuthParams, CSeq, Reason, ReplacesHeader, Via
from sip.ids import SeededIds
from sip.message import Request, Response, parse
from sip.subscriptions.facts import SubscriptionReceived
from sip.subscriptions.watcher import Watcher
from sip.uri import NameAddr, Uri
from tests.fuzz.scene import ACCOUNT, CORPUS, PBX, SDP, SEPARATOR, Scene, from_pbx, make_scene

HARMLESS = "harmless"
EVIL = [
    "\r\nEvil: yes", "\nEvil: yes", "\rEvil: yes", "a\r\n\r\nBYE sip:x SIP/2.0\r\n", "\0", "\r", "\n", "a\0b", "\r\n folded",
    ">\r\nEvil: yes", '"\r\nEvil: yes\r\nX: "', "\x0b", "\x0c", "\x1c", "\x1f", "\x7f", "\x85", "\u2028", "\ud800", "\t", " ", "",
    '"', "\\", '\\"', "<", ">", "<sip:evil@evil>", ",", ";", ";evil=1", "?", "@evil", "%0d%0aEvil: yes", "a b", "é", "::", "[", "]", "*",
]  # fmt: skip
TEXTS = st.lists(
    st.sampled_from(EVIL) | st.text(max_size=5) | st.sampled_from(["a", "1", "sip:"]), min_size=1, max_size=3
).map("".join)

Bytes = Iterable[bytes]


def build(uri: Uri | str = "sip:a@b", method: str = "OPTIONS", *headers: tuple[str, object]) -> Bytes:
    fixed = [
        ("Via", "SIP/2.0/UDP h;branch=z9hG4bK1"),
        ("From", "<sip:a@b>;tag=1"),
        ("To", "<sip:c@d>"),
        ("Call-ID", "x"),
    ]
    names = {name for name, _ in headers}
    lines = [*(pair for pair in fixed if pair[0] not in names), *headers]
    if "CSeq" not in names:
        lines.append(("CSeq", f"1 {method}"))
    return [Request.build(method, uri, lines).to_bytes()]  # type: ignore[arg-type]


def request() -> Request:
    message = parse(from_pbx("OPTIONS", "x"))
    assert isinstance(message, Request)
    return message


def changed(**changes: object) -> Uri:
    return replace(Uri("sip", "a", None, "b.example", None, {"p": "q"}, {"h": "v"}), **changes)  # type: ignore[arg-type]


def authorized(**changes: str) -> Bytes:
    words = {"username": "u", "password": "p", "realm": "r", "nonce": "n", **changes}
    authenticator = Authenticator(Credentials(words["username"], words["password"]))
    challenge = AuthParams("Digest", {"realm": words["realm"], "nonce": words["nonce"]}).format()
    authenticator.challenged(request().reply(401, headers=[("WWW-Authenticate", challenge)]), request())
    return [authenticator.authorize(request(), "cnonce").to_bytes()]


BUILDERS: dict[str, Callable[[str], Bytes]] = {
    "method": lambda text: build(method=text),
    "target as text": lambda text: build(f"sip:{text}@b"),
    "target": lambda text: build(text if ":" in text else f"sip:{text}"),
    "header name": lambda text: build("sip:a@b", "OPTIONS", (f"X{text}", "x")),
    "header value": lambda text: build("sip:a@b", "OPTIONS", ("Subject", text)),
    "content length": lambda text: build("sip:a@b", "OPTIONS", ("Content-Length", text)),
    "uri user": lambda text: build(changed(user=text)),
    "uri password": lambda text: build(changed(password=text)),
    "uri host": lambda text: build(changed(host=text)),
    "uri scheme": lambda text: build(changed(scheme=text)),
    "uri other": lambda text: build(changed(scheme="tel", user=text)),
    "uri parameter": lambda text: build(changed(params={"p": text})),
    "uri parameter name": lambda text: build(changed(params={text: "p"})),
    "uri header": lambda text: build("sip:a@b", "OPTIONS", ("Refer-To", NameAddr("", changed(headers={"h": text})))),
    "uri header name": lambda text: build("sip:a@b", "OPTIONS", ("Refer-To", NameAddr("", changed(headers={text: "h"})))),
    "display name": lambda text: build("sip:a@b", "OPTIONS", ("To", NameAddr(text, changed()))),
    "address parameter": lambda text: build("sip:a@b", "OPTIONS", ("To", NameAddr("", changed(), {"x": text}))),
    "address parameter name": lambda text: build("sip:a@b", "OPTIONS", ("To", NameAddr("", changed(), {text: "x"}))),
    "via transport": lambda text: build("sip:a@b", "OPTIONS", ("Via", Via(text, "h"))),
    "via host": lambda text: build("sip:a@b", "OPTIONS", ("Via", Via("UDP", text))),
    "via parameter": lambda text: build("sip:a@b", "OPTIONS", ("Via", Via("UDP", "h", None, {"x": text}))),
    "via received": lambda text: build("sip:a@b", "OPTIONS", ("Via", Via("UDP", "h", None, {"received": text}))),
    "cseq method": lambda text: build("sip:a@b", text, ("CSeq", CSeq(1, text))),
    "replaces call-id": lambda text: build("sip:a@b", "INVITE", ("Replaces", ReplacesHeader(text, "a", "b"))),
    "replaces tag": lambda text: build("sip:a@b", "INVITE", ("Replaces", ReplacesHeader("c", text, "b"))),
    "reason protocol": lambda text: build("sip:a@b", "BYE", ("Reason", Reason(text, 200))),
    "reason text": lambda text: build("sip:a@b", "BYE", ("Reason", Reason("SIP", 200, text))),
    "challenge value": lambda text: build("sip:a@b", "BYE", ("Authorization", AuthParams("Digest", {"realm": text}).format())),
    "challenge name": lambda text: build("sip:a@b", "BYE", ("Authorization", AuthParams("Digest", {text: "x"}).format())),
    "credentials name": lambda text: authorized(username=text),
    "credentials secret": lambda text: authorized(password=text),
    "credentials realm": lambda text: authorized(realm=text),
    "with header": lambda text: [request().with_header("Subject", text).to_bytes()],
    "with header name": lambda text: [request().with_header(f"X{text}", "x").to_bytes()],
    "appended": lambda text: [request().append("Subject", text).to_bytes()],
    "put on top": lambda text: [request().prepend("Subject", text).to_bytes()],
    "another target": lambda text: [request().with_uri(changed(user=text)).to_bytes()],
    "reply phrase": lambda text: [request().reply(400, text).to_bytes()],
    "reply tag": lambda text: [request().reply(400, to_tag=text).to_bytes()],
    "reply header": lambda text: [request().reply(400, headers=[("Warning", text)]).to_bytes()],
    "response phrase": lambda text: [Response.build(400, text, [(n, v) for n, v in request().headers if n != "Content-Length"]).to_bytes()],
}  # fmt: skip


def told(**changes: object) -> Account:
    return replace(ACCOUNT, **changes)  # type: ignore[arg-type]


def dial(scene: Scene, **more: object) -> None:
    account = more.pop("account", ACCOUNT)
    target = more.pop("target", Uri("sip", "bob", None, "pbx.example"))
    scene.agent.invite(account, target, SDP, 0.0, **more)  # type: ignore[arg-type]


def call(scene: Scene, name: str) -> Call:
    (found,) = [one for one in scene.agent.calls if one.id == name]
    return found


def challenged(scene: Scene, account: Account) -> None:
    """The line registers, and is asked for its credentials."""
    scene.agent.register(account, 0.0)
    (transmit,) = scene.agent.take_output()
    sent = parse(transmit.data)
    assert isinstance(sent, Request)
    reply = sent.reply(401, headers=[("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')])
    scene.agent.receive(reply.to_bytes(), transmit.flow, 0.0)


def cancel(scene: Scene, reason: Reason) -> None:
    """CANCEL waits for the first response, and leaves with it."""
    call(scene, "dialled").cancel(0.0, [reason])
    (trying,) = (CORPUS / "reply-invite-180-200").read_bytes().split(SEPARATOR)[:1]
    scene.agent.receive(scene.filled(trying), PBX, 0.0)


def subscribe(scene: Scene, **more: object) -> None:
    words = {"target": changed(), "event": "dialog", **more}
    scene.agent.subscribe(ACCOUNT, now=0.0, **words)  # type: ignore[arg-type]


def publish(scene: Scene, headers: list[tuple[str, str]]) -> None:
    scene.agent.publish(ACCOUNT, "presence", b"x", 0.0, content_type="a/b", headers=headers)


def watcher(scene: Scene) -> Watcher:
    """Somebody who sees a state of ours."""
    if "watcher" in scene.kept:
        return cast(Watcher, scene.kept["watcher"])
    scene.hear(from_pbx("SUBSCRIBE", "watch", "", "Event: dialog", "Expires: 300"), 0.0)
    (received,) = [one for one in scene.agent.take_events() if isinstance(one, SubscriptionReceived)]
    received.watcher.accept(0.0, "a/b", b"state")
    for transmit in scene.agent.take_output():
        sent = parse(transmit.data)
        if isinstance(sent, Request) and sent.method == "NOTIFY":
            scene.hear(sent.reply(200).to_bytes(), 0.0)
    scene.kept["watcher"] = received.watcher
    return received.watcher


def be_born(scene: Scene, **changes: str) -> None:
    """Another agent, which dials."""
    scene.agent = UserAgent(**{"host": "192.0.2.1", "port": 5060, "ids": SeededIds(3), **changes})  # type: ignore[arg-type]
    dial(scene)


COMMANDS: dict[str, Callable[[Scene, str], object]] = {
    "register contact user": lambda scene, text: scene.agent.register(ACCOUNT, 0.0, contact_user=text),
    "register user": lambda scene, text: scene.agent.register(told(uri=changed(user=text)), 0.0),
    "register host": lambda scene, text: scene.agent.register(told(uri=changed(host=text)), 0.0),
    "register registrar": lambda scene, text: scene.agent.register(told(registrar=changed(host=text), proxy=("192.0.2.9", 5060)), 0.0),
    "register display name": lambda scene, text: scene.agent.register(told(display_name=text), 0.0),
    "register user name": lambda scene, text: challenged(scene, told(username=text or HARMLESS)),
    "register password": lambda scene, text: challenged(scene, told(password=text)),
    "invite display name": lambda scene, text: dial(scene, account=told(display_name=text)),
    "invite user": lambda scene, text: dial(scene, account=told(uri=changed(user=text))),
    "invite target": lambda scene, text: dial(scene, target=changed(user=text)),
    "invite target host": lambda scene, text: dial(scene, target=changed(host=text)),
    "invite call-id": lambda scene, text: dial(scene, call_id=text),
    "invite contact user": lambda scene, text: dial(scene, contact_user=text),
    "invite header": lambda scene, text: dial(scene, headers=[("P-Asserted-Identity", text)]),
    "invite header name": lambda scene, text: dial(scene, headers=[(f"X{text}", "x")]),
    "invite replaces": lambda scene, text: dial(scene, replaces=ReplacesHeader(text, text, text)),
    "ring header": lambda scene, text: call(scene, "ringing").ring(0.0, headers=[("X-Ring", text)]),
    "accept header": lambda scene, text: call(scene, "ringing").accept(SDP, 0.0, headers=[("X-Accept", text)]),
    "reject phrase": lambda scene, text: call(scene, "ringing").reject(486, 0.0, text),
    "reject header": lambda scene, text: call(scene, "ringing").reject(486, 0.0, headers=[(f"X{text}", "x")]),
    "bye reason": lambda scene, text: call(scene, "talking").bye(0.0, [Reason("SIP", 200, text)]),
    "bye reason protocol": lambda scene, text: call(scene, "talking").bye(0.0, [Reason(text, 200)]),
    "cancel reason": lambda scene, text: cancel(scene, Reason("SIP", 200, text)),
    "cancel reason protocol": lambda scene, text: cancel(scene, Reason(text, 200)),
    "re-invite body": lambda scene, text: call(scene, "talking").reinvite(text.encode("utf-8", "replace") or b"x", 0.0),
    "refer target": lambda scene, text: call(scene, "talking").refer(changed(user=text), 0.0),
    "refer target name": lambda scene, text: call(scene, "talking").refer(NameAddr(text, changed()), 0.0),
    "refer by": lambda scene, text: call(scene, "talking").refer(changed(), 0.0, referred_by=NameAddr(text, changed(user=text))),
    "refer replaces": lambda scene, text: call(scene, "talking").refer(changed(), 0.0, replaces=ReplacesHeader(text, "a", "b")),
    "refer header": lambda scene, text: call(scene, "talking").refer(changed(), 0.0, headers=[("X-Refer", text)]),
    "info type": lambda scene, text: call(scene, "talking").info(text, b"x", 0.0),
    "info header": lambda scene, text: call(scene, "talking").info("a/b", b"x", 0.0, headers=[("X-Info", text)]),
    "control": lambda scene, text: call(scene, "talking").notify_control(text, 0.0),  # type: ignore[arg-type]
    "subscribe event": lambda scene, text: subscribe(scene, event=text),
    "subscribe accept": lambda scene, text: subscribe(scene, accept=[text]),
    "subscribe target": lambda scene, text: subscribe(scene, target=changed(user=text)),
    "subscribe header": lambda scene, text: subscribe(scene, headers=[("X-Subscribe", text)]),
    "publish event": lambda scene, text: scene.agent.publish(ACCOUNT, text, b"x", 0.0, content_type="a/b"),
    "publish type": lambda scene, text: scene.agent.publish(ACCOUNT, "presence", b"x", 0.0, content_type=text),
    "publish header": lambda scene, text: publish(scene, [("X-Publish", text)]),
    "watcher type": lambda scene, text: watcher(scene).notify(text, b"x", 0.0),
    "watcher end": lambda scene, text: watcher(scene).end(text, 0.0),
    "product": lambda scene, text: be_born(scene, product=text),
    "tag prefix": lambda scene, text: be_born(scene, tag_prefix=text),
    "our host": lambda scene, text: be_born(scene, host=text),
}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """What of a message no text may change: its lines' names, in order, and that its body is as long as it says."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, data: bytes, text: str) -> Shape:
        """Raises AssertionError when it is not one well-formed message."""
        message = parse(data)
        assert message.to_bytes() == data, "something follows the message"
        head, _, body = data.partition(b"\r\n\r\n")
        assert message.body == body
        assert message.integer("Content-Length") == len(body)
        lines = head.split(b"\r\n")[1:]
        assert not set(head.replace(b"\r\n", b"")) & set(b"\r\n\0")
        names = [line.partition(b":")[0].decode() for line in lines]
        return cls(tuple(HARMLESS if name == f"X{text}" else name for name in names))


def shapes(made: Bytes, text: str) -> list[Shape]:
    return [Shape.of(data, text) for data in made]


@pytest.mark.parametrize("door", BUILDERS)
@settings(max_examples=40, deadline=None)
@given(text=TEXTS)
def test_a_builder_refuses_a_text_or_puts_it_where_it_belongs(door: str, text: str) -> None:
    try:
        made = BUILDERS[door](text)
    except SipError:
        return
    assert shapes(made, text) == shapes(BUILDERS[door](HARMLESS), HARMLESS)


def leave(door: str, text: str) -> list[bytes]:
    scene = make_scene()
    COMMANDS[door](scene, text)
    return [transmit.data for transmit in scene.agent.take_output()]


@pytest.mark.parametrize("door", COMMANDS)
@settings(max_examples=40, deadline=None)
@given(text=TEXTS)
def test_a_command_refuses_a_text_or_puts_it_where_it_belongs(door: str, text: str) -> None:
    scene = make_scene()
    try:
        COMMANDS[door](scene, text)
    except (SipError, ValueError):
        assert scene.agent.take_output() == [], "refused, but something left"
        assert scene.agent.take_events() == []
        # Nothing has changed either: the same with a harmless word is done as if the other had never been asked for.
        COMMANDS[door](scene, text := HARMLESS)
    made = [transmit.data for transmit in scene.agent.take_output()]
    expected = shapes(leave(door, HARMLESS), HARMLESS)
    assert shapes(made, text) == expected


@pytest.mark.parametrize("door", [*BUILDERS, *COMMANDS])
def test_every_door_takes_a_harmless_word(door: str) -> None:
    made = BUILDERS[door](HARMLESS) if door in BUILDERS else leave(door, HARMLESS)
    assert shapes(made, HARMLESS) != []
