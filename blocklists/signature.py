"""Signatures that OpenSSH verifies: `ssh-keygen -Y verify`, which every consumer has already.

Format: PROTOCOL.sshsig of OpenSSH. Ed25519 gives the same bytes for the same file and key.
"""

import base64
import hashlib
import struct
from dataclasses import dataclass
from textwrap import wrap

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

# Who signs, and what for: a signature made for anything else does not verify as a list's.
IDENTITY = "scamtrail"
NAMESPACE = "scamtrail"

SIGNERS = "allowed_signers"
SUMS = "SHA256SUMS"
VERIFY = (
    f"ssh-keygen -Y verify -f {SIGNERS} -I {IDENTITY} -n {NAMESPACE} -s {SUMS}.sig < {SUMS} &&\n"
    f"sha256sum --quiet --ignore-missing -c {SUMS}"
)

_MAGIC = b"SSHSIG"
_HASH = b"sha512"
_KIND = b"ssh-ed25519"


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, and public keys that will sign after it (`ssh-ed25519 AAAA…`)."""

    key: Ed25519PrivateKey
    next_keys: tuple[str, ...] = ()

    @property
    def public(self) -> str:
        """`ssh-ed25519 AAAA…`, without a comment."""
        return public_key(self.key)

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` shows it."""
        digest = hashlib.sha256(base64.b64decode(self.public.split()[1])).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    def allowed_signers(self) -> str:
        """The file that consumers verify with (ssh-keygen(1), ALLOWED SIGNERS)."""
        return "".join(
            f'{IDENTITY} namespaces="{NAMESPACE}" {public}\n'
            for public in dict.fromkeys((self.public, *self.next_keys))
        )

    def sign(self, content: bytes) -> str:
        """The armoured signature of `content`."""
        scope = _string(NAMESPACE.encode()) + _string(b"") + _string(_HASH)
        signed = self.key.sign(_MAGIC + scope + _string(hashlib.sha512(content).digest()))
        signature = _string(_string(_KIND) + _string(signed))
        public = _string(base64.b64decode(self.public.split()[1]))
        blob = _MAGIC + struct.pack(">I", 1) + public + scope + signature
        lines = "\n".join(wrap(base64.b64encode(blob).decode(), 70))
        return f"-----BEGIN SSH SIGNATURE-----\n{lines}\n-----END SSH SIGNATURE-----\n"


def _string(content: bytes) -> bytes:
    """RFC 4251 §5."""
    return struct.pack(">I", len(content)) + content


def new_key() -> bytes:
    """A fresh private key in OpenSSH's form."""
    return Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )


def read_key(content: bytes) -> Ed25519PrivateKey:
    """A private key in OpenSSH's form. Raises ValueError saying what is wanted instead."""
    try:
        key = load_ssh_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"no OpenSSH private key without a passphrase ({error})") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")
    return key


def public_key(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
