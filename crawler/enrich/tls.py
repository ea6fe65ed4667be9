"""The leaf certificate that a host shows. It is looked at, not trusted."""

import hashlib
import ssl
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization

from crawler.model import Certificate


def looking_context() -> ssl.SSLContext:
    """Accepts any certificate: an expired or self-signed one is a finding."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


def parse(host: str, der: bytes, now: datetime) -> Certificate:
    """The certificate in DER; one that cannot be read is a failure."""
    try:
        found = x509.load_der_x509_certificate(der)
        try:
            extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
            names = tuple(extension.value.get_values_for_type(x509.DNSName))
        except x509.ExtensionNotFound:
            names = ()
        return Certificate(
            host=host,
            fetched_at=now,
            sha256=found.fingerprint(hashes.SHA256()).hex(),
            key_sha256=_key_hash(found),
            issuer=found.issuer.rfc4514_string()[:300],
            subject=found.subject.rfc4514_string()[:300],
            names=names[:500],
            not_before=found.not_valid_before_utc,
            not_after=found.not_valid_after_utc,
            raw=found.public_bytes(serialization.Encoding.PEM).decode("ascii"),
        )
    except (ValueError, TypeError) as error:
        return Certificate(host, now, failure=f"not understood: {error}"[:200])


def _key_hash(found: x509.Certificate) -> str:
    """The SHA-256 of the SubjectPublicKeyInfo, as RFC 7469 §2.4 pins it; "" for an unknown key."""
    try:
        key = found.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    except (ValueError, UnsupportedAlgorithm):
        return ""
    return hashlib.sha256(key).hexdigest()
