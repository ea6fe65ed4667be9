"""Compiling lists: ours against HostlistCompiler and `sort -u`, on the same input.

    python bench/compile.py --lines 1000000
    python bench/compile.py --lists 'lists/*.gz' --top top100k.txt.gz --peer hostlist-compiler

Each program runs alone in a process of its own, ours as the command that users run. Seconds are of
the clock; CPU seconds say more on a machine with other work. Memory is the largest resident set.
`sort -u` knows neither names nor parents: it is what reading and writing cost. The last columns
count the popular sites that the result blocks: candidates for false positives.
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
from pathlib import Path

from blocklists.collapse import is_covered
from blocklists.reading import open_list, read_names

FORMATS = ("domains", "hosts", "adblock", "dnsmasq", "rpz")
SUFFIXES = ("com", "com", "com", "com", "com", "net", "org", "vn", "top", "xyz")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lines", type=int, default=1_000_000, help="generated names")
    parser.add_argument("--lists", default="", help="real lists beside them, a glob pattern")
    parser.add_argument("--top", default="", help="a ranked list of popular domains")
    parser.add_argument("--peer", default="hostlist-compiler", help="that program, if it is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name), options)


def compare(folder: Path, options: argparse.Namespace) -> None:
    lists = [folder / "generated.txt"]
    lists[0].write_text("\n".join(generated(options.lines)) + "\n")
    for number, name in enumerate(sorted(glob.glob(options.lists))):  # noqa: PTH207
        lists.append(folder / f"list{number}.txt")
        with lists[-1].open("wb") as plain:
            plain.writelines(open_list(Path(name)))
    ours = [str(Path(sys.executable).parent / "scamtrail"), "compile", *map(str, lists)]
    formats = [f"--format={name}" for name in FORMATS]
    runs = {
        f"scamtrail, {len(FORMATS)} formats": (
            [*ours, *formats, "-o", str(folder / "five")], folder / "five" / "domains.txt"
        ),
        "scamtrail, 1 format": (
            [*ours, "--format=adblock", "-o", str(folder / "one")], folder / "one" / "adblock.txt"
        ),
        "sort -u": (
            ["sort", "-u", "-o", str(folder / "sorted.txt"), *map(str, lists)],
            folder / "sorted.txt",
        ),
    }  # fmt: skip
    if options.top:
        without = folder / "without"
        top = ["--format=adblock", f"--top={options.top}", "--top-count=100000"]
        runs["scamtrail --top, 1 format"] = (
            [*ours, *top, "-o", str(without)], without / "adblock.txt"
        )  # fmt: skip
    if peer := shutil.which(options.peer):
        config = folder / "peer.json"
        steps = ["RemoveComments", "Compress", "RemoveModifiers", "Validate", "Deduplicate"]
        sources = [{"source": str(path)} for path in lists]
        config.write_text(
            json.dumps({"name": "bench", "sources": sources, "transformations": steps})
        )
        runs["HostlistCompiler, 1 format"] = (
            [peer, "-c", str(config), "-o", str(folder / "peer.txt")], folder / "peer.txt"
        )  # fmt: skip
    else:
        print(f"{options.peer} is missing: npm install @adguard/hostlist-compiler, then --peer")
    print(f"{'':34}{'seconds':>9}{'CPU s':>9}{'MiB':>9}{'entries':>12}{'top 10k':>9}{'100k':>9}")
    ranked = ranks(Path(options.top)) if options.top else []
    here = str(Path(__file__).resolve().parent.parent)
    for name, (command, output) in runs.items():
        seconds, cpu, mebibytes = measured(command, here)
        found = read_names(open_list(output))
        names = found.covers | found.alone
        hits = [
            f"{sum(is_covered(host, names) for host in ranked[:n]):,}" if ranked else ""
            for n in (10_000, 100_000)
        ]
        print(
            f"{name:34}{seconds:9.2f}{cpu:9.2f}{mebibytes:9.0f}{len(names):12,}"
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
