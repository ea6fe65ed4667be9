"""`scamtrail serve`: the published tree over HTTP for a site that has no web server yet.

aiohttp's file responses know ETag, 304, ranges and the `.br` and `.gz` beside a file. What is added
here are limits, and that nothing outside the tree or hidden in it is given out.
"""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

# Where the system's table of types differs from machine to machine.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".xml": "application/atom+xml",
    ".zone": "text/dns; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
}
_PLAIN = "text/plain; charset=utf-8"


def application(public: Path) -> web.Application:
    """Answers GET and HEAD for the files below `public`."""
    root = public.resolve()

    async def give(request: web.Request) -> web.StreamResponse:
        name = request.match_info["path"]
        if not name or name.endswith("/"):
            name += "index.html"
        parts = Path(name).parts
        # Hidden files are the publisher's work in progress.
        if any(part.startswith(".") or "\0" in part for part in parts):
            raise web.HTTPNotFound
        path = root.joinpath(*parts)
        if not path.resolve().is_relative_to(root) or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(
            path,
            headers={
                "Content-Type": _TYPES.get(path.suffix, _PLAIN),
                "Cache-Control": "public, max-age=300, must-revalidate",
                "Vary": "Accept-Encoding",
                "X-Content-Type-Options": "nosniff",
            },
        )

    app = web.Application(client_max_size=0)
    app.router.add_get("/{path:[^?]*}", give)
    return app


async def serve(
    app: web.Application,
    host: str,
    port: int,
    *,
    connections: int,
    seconds: float,
    ready: Callable[[str, int], None],
) -> None:
    """Serves until SIGTERM or SIGINT; `ready` gets the address. Raises OSError for a taken port.

    At most `connections` at a time; more are closed. No connection lives longer than `seconds` (and
    5), however slowly it reads or asks.
    """
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=15)
    await runner.setup()
    assert runner.server is not None
    loop = asyncio.get_running_loop()
    make = runner.server
    started: dict[web.RequestHandler, float] = {}

    def limited() -> asyncio.Protocol:
        if len(make.connections) >= connections:
            return _Closed()
        handler = make()
        started[handler] = loop.time()
        return handler

    async def sweep() -> None:
        while True:
            await asyncio.sleep(min(seconds, 5))
            open_now = set(make.connections)
            for handler, since in list(started.items()):
                if handler not in open_now:
                    del started[handler]
                elif since + seconds < loop.time() and handler.transport:
                    handler.transport.abort()

    server = await loop.create_server(limited, host, port, backlog=min(connections, 1024))
    ended = asyncio.Event()
    with _until_signal(loop, ended):
        address = server.sockets[0].getsockname()
        ready(address[0], address[1])
        sweeping = asyncio.create_task(sweep())
        await ended.wait()
        sweeping.cancel()
    server.close()
    await runner.cleanup()


class _Closed(asyncio.Protocol):
    """A connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


@contextmanager
def _until_signal(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> Iterator[None]:
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, ended.set)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
