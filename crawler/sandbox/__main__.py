"""`python -m crawler.sandbox FOLDER SEED SITES HOSTILE HTTP HTTPS DNS WHOIS RDAP`"""

import sys
from pathlib import Path

from crawler.sandbox import Ports, serve

folder, seed, sites, hostile, *ports = sys.argv[1:]
sys.exit(
    serve(
        Path(folder),
        seed=int(seed),
        sites=int(sites),
        hostile=float(hostile),
        ports=Ports(*map(int, ports)),
    )
)
