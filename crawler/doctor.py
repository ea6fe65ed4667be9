"""What is installed, reachable and stale in a workspace, with the fix for each fault."""

import asyncio
import importlib.metadata
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import datetime

from crawler import render, status
from crawler.config import RenderConfig
from crawler.net import Resolver
from crawler.net.connect import Upstream
from crawler.status import Finding
from crawler.workspace import Workspace

PROXY_TIMEOUT = 5.0  # seconds


def installed() -> Iterator[Finding]:
    """The parts that need no workspace."""
    for name, fix in (("scrapy", ""), ("datasette", "pip install 'scamtrail[desk]'")):
        try:
            yield Finding("ok", name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding("note", name, "not installed; the analysts' view needs it", fix)
    with sqlite3.connect(":memory:") as db:
        try:
            db.execute("CREATE VIRTUAL TABLE t USING fts5 (x, tokenize = 'trigram')")
            yield Finding("ok", "SQLite", f"{sqlite3.sqlite_version} with FTS5")
        except sqlite3.OperationalError as error:
            yield Finding(
                "fault", "SQLite", f"{sqlite3.sqlite_version}: {error}", "use SQLite 3.34 or newer"
            )
    if lacking := render.missing(RenderConfig()):
        what, _, fix = lacking.partition(": ")
        yield Finding("note", "browser", f"{what}; pages that only scripts fill stay unseen", fix)
    else:
        yield Finding("ok", "browser", render.program(RenderConfig()))
    for program, package in (("named-checkzone", "bind9-utils"), ("dnsmasq", "dnsmasq-base")):
        if path := shutil.which(program):
            yield Finding("ok", program, path)
        else:
            yield Finding(
                "note",
                program,
                "not installed; only tests of the lists use it",
                f"apt-get install {package}",
            )


async def examine(workspace: Workspace, now: datetime) -> list[Finding]:
    """Everything about one workspace, and the parts installed."""
    findings = list(installed())
    findings.append(Finding("ok", "configuration", str(workspace.root)))
    if "set network.user_agent" in workspace.config.network.user_agent:
        findings.append(
            Finding("note", "contact", "the crawler names no contact", "set network.user_agent")
        )
    findings += status.examine(workspace, now)
    resolver: Resolver = workspace.resolver()
    servers = ", ".join(workspace.config.network.dns) or "the system's resolvers"
    answer = await resolver.query(".", "NS")
    if answer.failure in ("", "nodata", "nxdomain"):
        findings.append(Finding("ok", "DNS", servers))
    else:
        findings.append(
            Finding("fault", "DNS", f"{servers}: {answer.failure}", "check network.dns")
        )
    if upstream := workspace.upstream():
        findings.append(await _reached(upstream))
    return findings


async def _reached(upstream: Upstream) -> Finding:
    """Whether the proxy of the victims' country takes a connection."""
    where = f"{upstream.host}:{upstream.port}"
    try:
        async with asyncio.timeout(PROXY_TIMEOUT):
            _, writer = await asyncio.open_connection(upstream.host, upstream.port)
        writer.close()
    except (OSError, TimeoutError) as error:
        return Finding(
            "fault",
            "victim proxy",
            f"{where}: {str(error) or 'no answer'}",
            "start it, or correct network.victim_proxy",
        )
    return Finding("ok", "victim proxy", where)
