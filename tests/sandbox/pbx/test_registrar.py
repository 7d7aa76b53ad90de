"""The registrar: REGISTER with digest (RFC 3261 §10.3), spoken as raw messages so that a client of ours cannot hide a fault."""

import pytest

from sandbox.pbx.registrar import Registrar
from sip.digest import Credentials, digest_response
from sip.flow import Flow
from sip.headers import AuthParams
from sip.message import Request, Response, parse
from sip.verifier import Verifier

FLOW = Flow("udp", ("127.0.0.1", 5999))
URI = "sip:127.0.0.1"


def registrar() -> Registrar:
    return Registrar({"101": "one", "102": "two"}, Verifier("sandbox", b"a secret of the registrar"))


def request(
    extension: str = "101", *, contact: str = "<sip:a@127.0.0.1:5999>", cseq: int = 1, more: str = ""
) -> Request:
    contacts = f"Contact: {contact}\r\n" if contact else ""
    message = parse(
        (
            f"REGISTER {URI} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bK{cseq}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:{extension}@127.0.0.1>;tag=1\r\nTo: <sip:{extension}@127.0.0.1>\r\nCall-ID: r1\r\n"
            f"CSeq: {cseq} REGISTER\r\n{contacts}User-Agent: Desk 7\r\n{more}Content-Length: 0\r\n\r\n"
        ).encode()
    )
    assert isinstance(message, Request)
    return message


def proved(
    desk: Registrar, now: float, extension: str = "101", password: str = "one", **more: object
) -> Response:
    """Register with the right answer to a fresh challenge."""
    challenge = desk.register(request(extension), FLOW, now)
    assert challenge.status == 401
    given = next(value for value in challenge.get_all("WWW-Authenticate") if "SHA-256" in value)
    _, params = AuthParams.parse(given)
    username = str(more.pop("username", extension))
    answer = digest_response(
        "SHA-256", Credentials(username, password), params["realm"], params["nonce"], "REGISTER", URI, qop="auth",
        nc="00000001", cnonce="abc", body=b"",
    )  # fmt: skip
    header = (
        f'Authorization: Digest username="{username}", realm="{params["realm"]}", nonce="{params["nonce"]}", uri="{URI}", '
        f'response="{answer}", algorithm=SHA-256, qop=auth, nc=00000001, cnonce="abc"\r\n'
    )
    extra = str(more.pop("more", ""))
    return desk.register(request(extension, more=header + extra, **more), FLOW, now)  # type: ignore[arg-type]


def test_a_stranger_is_challenged_with_sha_256_first_and_md5() -> None:
    answer = registrar().register(request(), FLOW, 0.0)
    assert answer.status == 401
    algorithms = [AuthParams.parse(value)[1]["algorithm"] for value in answer.get_all("WWW-Authenticate")]
    assert algorithms == ["SHA-256", "MD5"]


def test_a_proved_contact_is_bound_and_listed_with_its_expiry() -> None:
    desk = registrar()
    answer = proved(desk, 10.0, more="Expires: 60\r\n")
    assert answer.status == 200
    assert answer.get_all("Contact") == ["<sip:a@127.0.0.1:5999>;expires=60"]
    (binding,) = desk.bindings("101", 10.0)
    assert (binding.device, binding.flow) == ("Desk 7", FLOW)


def test_a_binding_lives_until_its_expiry_and_no_longer() -> None:
    desk = registrar()
    proved(desk, 10.0, contact="<sip:a@127.0.0.1:5999>;expires=30")
    assert desk.bindings("101", 39.9)
    assert desk.bindings("101", 40.0) == []


def test_expiry_zero_and_the_star_take_bindings_away() -> None:
    desk = registrar()
    proved(desk, 0.0)
    proved(desk, 0.0, contact="<sip:b@127.0.0.1:5999>", cseq=2)
    assert len(desk.bindings("101", 0.0)) == 2
    proved(desk, 0.0, contact="<sip:b@127.0.0.1:5999>;expires=0", cseq=3)
    assert [str(binding.uri) for binding in desk.bindings("101", 0.0)] == ["sip:a@127.0.0.1:5999"]
    proved(desk, 0.0, contact="*", cseq=4, more="Expires: 0\r\n")
    assert desk.bindings("101", 0.0) == []


def test_a_query_without_contacts_changes_nothing() -> None:
    desk = registrar()
    proved(desk, 0.0)
    answer = proved(desk, 0.0, contact="", cseq=2)
    assert answer.get_all("Contact") == ["<sip:a@127.0.0.1:5999>;expires=3600"]


def test_too_short_a_life_gets_423_with_the_shortest() -> None:
    desk = registrar()
    answer = proved(desk, 0.0, more="Expires: 3\r\n")
    assert (answer.status, answer.get("Min-Expires")) == (423, "5")
    assert desk.bindings("101", 0.0) == []


def test_an_older_cseq_of_the_same_call_id_changes_nothing() -> None:
    desk = registrar()
    proved(desk, 0.0, cseq=9)
    proved(desk, 0.0, cseq=8, contact="<sip:a@127.0.0.1:5999>;expires=0")
    assert len(desk.bindings("101", 0.0)) == 1


@pytest.mark.parametrize(
    ("extension", "username", "password"),
    [("101", "101", "wrong"), ("101", "102", "two"), ("103", "103", "three")],
    ids=["a wrong password", "another's extension", "nobody's extension"],
)
def test_who_is_not_the_owner_gets_403_and_binds_nothing(
    extension: str, username: str, password: str
) -> None:
    desk = registrar()
    assert proved(desk, 0.0, extension, password, username=username).status == 403
    assert all(not bindings for _, bindings in desk.everyone(0.0))
