"""Downloads as CSV hold what strangers wrote: no cell of theirs becomes a spreadsheet's formula."""

import csv
import io
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from blocklists.formats.csv import cell

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def wrap(app: App) -> App:
    """`app` with its answers to addresses that end in .csv rewritten."""

    async def plain(scope: Message, receive: Receive, send: Send) -> None:
        if scope.get("type") != "http" or not scope["path"].endswith(".csv"):
            await app(scope, receive, send)
            return
        body = bytearray()

        async def rewritten(message: Message) -> None:
            if message["type"] == "http.response.start":
                # The length changes; the server sends it in chunks.
                headers = [item for item in message["headers"] if item[0] != b"content-length"]
                message = {**message, "headers": headers}
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                message = {**message, "body": neutral(bytes(body))}
            await send(message)

        await app(scope, receive, rewritten)

    return plain


def neutral(body: bytes) -> bytes:
    """The table with every cell that begins like a formula made text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in csv.reader(io.StringIO(body.decode("utf-8", "replace"), newline="")):
        writer.writerow([cell(value) if value[:1] in "=+-@\t\r" else value for value in row])
    return out.getvalue().encode()
