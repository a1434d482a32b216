"""A small certificate authority for hubs: one key in one folder, and a list of what it took back.

The broker trusts it on a listener of its own (deploy/mosquitto/certificates.conf): a certificate's common
name is the hub's id, which is then its user name.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.errors import Fault
from app.hub_accounts import replace_file
from ingest.enrolment import Withdrawn

AUTHORITY_LASTS = timedelta(days=3650)
CLOCKS_APART = timedelta(days=1)
"""How far behind the clock of a hub may be that checks what it was given."""
LIST_LASTS = timedelta(days=3650)
"""A list past its day makes OpenSSL refuse everybody; each withdrawal and each issue writes it anew."""
CERTIFICATE, KEY, REVOKED = "ca.crt", "ca.key", "crl.pem"

_CURVE = ec.SECP256R1()


@dataclass(frozen=True, slots=True)
class Issued:
    """A hub's certificate. `key` is None where the hub made its own and only sent a request."""

    certificate: str
    key: str | None
    serial: int
    expires_at: datetime


class Authority:
    """The authority in a folder. Raises Fault for a folder that cannot be used."""

    def __init__(self, folder: Path, now: datetime) -> None:
        """Opens it, or makes one where the folder has none."""
        self.folder = folder
        try:
            if not (folder / KEY).exists():
                _found(folder, now)
            key = serialization.load_pem_private_key((folder / KEY).read_bytes(), None)
            self._certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise Fault(f"the authority in {folder} cannot be used: {error}") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise Fault(f"the authority in {folder} cannot be used: its key is of another kind")
        self._key = key

    def issue(self, hub: str, lasts: timedelta, now: datetime, request: bytes | None = None) -> Issued:
        """A certificate for a hub. `request` is its own signing request; only its public key counts.

        Raises Fault for a request that is none.
        """
        own = None if request is not None else ec.generate_private_key(_CURVE)
        public = own.public_key() if own is not None else _requested(request or b"")
        serial = x509.random_serial_number()
        expires_at = now + lasts
        made = (
            x509.CertificateBuilder()
            .subject_name(_named(hub))
            .issuer_name(self._certificate.subject)
            .public_key(public)
            .serial_number(serial)
            .not_valid_before(now - CLOCKS_APART)
            .not_valid_after(expires_at)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return Issued(
            made.public_bytes(serialization.Encoding.PEM).decode(),
            None if own is None else _pem(own).decode(),
            serial,
            expires_at,
        )

    def tell(self, trust: Path, withdrawn: Sequence[Withdrawn], now: datetime) -> None:
        """Writes what the broker reads: whom to trust, and whom no longer. Raises Fault."""
        revoked = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(now - CLOCKS_APART)
            .next_update(now + LIST_LASTS)
        )
        for one in withdrawn:
            entry = x509.RevokedCertificateBuilder().serial_number(one.serial).revocation_date(one.revoked_at)
            revoked = revoked.add_revoked_certificate(entry.build())
        pem = revoked.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        try:
            trust.mkdir(parents=True, exist_ok=True)
            replace_file(trust / REVOKED, pem.decode())
            if trust != self.folder:
                replace_file(trust / CERTIFICATE, (self.folder / CERTIFICATE).read_text())
        except OSError as error:
            raise Fault(f"what the broker reads in {trust} cannot be written: {error}") from None


def _found(folder: Path, now: datetime) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = ec.generate_private_key(_CURVE)
    name = _named("Threshold hubs")
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_APART)
        .not_valid_after(now + AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / CERTIFICATE).write_bytes(made.public_bytes(serialization.Encoding.PEM))
    write_secret(folder / KEY, _pem(key).decode())


def write_secret(file: Path, text: str) -> None:
    """Writes a file that nobody else may read. Raises OSError, also when it is there already."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
        new.write(text)


def _requested(request: bytes) -> ec.EllipticCurvePublicKey:
    try:
        read = x509.load_pem_x509_csr(request)
        if not read.is_signature_valid:
            raise InvalidSignature
        public = read.public_key()
    except (ValueError, InvalidSignature, UnsupportedAlgorithm):
        raise Fault("the signing request is not a PEM request that its own key has signed") from None
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise Fault("the signing request's key is not of an elliptic curve; make it with P-256")
    return public


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
