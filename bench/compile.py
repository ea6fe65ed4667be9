"""Compiling lists: ours against HostlistCompiler and `sort -u`, on the same input.

    python bench/compile.py --lines 1000000
    python bench/compile.py --lists 'lists/*.gz' --top top100k.txt.gz --peer hostlist-compiler

Each program runs alone in a process of its own; seconds are of the clock, memory is the largest
resident set. `sort -u` knows neither names nor parents: it is what reading and writing cost.
"""

import argparse
import glob
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from blocklists.collapse import is_covered
from blocklists.compile import compile_lists
from blocklists.config import PublishConfig
from blocklists.reading import open_list, read_names
from blocklists.release import save

FORMATS = ("domains", "hosts", "adblock", "dnsmasq", "rpz")
SUFFIXES = ("com", "com", "com", "com", "com", "net", "org", "vn", "top", "xyz")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lines", type=int, default=1_000_000, help="generated names")
    parser.add_argument("--lists", default="", help="real lists beside them, a glob pattern")
    parser.add_argument("--top", default="", help="a ranked list of popular domains")
    parser.add_argument("--peer", default="hostlist-compiler", help="that program, if it is there")
    parser.add_argument("--ours", nargs="+", metavar=("OUT", "LIST"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ours:
        ours(Path(options.ours[0]), [Path(name) for name in options.ours[1:]])
        return
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name), options)


def ours(folder: Path, lists: list[Path]) -> None:
    compiled = compile_lists({str(path): open_list(path) for path in lists})
    now = datetime(2026, 1, 1, tzinfo=UTC)
    save(compiled, folder, wanted=FORMATS, config=PublishConfig(), now=now)


def compare(folder: Path, options: argparse.Namespace) -> None:
    lists = [folder / "generated.txt"]
    lists[0].write_text("\n".join(generated(options.lines)) + "\n")
    for number, name in enumerate(sorted(glob.glob(options.lists))):  # noqa: PTH207
        lists.append(folder / f"list{number}.txt")
        with lists[-1].open("wb") as plain:
            plain.writelines(open_list(Path(name)))
    here = str(Path(__file__).resolve().parent.parent)
    runs = {
        f"scamtrail, {len(FORMATS)} formats": [
            sys.executable, __file__, "--ours", str(folder / "ours"), *map(str, lists)
        ],
        "sort -u": ["sort", "-u", "-o", str(folder / "sorted.txt"), *map(str, lists)],
    }  # fmt: skip
    if peer := shutil.which(options.peer):
        config = folder / "peer.json"
        steps = ["RemoveComments", "Compress", "RemoveModifiers", "Validate", "Deduplicate"]
        sources = [{"source": str(path)} for path in lists]
        config.write_text(
            json.dumps({"name": "bench", "sources": sources, "transformations": steps})
        )
        runs["HostlistCompiler, 1 format"] = [
            peer, "-c", str(config), "-o", str(folder / "peer.txt")
        ]  # fmt: skip
    else:
        print(f"{options.peer} is missing: npm install @adguard/hostlist-compiler, then --peer")
    print(f"{'':34}{'seconds':>9}{'CPU s':>9}{'MiB':>9}{'entries':>12}{'top 10k':>9}{'100k':>9}")
    ranked = ranks(Path(options.top)) if options.top else []
    outputs = (folder / "ours" / "domains.txt", folder / "sorted.txt", folder / "peer.txt")
    for (name, command), output in zip(runs.items(), outputs, strict=False):
        seconds, cpu, mebibytes = measured(command, here)
        found = read_names(open_list(output))
        names = found.covers | found.alone
        hits = [
            f"{sum(is_covered(host, names) for host in ranked[:n]):,}" if ranked else ""
            for n in (10_000, 100_000)
        ]
        print(
            f"{name:34}{seconds:9.1f}{cpu:9.1f}{mebibytes:9.0f}{len(names):12,}"
            f"{hits[0]:>9}{hits[1]:>9}"
        )


def generated(lines: int) -> Iterator[str]:
    """Names of which a third stands below the registered domain, as in the real lists."""
    rng = random.Random(7)
    for number in range(lines):
        host = f"{rng.getrandbits(40):x}.{SUFFIXES[number % 10]}"
        yield f"{rng.getrandbits(16):x}.{host}" if number % 3 == 0 else host


def ranks(path: Path) -> list[str]:
    """The domains of a ranked list in its order; of CSV the last column."""
    lines = b"".join(open_list(path)).decode().split()
    return [line.rpartition(",")[2] for line in lines]


def measured(command: list[str], here: str) -> tuple[float, float, float]:
    """Clock seconds, CPU seconds and MiB of a command."""
    started = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": here, "LC_ALL": "C"}
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command[0]} failed")
    seconds = time.monotonic() - started
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
