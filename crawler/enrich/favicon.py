"""The favicon of a site as search engines of the Internet count it."""

import base64

import mmh3

MAX_ICON = 200_000
_IMAGES = (b"\x00\x00\x01\x00", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"RIFF", b"<svg", b"<?xml")


def shodan_hash(status: int, body: bytes) -> str:
    """MurmurHash3 of the icon in Base64 with line ends, signed, decimal; "" for no picture.

    That is what Shodan's `http.favicon.hash` holds, so analysts can search with it.
    """
    if status != 200 or not body.startswith(_IMAGES):
        return ""
    return str(mmh3.hash(base64.encodebytes(body)))
