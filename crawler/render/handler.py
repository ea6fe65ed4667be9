"""The download handler that also shows pages in a browser, where the frontier asks for that."""

from scrapy.crawler import Crawler
from scrapy.http import HtmlResponse, Request, Response

from crawler.evidence.capture import Exchange
from crawler.frontier.follow import BROWSER
from crawler.net.handler import PROXIED, GuardedDownloadHandler
from crawler.render import Renderer


class RenderingDownloadHandler(GuardedDownloadHandler):
    """Fetches as its parent does; requests under the profile `browser` are rendered."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        config = crawler.spider.workspace.config  # type: ignore[union-attr]
        self._renderer = Renderer(
            config.render,
            resolver=self._resolver,
            guard=self._guard,
            port_map=self._port_map,
            upstream=self._upstream,
        )

    async def download_request(self, request: Request) -> Response:
        """The answer, or what a browser made of it. Raises NetError."""
        queued = request.meta.get("queued")
        if queued is None or queued.profile != BROWSER:
            return await super().download_request(request)
        headers = {
            name.decode("latin-1"): values[0].decode("latin-1")
            for name, values in request.headers.items()
        }
        shown = await self._renderer.render(request.url, headers)
        kind = b"text/html; charset=utf-8"
        flags = (PROXIED,) if self._upstream else ()
        request.meta["exchange"] = Exchange(
            target=request.url.split("/", 3)[-1],
            request=tuple(headers.items()),
            version="1.1",
            reason="rendered",
            response=((b"Content-Type", kind),),
            flags=flags,
            screenshot=shown.screenshot,
            calls=shown.calls,
        )
        request.meta["jumps"] = shown.jumps
        return HtmlResponse(
            url=request.url,
            status=shown.status or 200,
            headers={"Content-Type": kind},
            body=shown.html.encode("utf-8", "replace")[: self._max_bytes],
            flags=["rendered", *flags],
            request=request,
            encoding="utf-8",
        )

    async def close(self) -> None:
        await self._renderer.close()
        await super().close()
