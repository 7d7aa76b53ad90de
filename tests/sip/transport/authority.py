"""A certificate authority of the tests' own: made in memory, gone with the test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def _general_name(kind: str, text: str) -> x509.GeneralName:
    if kind == "ip":
        return x509.IPAddress(ip_address(text))
    return x509.DNSName(text) if kind == "dns" else x509.UniformResourceIdentifier(text)


Names = dict[str, list[str]]


class Authority:
    """Signs certificates into a folder."""

    def __init__(self, folder: Path, name: str = "Test authority") -> None:
        self.folder = folder
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        authority = x509.BasicConstraints(ca=True, path_length=None)
        builder = _builder(self._name, self._name, self._key, timedelta(days=1))
        usage = x509.KeyUsage(
            True, False, False, False, False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False
        )  # fmt: skip
        self.certificate = (
            builder.add_extension(authority, critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.file = str(folder / f"{name.replace(' ', '-')}.pem")
        Path(self.file).write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self, file: str, names: Names, *, common: str = "peer", life: timedelta = timedelta(days=1)
    ) -> tuple[str, str]:
        """Certificate and key files of a peer.

        Args:
            names: by kind (`dns`, `uri`, `ip`) its subjectAltName; without any it has none.
            life: from now on; a negative one has run out.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(common), self._name, key, life)
        if names:
            listed = [_general_name(kind, text) for kind, texts in names.items() for text in texts]
            builder = builder.add_extension(x509.SubjectAlternativeName(listed), critical=False)
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            builder.add_extension(usages, critical=False)
            .add_extension(known, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        paths = self.folder / f"{file}.pem", self.folder / f"{file}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return str(paths[0]), str(paths[1])


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, life: timedelta
) -> x509.CertificateBuilder:
    begin = datetime.now(UTC) - timedelta(days=2)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=2) + life)
    )
