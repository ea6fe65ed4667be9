"""What workers and the writer share in Redis: a queue best-first, leases, results, turns by IP.

Every change is one script or one command, so a client that dies between two of them leaves
nothing half done. Times are Redis's own, so the clocks of the machines do not matter.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from crawler.workspace import Workspace

try:
    import redis
except ImportError:  # the extra `scale` is not installed; `connect` says so
    redis = None  # type: ignore[assignment]

# A worker that did not renew its leases for so many seconds has died.
LEASE_SECONDS = 30
# Redis's answer is waited for so long; then it counts as away.
TIMEOUT = 10.0
GROUP = "writer"

_NOW = "local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000); "
# KEYS queue leases scores; ARGV count milliseconds. Items that are best go, and are leased.
_TAKE = (
    _NOW
    + """
local got = redis.call('ZPOPMAX', KEYS[1], ARGV[1])
local items = {}
for i = 1, #got, 2 do
  redis.call('ZADD', KEYS[2], now + ARGV[2], got[i])
  redis.call('HSET', KEYS[3], got[i], got[i + 1])
  items[#items + 1] = got[i]
end
return items
"""
)
# KEYS leases; ARGV milliseconds item… Leases that have not run out are made longer.
_RENEW = (
    _NOW
    + """
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], 'XX', now + ARGV[1], ARGV[i]) end
"""
)
# KEYS leases scores results; ARGV item payload. The result counts and the lease ends in one.
_DELIVER = """
redis.call('XADD', KEYS[3], '*', 'item', ARGV[1], 'result', ARGV[2])
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
"""
# KEYS queue leases scores; ARGV count. Items whose lease has run out wait again, as good as before.
_REAP = (
    _NOW
    + """
local late = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, item in ipairs(late) do
  redis.call('ZADD', KEYS[1], redis.call('HGET', KEYS[3], item) or 0, item)
  redis.call('ZREM', KEYS[2], item)
  redis.call('HDEL', KEYS[3], item)
end
return #late
"""
)
# KEYS workers; ARGV name milliseconds. Notes that a worker lives and forgets those that do not.
_ALIVE = (
    _NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if ARGV[1] ~= '' then redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1]) end
return redis.call('ZCARD', KEYS[1])
"""
)
# KEYS turn; ARGV milliseconds between turns. How long to wait for one's turn, which is then taken.
_TURN = (
    _NOW
    + """
local at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
redis.call('SET', KEYS[1], at + ARGV[1], 'PX', math.ceil(at - now + ARGV[1]) + 1000)
return math.ceil(at - now)
"""
)


class RedisAwayError(Exception):
    """Redis cannot be reached or refuses; the message names the address without its password."""


def connect(url: str, name: str) -> "SharedQueue":
    """The queue of the workspace `name` at a redis:// or rediss:// address; connects when used.

    Raises RedisAwayError when the package is missing or the address is none.
    """
    if redis is None:
        raise RedisAwayError("redis is not installed; pip install 'scamtrail[scale]'")
    try:
        client = redis.Redis.from_url(
            url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, health_check_interval=30
        )
    except ValueError as error:
        raise RedisAwayError(f"scale.redis: {error}") from error
    return SharedQueue(client, name, shown(url))


def of(workspace: Workspace) -> "SharedQueue":
    """The queue of a workspace as its configuration says. Raises RedisAwayError."""
    config = workspace.config.scale
    return connect(config.redis, config.name or workspace.root.resolve().name)


