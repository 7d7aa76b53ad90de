"""TLS for SIP: what we show, whom we believe, and why a connection failed, in words (RFC 3261 §26.3.1, RFC 5922, RFC 8996).

Knows no connections. Invariants: nothing below TLS 1.2 is spoken; a peer that we connect to is believed only if its chain ends at a
known authority and its certificate is for the name that we looked up; nothing switches that off.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from logging import getLogger
from typing import Final

from sip import identity

log: Final = getLogger("trubka.sip")


class CertificateRefused(Exception):
    """The peer's certificate is not for the name that we looked up; the connection is not used."""


@dataclass(slots=True)
class Tls:
    """The files, read when they are first needed and again when they were renewed.

    Args:
        ca: file of the authorities that we believe; empty: those of the system.
        certificate, key: files of ours: what we listen with, and show to peers that ask. Empty: we do not listen.
    """

    ca: str = ""
    certificate: str = ""
    key: str = ""
    _client: ssl.SSLContext | None = None
    _server: ssl.SSLContext | None = None
    _read_at: tuple[float, ...] = field(default=())

    def check(self) -> None:
        """Read everything once, so that a mistake is known at the start.

        Raises:
            OSError: a file is not to be had, or holds no certificate or key (ssl.SSLError is one).
        """
        self.client()
        if self.certificate:
            self.server()

    def client(self) -> ssl.SSLContext:
        """For connections that we make. The name is checked by `examine`, as `ssl` knows no SIP URIs."""
        self._renew()
        if self._client is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.check_hostname = False
            context.verify_mode = ssl.CERT_REQUIRED
            if self.ca:
                context.load_verify_locations(self.ca)
            else:
                context.load_default_certs()
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key or None)
            self._client = context
        return self._client

    def server(self) -> ssl.SSLContext:
        """For connections that are made to us. Raises OSError."""
        self._renew()
        if self._server is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(self.certificate, self.key or None)
            self._server = context
        return self._server

    def _renew(self) -> None:
        """Forget what was read of files that have changed; what cannot be read any more stays as it was."""
        files = [one for one in (self.ca, self.certificate, self.key) if one]
        try:
            read_at = tuple(os.stat(one).st_mtime for one in files)
        except OSError as error:
            if not self._read_at:
                raise
            log.error("! TLS: what was read before is used: %s", error)
            return
        if read_at == self._read_at:
            return
        before, self._read_at = (self._client, self._server), read_at
        self._client = self._server = None
        if before == (None, None):
            return
        try:
            self.check()
        except OSError as error:
            self._client, self._server = before
            log.error("! TLS: what was read before is used: %s", error)


def examine(certificate: dict[str, object] | None, name: str) -> None:
    """Whether a verified certificate is for a name.

    Args:
        certificate: as `getpeercert` gives it.

    Raises:
        CertificateRefused: it is for others.
    """
    refusal = identity.refusal(certificate or {}, name)
    if refusal:
        raise CertificateRefused(refusal)


def cause_of(error: BaseException | None) -> str:
    """Why a connection could not be made or was lost, in a few words for the log and for RegistrationFailed."""
    if error is None:
        return "connection closed by the peer"
    if isinstance(error, CertificateRefused):
        return f"certificate refused: {error}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None) or str(error)  # made by hand it has none
        return f"TLS failed: {reason.replace('_', ' ').lower()}"
    if isinstance(error, TimeoutError):
        return "no connection in time"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionError):
        return "connection reset by the peer"
    if isinstance(error, OSError):
        return f"no connection: {(error.strerror or str(error) or type(error).__name__).lower()}"
    return f"no connection: {type(error).__name__}"
