"""How a server is treated: what its robots.txt says, and how often one address is asked."""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from protego import Protego

from crawler.net.connect import NetError

MAX_ORIGINS = 20_000
# What may be read of a robots.txt (RFC 9309 §2.5 asks for at least this).
MAX_ROBOTS = 512_000
# A turn comes this much sooner or later, so that requests form no pattern.
JITTER = 0.5


class Robots:
    """robots.txt under a policy: "obey", "report" or "ignore" (RFC 9309).

    `get` fetches a URL: (status, body). One that cannot be had forbids nothing, but with a server
    error, or no answer, everything (RFC 9309 §2.3.1).
    """

    def __init__(self, policy: str, get: Callable[[str], Awaitable[tuple[int, bytes]]]) -> None:
        self.policy = policy
        self._get = get
        self._known: OrderedDict[str, asyncio.Task[Protego | None]] = OrderedDict()

    async def forbids(self, url: str, agent: str) -> bool:
        if self.policy == "ignore":
            return False
        parts = urlsplit(url)
        if parts.path == "/robots.txt":
            return False
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._known:
            self._known[origin] = asyncio.ensure_future(self._read(f"{origin}/robots.txt"))
            if len(self._known) > MAX_ORIGINS:
                self._known.popitem(last=False)
        rules = await asyncio.shield(self._known[origin])
        return rules is None or not rules.can_fetch(url, agent)

    async def _read(self, url: str) -> Protego | None:
        try:
            status, body = await self._get(url)
        except NetError:
            return None
        if status >= 500:
            return None
        text = body[:MAX_ROBOTS].decode("utf-8", "replace") if status == 200 else ""
        return Protego.parse(text)


class Pace:
    """Spaces what goes to one address: `rate` requests a second, 0 for no limit."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._next: OrderedDict[str, float] = OrderedDict()

    async def turn(self, key: str) -> None:
        """Returns when the next request to `key` may go out."""
        if not self.rate:
            return
        now = asyncio.get_running_loop().time()
        at = max(now, self._next.get(key, 0.0))
        gap = 1 / self.rate
        self._next[key] = at + gap * random.uniform(1 - JITTER, 1 + JITTER)
        self._next.move_to_end(key)
        if len(self._next) > MAX_ORIGINS:
            self._next.popitem(last=False)
        if at > now:
            await asyncio.sleep(at - now)