def shown(url: str) -> str:
    """The address without its password."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


class SharedQueue:
    """Items (JSON in bytes) with scores, and results. Every method may raise RedisAwayError."""

    def __init__(self, client: Any, name: str, address: str = "") -> None:
        self._client = client
        self.address = address
        # The braces keep all keys of a workspace on one node of a cluster.
        self._prefix = f"scamtrail:{{{name}}}:"
        self._scripts: dict[str, Any] = {}

    def key(self, *parts: str) -> str:
        return self._prefix + ":".join(parts)

    def _keys(self, queue: str) -> tuple[str, str, str, str]:
        return (
            self.key("queue", queue),
            self.key("leases", queue),
            self.key("scores", queue),
            self.key("results", queue),
        )

    def _run(self, script: str, keys: Sequence[str], *arguments: Any) -> Any:
        if script not in self._scripts:
            self._scripts[script] = self._client.register_script(script)
        return self.asked(lambda: self._scripts[script](keys=keys, args=arguments))

    def asked(self, question: Callable[[], Any]) -> Any:
        """The answer of a call on the client. Raises RedisAwayError."""
        try:
            return question()
        except (redis.exceptions.RedisError, OSError) as error:
            raise RedisAwayError(f"Redis at {self.address}: {error}") from error

    # The queue

    def push(self, queue: str, items: Iterable[tuple[bytes, float]]) -> None:
        """Items with their scores; one that waits keeps its place."""
        scores = dict(items)
        if scores:
            self.asked(lambda: self._client.zadd(self.key("queue", queue), scores, nx=True))

    def take(self, queue: str, count: int) -> list[bytes]:
        """Up to `count` of the best items, leased to whoever asks."""
        waiting, leases, scores, _ = self._keys(queue)
        return list(self._run(_TAKE, (waiting, leases, scores), count, LEASE_SECONDS * 1000))

    def renew(self, queue: str, items: Sequence[bytes]) -> None:
        """Keep the leases on these."""
        if items:
            self._run(_RENEW, (self._keys(queue)[1],), LEASE_SECONDS * 1000, *items)

    def deliver(self, queue: str, item: bytes, result: bytes) -> None:
        """Hand in the result of a leased item."""
        _, leases, scores, results = self._keys(queue)
        self._run(_DELIVER, (leases, scores, results), item, result)

    def reap(self, queue: str) -> int:
        """Put back what dead workers held; how many items."""
        return int(self._run(_REAP, self._keys(queue)[:3], 1_000))

    def held(self, queue: str) -> set[bytes]:
        """Every item that waits or is leased."""
        waiting, leases, _, _ = self._keys(queue)
        found: set[bytes] = set()
        for key in (waiting, leases):
            found |= set(self.asked(partial(self._client.zrange, key, 0, -1)))
        return found

    def withdraw(self, queue: str) -> None:
        """Take back every item that waits; what is leased goes on."""
        self.asked(lambda: self._client.delete(self.key("queue", queue)))

    def sizes(self, queue: str) -> tuple[int, int, int]:
        """Items that wait, that are leased, and results that were not acknowledged."""
        waiting, leases, _, results = self._keys(queue)
        pipe = self._client.pipeline(transaction=True)
        pipe.zcard(waiting).zcard(leases).xlen(results)
        return tuple(self.asked(pipe.execute))

    # Results

    def results(
        self, queue: str, count: int, wait_ms: int, *, again: bool = False
    ) -> list[tuple[bytes, bytes, bytes]]:
        """(number, item, result) of results not seen yet, or with `again` of those that a writer
        had before it died. They come until they are acknowledged."""
        stream = self._keys(queue)[3]
        try:
            found = self.asked(
                lambda: self._client.xreadgroup(
                    GROUP,
                    "writer",
                    {stream: "0" if again else ">"},
                    count=count,
                    block=None if again else wait_ms,
                )
            )
        except RedisAwayError as error:
            if "NOGROUP" not in str(error):
                raise
            # A Redis that is new, or lost what it had.
            self.asked(lambda: self._client.xgroup_create(stream, GROUP, id="0", mkstream=True))
            return []
        return [
            (number, fields[b"item"], fields[b"result"])
            for _, entries in found or ()
            for number, fields in entries
            if fields
        ]

    def acknowledge(self, queue: str, numbers: Sequence[bytes]) -> None:
        """These results are stored; they go."""
        if numbers:
            stream = self._keys(queue)[3]
            pipe = self._client.pipeline(transaction=True)
            pipe.xack(stream, GROUP, *numbers).xdel(stream, *numbers)
            self.asked(pipe.execute)

    # Workers

    def alive(self, worker: str = "") -> int:
        """How many workers live; `worker` says that it does."""
        return int(self._run(_ALIVE, (self.key("workers"),), worker, LEASE_SECONDS * 1000))

    def turn(self, ip: str, gap_ms: float) -> float:
        """Take the next turn at an address; the seconds until it comes."""
        return float(self._run(_TURN, (self.key("turn", ip),), gap_ms)) / 1000
