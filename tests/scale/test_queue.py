"""The queue in a real Redis: best first, leases, results until acknowledged, restarts."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.scale import queue as shared
from crawler.scale.queue import RedisAwayError, SharedQueue, connect, shown
from redis_server import Server


@pytest.fixture
def queue(server: Server) -> SharedQueue:
    return connect(server.url, "watch")


def stored(queue: SharedQueue, *, again: bool = False) -> list[tuple[bytes, bytes]]:
    return [(item, result) for _, item, result in queue.results("trail", 10, 10, again=again)]


def test_the_best_goes_first_and_nothing_goes_twice(queue: SharedQueue) -> None:
    queue.push("trail", [(b"low", 0.1), (b"high", 0.9), (b"middle", 0.5)])
    queue.push("trail", [(b"low", 0.95)])
    assert queue.take("trail", 2) == [b"high", b"middle"]
    assert queue.take("trail", 5) == [b"low"]
    assert queue.take("trail", 5) == []
    assert queue.held("trail") == {b"high", b"middle", b"low"}
    assert queue.sizes("trail") == (0, 3, 0)


def test_a_result_comes_until_it_is_acknowledged(queue: SharedQueue) -> None:
    assert stored(queue) == []
    queue.push("trail", [(b"one", 1.0)])
    (item,) = queue.take("trail", 1)
    queue.deliver("trail", item, b"page")
    assert queue.sizes("trail") == (0, 0, 1)
    assert stored(queue) == [(b"one", b"page")]
    # A writer that died before it committed gets it again; one that lives only new ones.
    assert stored(queue) == []
    assert stored(queue, again=True) == [(b"one", b"page")]
    numbers = [number for number, *_ in queue.results("trail", 10, 10, again=True)]
    queue.acknowledge("trail", numbers)
    assert stored(queue, again=True) == []
    assert queue.sizes("trail") == (0, 0, 0)


def test_what_a_dead_worker_held_waits_again_as_good_as_before(
    queue: SharedQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shared.LEASE_SECONDS <= 45, "within a minute, the look for late ones included"
    monkeypatch.setattr(shared, "LEASE_SECONDS", 1)
    queue.push("trail", [(b"dead", 0.9), (b"alive", 0.5), (b"waits", 0.7)])
    assert queue.take("trail", 1) == [b"dead"]
    queue.take("trail", 1)
    assert queue.take("trail", 1) == [b"alive"]
    for _ in range(8):
        time.sleep(0.2)
        queue.renew("trail", [b"alive", b"waits"])
        queue.reap("trail")
    assert queue.sizes("trail") == (1, 2, 0)
    assert queue.take("trail", 5) == [b"dead"]
    # A lease that has run out is not made longer by who lost it.
    queue.reap("trail")
    queue.renew("trail", [b"gone"])
    assert b"gone" not in queue.held("trail")


def test_a_restart_with_its_log_loses_nothing(server: Server, queue: SharedQueue) -> None:
    stored(queue)
    queue.push("trail", [(f"{number}".encode(), number / 100) for number in range(50)])
    for item in queue.take("trail", 20)[:10]:
        queue.deliver("trail", item, b"page of " + item)
    got = queue.results("trail", 4, 10)
    queue.acknowledge("trail", [number for number, *_ in got])
    server.kill()
    with pytest.raises(RedisAwayError, match=f"Redis at {server.url}"):
        queue.sizes("trail")
    server.start()
    assert queue.sizes("trail") == (30, 10, 6)
    left = [item for _, item, _ in queue.results("trail", 20, 10)]
    assert len(left) == 6 and not {item for _, item, _ in got} & set(left)


def test_workspaces_do_not_see_each_other(server: Server, queue: SharedQueue) -> None:
    other = connect(server.url, "other")
    queue.push("trail", [(b"one", 1.0)])
    assert other.take("trail", 5) == []
    assert other.alive("w") == 1 and queue.alive() == 0


def test_turns_at_one_address_are_spaced_for_all_together(
    server: Server, queue: SharedQueue
) -> None:
    other = connect(server.url, "watch")
    waits = [who.turn("192.0.2.1", 10_000) for who in (queue, other, queue)]
    assert waits[0] == 0.0
    assert 9 < waits[1] <= 10 and 19 < waits[2] <= 20
    assert other.turn("192.0.2.2", 10_000) == 0.0


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Server]:
    pytest.importorskip("redis")
    found = Server(tmp_path / "locked", "--requirepass", "geheim")
    found.start()
    yield found
    found.kill()


def test_a_password_is_used_and_never_shown(locked: Server) -> None:
    address = locked.url.replace("://", "://:geheim@")
    assert connect(address, "watch").take("trail", 1) == []
    assert shown(address) == locked.url
    for wrong in (locked.url, address.replace("geheim", "falsch")):
        with pytest.raises(RedisAwayError) as error:
            connect(wrong, "watch").take("trail", 1)
        assert "geheim" not in str(error.value) and "falsch" not in str(error.value)


def test_tls_is_spoken_and_a_strange_certificate_refused(tmp_path: Path) -> None:
    pytest.importorskip("redis")
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    for name in ("own", "strange"):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.crt"],
            check=True, capture_output=True,
        )  # fmt: skip
    own = tmp_path / "own"
    server = Server(
        tmp_path / "tls", "--tls-port", "{tls}", "--tls-cert-file", f"{own}.crt",
        "--tls-key-file", f"{own}.key", "--tls-auth-clients", "no",
    )  # fmt: skip
    server.start()
    try:
        address = f"rediss://127.0.0.1:{server.tls_port}/0?ssl_ca_certs="
        assert connect(f"{address}{own}.crt", "watch").alive("w") == 1
        with pytest.raises(RedisAwayError, match="certificate verify failed"):
            connect(f"{address}{tmp_path / 'strange.crt'}", "watch").alive()
    finally:
        server.kill()
