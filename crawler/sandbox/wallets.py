"""Wallet addresses that pass their checksums and belong to nobody.

TRON and Bitcoin addresses are Base58Check (a double SHA-256 of the payload); an EVM address in
lower case carries no checksum (EIP-55).
"""

import hashlib
import random

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def make(rng: random.Random) -> dict[str, str]:
    """A TRON, a Bitcoin and an EVM address."""
    return {
        "tron": base58check(b"\x41" + rng.randbytes(20)),
        "btc": base58check(b"\x00" + rng.randbytes(20)),
        "evm": "0x" + rng.randbytes(20).hex(),
    }


def base58check(payload: bytes) -> str:
    """`payload` and four bytes of its double SHA-256, in Bitcoin's alphabet."""
    data = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number = int.from_bytes(data, "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = _ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\x00"))) + text
