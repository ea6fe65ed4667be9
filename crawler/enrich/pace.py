"""How often a registry's server is asked: few at once, with pauses, and not beyond its quota.

What was learned of a server outlives the run (table `servers`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crawler.net.connect import NetError

# Registries lock out who asks faster; of one server only so much is asked at once.
PER_SERVER = 4
PER_OWN_SERVER = 32
# Seconds between two questions to a server that has not complained: WHOIS, and RDAP, which was
# made for programs. Each complaint doubles the pause up to the last value; answers shorten it.
WHOIS_PAUSE = 0.5
RDAP_PAUSE = 0.1
MAX_PAUSE = 30.0
RELIEF = 0.97
# A server that said so often in a row that it was asked too much is left alone for a while.
QUOTA_REST = 3
REST = timedelta(hours=1)
# Of a quota that was learned, so much is used within one REST.
CAUTION = 0.9
GROWTH = 1.25


@dataclass(frozen=True, slots=True)
class ServerState:
    """What is remembered of a server: seconds between questions, its quota, its rest."""

    server: str
    pause: float
    quota: int
    rest_until: datetime | None


@dataclass(slots=True)
class _Server:
    gate: asyncio.Semaphore
    floor: float
    pause: float
    quota: int = 0
    rest_until: datetime | None = None
    complaints: int = 0
    answers: int = 0
    since: datetime | None = None
    next_turn: float = 0.0


@dataclass(slots=True)
class Paces:
    """The pace of every server. Those in `own` were named by the operator and have none."""

    now: Callable[[], datetime]
    own: frozenset[str] = frozenset()
    known: dict[str, ServerState] = field(default_factory=dict)
    _servers: dict[str, _Server] = field(default_factory=dict)

    def remember(self, states: Iterable[ServerState]) -> None:
        """Go on with what an earlier run learned."""
        self.known |= {state.server: state for state in states}

    def states(self) -> list[ServerState]:
        """What the next run should know."""
        return [
            ServerState(name, round(item.pause, 2), item.quota, item.rest_until)
            for name, item in sorted(self._servers.items())
            if name not in self.own
        ]

    def rests(self, server: str) -> bool:
        """Whether `server` is not to be asked now."""
        item = self._server(server, WHOIS_PAUSE)
        moment = self.now()
        if item.rest_until and moment < item.rest_until:
            return True
        if item.since and moment - item.since >= REST:
            if item.quota and item.answers >= CAUTION * item.quota:
                # It bore that much without a complaint, so it may bear more.
                item.quota = round(item.quota * GROWTH) + 1
            item.since, item.answers = None, 0
        if item.quota and item.since and item.answers >= max(1, CAUTION * item.quota):
            item.rest_until = item.since + REST
            return True
        return False

    @asynccontextmanager
    async def turn(self, server: str, pause: float) -> AsyncIterator[None]:
        """Wait until `server` may be asked. Raises NetError("quota") while it rests."""
        item = self._server(server, pause)
        async with item.gate:
            if item.pause:
                loop = asyncio.get_running_loop()
                item.next_turn = max(loop.time(), item.next_turn + item.pause)
                await asyncio.sleep(item.next_turn - loop.time())
            if self.rests(server):
                raise NetError("quota", f"{server} rests")
            yield

    def heard(self, server: str, *, complained: bool) -> None:
        """Learn from an answer; a complaint is a message that too much was asked."""
        item = self._server(server, WHOIS_PAUSE)
        if server in self.own:
            return
        if not complained:
            item.since = item.since or self.now()
            item.answers += 1
            item.complaints = 0
            item.pause = max(item.floor, item.pause * RELIEF)
            return
        item.complaints += 1
        item.pause = min(MAX_PAUSE, max(item.floor, item.pause) * 2)
        if item.complaints >= QUOTA_REST:
            item.quota = item.answers or item.quota
            item.rest_until = self.now() + REST
            item.complaints = item.answers = 0
            item.since = None

    def _server(self, server: str, floor: float) -> _Server:
        if (found := self._servers.get(server)) is None:
            own = server in self.own
            floor = 0.0 if own else floor
            found = _Server(asyncio.Semaphore(PER_OWN_SERVER if own else PER_SERVER), floor, floor)
            if (state := self.known.get(server)) and not own:
                found.pause = max(floor, state.pause)
                found.quota, found.rest_until = state.quota, state.rest_until
            self._servers[server] = found
        return found
