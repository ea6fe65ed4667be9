"""How many broken addresses are read exactly: ours against iocextract, ioc-finder, iocsearcher.

    python bench/refang.py [--peers PYTHON] [--misses]

Each line of tests/reports/tricky.jsonl is a text and the addresses in it. A reader scores on a
line when the set of hosts it finds equals the expected set, so inventing a host costs as much as
missing one. The peers' own refanging is switched on. They are measured by the interpreter given
with --peers (an environment with iocextract, requests, ioc-finder, iocsearcher), by default
this one; a peer that is not installed is named as such.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "tests" / "reports" / "tricky.jsonl"
PEERS = ("iocextract", "ioc_finder", "iocsearcher")

# Runs in the peers' interpreter: texts as JSON in, the addresses that each peer names out.
_PEER = r"""
import json, sys, time
peer = sys.argv[1]
texts = json.load(sys.stdin)
try:
    if peer == "iocextract":
        import iocextract
        def find(text):
            yield from iocextract.extract_urls(text, refang=True)
            yield from iocextract.extract_ips(text, refang=True)
    elif peer == "ioc_finder":
        from ioc_finder import find_iocs
        def find(text):
            found = find_iocs(text)
            for kind in ("urls", "domains", "ipv4s", "ipv6s"):
                yield from found.get(kind, ())
    else:
        from iocsearcher.searcher import Searcher
        searcher = Searcher()
        def find(text):
            for ioc in searcher.search_data(text, targets={"url", "fqdn", "ip4", "ip6"}):
                yield ioc.value
except ModuleNotFoundError:
    sys.exit(3)
find("warm.example.com")
start = time.process_time()
found = []
for text in texts:
    try:
        found.append(list(find(text)))
    except Exception:
        found.append([])
json.dump({"found": found, "seconds": time.process_time() - start}, sys.stdout)
"""


def host(address: str) -> str:
    """The host of what a peer calls an address, in our form."""
    from crawler.names import normalise_host

    text = address if "://" in address else f"http://{address}"
    try:
        return normalise_host((urlsplit(text).hostname or "").rstrip("."))
    except ValueError:
        return f"no host: {address}"


def ours(texts: list[str]) -> tuple[list[list[str]], float]:
    from crawler.reports.refang import extract, refang

    list(extract(refang("warm.example.com")))
    start = time.process_time()
    found = [[item.url for item in extract(refang(text))] for text in texts]
    return found, time.process_time() - start


def peer(name: str, texts: list[str], python: str) -> tuple[list[list[str]], float] | None:
    run = subprocess.run(
        [python, "-c", _PEER, name],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        timeout=600,
    )
    if run.returncode == 3:
        return None
    if run.returncode:
        raise SystemExit(f"{name}: {run.stderr.strip().splitlines()[-1]}")
    answer = json.loads(run.stdout)
    return answer["found"], answer["seconds"]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peers", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--misses", action="store_true", help="print the lines that we get wrong")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    rows = [json.loads(line) for line in TABLE.read_text("utf-8").splitlines()]
    texts = [row["text"] for row in rows]
    wanted = [{host(url) for url in row["urls"]} for row in rows]
    print(f"{len(rows)} texts, {sum(not want for want in wanted)} of them without an address")
    print(f"{'reader':<12} {'exact':>6} {'missed':>7} {'invented':>9} {'ms/text':>8}")
    scores: dict[str, float] = {}
    for name in ("scamtrail", *PEERS):
        result = ours(texts) if name == "scamtrail" else peer(name, texts, options.peers)
        if result is None:
            print(f"{name:<12} not installed: pip install {name.replace('_', '-')}")
            continue
        found, seconds = result
        hosts = [{host(address) for address in addresses} for addresses in found]
        pairs = list(zip(wanted, hosts, strict=True))
        scores[name] = sum(want == got for want, got in pairs) / len(rows)
        missed, invented = (sum(len(a - b) for a, b in pairs), sum(len(b - a) for a, b in pairs))
        speed = 1000 * seconds / len(rows)
        print(f"{name:<12} {scores[name]:6.3f} {missed:7} {invented:9} {speed:8.2f}")
        if name == "scamtrail" and options.misses:
            for row, got in zip(rows, found, strict=True):
                if set(got) != set(row["urls"]):
                    print(f"  {row['text']!r}: {got}, not {row['urls']}")
    mine = scores.pop("scamtrail")
    return 0 if mine >= 0.98 and all(mine > score for score in scores.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
