"""Bob as a registrar: answers REGISTER as he is told, with digest if he has a verifier."""

from __future__ import annotations

from collections.abc import Callable

from sip.events import Event, RequestReceived
from sip.fields import Value
from sip.message import Request, Response
from sip.verifier import Verdict, Verifier
from tests.sip.pair import Pair, Party, make_pair

Answer = Callable[[Request], Response]
SECRET = b"sixteen bytes or more"


def grant(expires: int) -> Answer:
    """Accept: our Contact comes back among others, as a registrar lists them."""

    def answer(request: Request) -> Response:
        assert request.contact is not None
        contacts: list[tuple[str, Value]] = [
            ("Contact", "<sip:desk@192.0.2.7>;expires=9999"),
            ("Contact", f"<{request.contact.uri}>;expires={expires}"),
        ]
        return request.reply(200, headers=contacts if request.integer("Expires") else contacts[:1])

    return answer


def refuse(status: int, **headers: str) -> Answer:
    fields: list[tuple[str, Value]] = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return lambda request: request.reply(status, headers=fields)


class Registrar:
    """Answers in turn; the last answer is given for ever."""

    def __init__(
        self, party: Party, *answers: Answer, verifier: Verifier | None = None, password: str = "secret"
    ) -> None:
        self.answers = list(answers)
        self.seen: list[Request] = []
        self.verdicts: list[Verdict] = []
        self._verifier = verifier
        self._password = password
        party.reacts = self._react

    def _react(self, event: Event, now: float) -> None:
        if isinstance(event, RequestReceived):
            self.seen.append(event.request)
            event.transaction.respond(self._answer(event.request, now), now)

    def _answer(self, request: Request, now: float) -> Response:
        if self._verifier is not None:
            verdict, _ = self._verifier.verify(
                request.get("Authorization"),
                request.method,
                str(request.uri),
                b"",
                {"alice": self._password}.get,
                now,
            )
            self.verdicts.append(verdict)
            if verdict is not Verdict.ACCEPTED:
                stale = verdict is Verdict.STALE
                lines = self._verifier.challenge(now, stale=stale)
                return request.reply(401, headers=[("WWW-Authenticate", line) for line in lines])
        return self.answers.pop(0)(request) if len(self.answers) > 1 else self.answers[0](request)


def registrar_pair(
    *answers: Answer, verifier: Verifier | None = None, password: str = "secret"
) -> tuple[Pair, Registrar]:
    pair = make_pair(methods=["REGISTER"])
    return pair, Registrar(pair.bob, *answers, verifier=verifier, password=password)


__all__ = ["SECRET", "Registrar", "grant", "refuse", "registrar_pair"]
