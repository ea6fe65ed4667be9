"""Whether an address of a coin is one: Base58Check, Bech32, EIP-55."""

import hashlib

_BASE58 = {char: value for value, char in enumerate(
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
)}  # fmt: skip
_BECH32 = {char: value for value, char in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_MASK = (1 << 64) - 1


def is_base58check(text: str, version: int) -> bool:
    """Whether `text` is Base58Check of 20 bytes with this version byte."""
    if not 25 <= len(text) <= 35:
        return False
    number = 0
    for char in text:
        if (digit := _BASE58.get(char)) is None:
            return False
        number = number * 58 + digit
    try:
        data = number.to_bytes(25, "big")
    except OverflowError:
        return False
    check = hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4]
    zeros = len(data) - len(data.lstrip(b"\x00"))
    return data[0] == version and check == data[-4:] and len(text) - len(text.lstrip("1")) == zeros


def is_segwit(text: str) -> bool:
    """Whether `text` is a Bitcoin address in Bech32 (BIP 173) or Bech32m (BIP 350)."""
    lower = text.lower()
    if text not in (lower, text.upper()) or not lower.startswith("bc1") or len(lower) > 90:
        return False
    values = [_BECH32.get(char, -1) for char in lower[3:]]
    if len(values) < 14 or -1 in values:
        return False
    # The human-readable part "bc", expanded as BIP 173 says.
    expected = 1 if values[0] == 0 else 0x2BC830A3
    if _polymod([3, 3, 0, 2, 3, *values]) != expected:
        return False
    size, rest = divmod((len(values) - 7) * 5, 8)
    padding = values[-7] & ((1 << rest) - 1)
    return rest < 5 and not padding and (size in (20, 32) if values[0] == 0 else 2 <= size <= 40)


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> bit & 1:
                check ^= term
    return check


def is_evm(text: str) -> bool:
    """Whether `text` ("0x" and 40 digits) is plausible: mixed case must fit its EIP-55 checksum."""
    digits = text[2:]
    if digits in (digits.lower(), digits.upper()):
        return True
    check = keccak_256(digits.lower().encode()).hex()
    return all(
        not char.isalpha() or char.isupper() == (int(nibble, 16) >= 8)
        for char, nibble in zip(digits, check, strict=False)
    )


def keccak_256(data: bytes) -> bytes:
    """Keccak-256 with the padding from before FIPS 202, as Ethereum uses it."""
    rate = 136
    padded = bytearray(data + b"\x01" + bytes(-(len(data) + 1) % rate))
    padded[-1] |= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), rate):
        for lane in range(rate // 8):
            at = start + 8 * lane
            lanes[lane] ^= int.from_bytes(padded[at : at + 8], "little")
        lanes = _permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def _round_constants() -> list[int]:
    """The 24 constants of ι, from the shift register of FIPS 202 §3.2.5."""
    register, constants = 1, []
    for _ in range(24):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return constants


_ROUNDS = _round_constants()


def _rotated(lane: int, by: int) -> int:
    return (lane << by | lane >> (64 - by)) & _MASK if by else lane


def _permute(lanes: list[int]) -> list[int]:
    """Keccak-f[1600] (FIPS 202 §3.3); lane (x, y) stands at x + 5y."""
    for constant in _ROUNDS:
        columns = [
            lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]
            for x in range(5)
        ]
        mixed = [columns[x - 1] ^ _rotated(columns[(x + 1) % 5], 1) for x in range(5)]
        lanes = [lane ^ mixed[place % 5] for place, lane in enumerate(lanes)]
        x, y, current = 1, 0, lanes[1]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            place = x + 5 * y
            moved = _rotated(current, (step + 1) * (step + 2) // 2 % 64)
            current, lanes[place] = lanes[place], moved
        lanes = [
            lanes[place] ^ (~lanes[row + (place + 1) % 5] & lanes[row + (place + 2) % 5])
            for place in range(25)
            for row in (place - place % 5,)
        ]
        lanes[0] ^= constant
    return lanes
