"""The `scamtrail` command: options in, one stage or a whole run, an exit code out."""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from blocklists import release
from blocklists.compile import compile_lists
from blocklists.config import PublishConfig
from blocklists.manifest import ReleaseError
from blocklists.reading import open_list
from blocklists.registry import formats
from crawler import demo, desk, detect, doctor, html, reference, sandbox, serve, stages
from crawler.config import ConfigError
from crawler.cycle import Cycle, Exit, Limits, Outcome, run, run_record
from crawler.detect import evaluate as measuring
from crawler.detect.discover import FLOOR, rank
from crawler.evidence import archive
from crawler.evidence import pack as packing
from crawler.explain import explain as gather
from crawler.explain import plain, render
from crawler.model import Page, Verdict
from crawler.names import defang, normalise_host
from crawler.progress import Progress
from crawler.reports import catalogue
from crawler.store import Store, StoreError
from crawler.store.queries import open_appeals, source_states
from crawler.workspace import LockHeldError, Workspace, WorkspaceError

EXIT_CODES = """\b
Exit codes:
  0  done
  1  finished with failures (counts are printed)
  2  bad usage or configuration
  3  refused to publish (safety stop)
  4  another run holds the lock
"""


def now() -> datetime:
    return datetime.now(UTC)


def main() -> None:
    """Entry point; every expected error becomes one line and its exit code."""
    try:
        # Without standalone mode click returns the code of its Exit instead of ending the process.
        code = scamtrail(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.USAGE)
    except click.Abort:
        sys.exit(Exit.FAILURES)
    except ConfigError as error:
        _die(Exit.USAGE, error)
    except LockHeldError as error:
        _die(Exit.LOCKED, error)
    except (StoreError, WorkspaceError, OSError) as error:
        _die(Exit.FAILURES, error)


def _die(code: Exit, error: object) -> None:
    click.echo(f"scamtrail: {error}", err=True)
    sys.exit(code)


@click.group(epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="scamtrail")
def scamtrail() -> None:
    """Reports in, trail followed, verdicts with evidence, operations linked, lists out."""


def in_workspace(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command `-w/--workspace` and hands it the opened Workspace."""

    @click.option(
        "-w",
        "--workspace",
        "folder",
        type=click.Path(path_type=Path),
        default=Path(),
        show_default="the current folder",
        help="The workspace, as made by scamtrail init.",
    )
    @wraps(command)
    def wrapper(folder: Path, *args: Any, **kwargs: Any) -> Any:
        return command(Workspace.open(folder), *args, **kwargs)

    return wrapper


def staged(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command `-w`, `--quiet` and `--json` and ends it with its outcome's exit code."""

    @in_workspace
    @click.option("-q", "--quiet", is_flag=True, help="Print only problems.")
    @click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
    @wraps(command)
    def wrapper(opened: Workspace, quiet: bool, as_json: bool, *args: Any, **kwargs: Any) -> None:
        progress = Progress(quiet=quiet)
        finish(command(opened, progress, *args, **kwargs), quiet=quiet, as_json=as_json)

    return wrapper


def finish(outcome: Outcome, *, quiet: bool, as_json: bool) -> None:
    """Print an outcome, problems on standard error, and end with its exit code."""
    for problem in outcome.problems:
        click.echo(f"scamtrail: {problem}", err=True)
    if outcome.message:
        click.echo(f"scamtrail: {outcome.message}", err=True)
    if as_json:
        document = {
            "exit_code": int(outcome.code),
            "message": outcome.message,
            "problems": outcome.problems,
            **outcome.stats,
        }
        click.echo(json.dumps(document, indent=1, ensure_ascii=False))
    elif not quiet:
        click.echo("\n".join(summary(outcome.stats)))
    raise click.exceptions.Exit(int(outcome.code))


def summary(stats: dict[str, Any]) -> list[str]:
    """The counts of a run in one line a stage."""
    lines: list[str] = []
    for name, value in stats.items():
        if name == "publish":
            what = "new" if value["new"] else "unchanged,"
            lines.append(
                f"published   {what} serial {value['serial']}, {value['refused']} names refused"
            )
            countries = {}
            for place, item in value["lists"].items():
                if place.startswith("policy/"):
                    countries[place.partition("/")[2]] = item["entries"]
                    continue
                change = f" (+{item['added']} -{item['removed']})" if value["new"] else ""
                lines.append(f"            {place}: {item['entries']} entries{change}")
            if countries:
                shown = ", ".join(f"{name} {entries}" for name, entries in countries.items())
                lines.append(f"            policy: {shown}")
            continue
        if name == "files":
            for path, counts in value.items():
                shown = ", ".join(f"{key} {item}" for key, item in counts.items())
                lines.append(f"  {path}: {shown}")
            continue
        parts = []
        for key, item in value.items():
            if isinstance(item, dict):
                item = ", ".join(f"{k} {v}" for k, v in item.items())
                if item:
                    parts.append(f"{key}: {item}")
            elif item not in ("", 0):
                parts.append(f"{key} {item}")
        lines.append(f"{name:<11} {'; '.join(parts) or 'nothing to do'}")
    return lines


# Workspace and run


@scamtrail.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Make a workspace: scamtrail.toml, reports/, findings.db, public/.

    \b
    Example:
      scamtrail init my-watch && scamtrail run -w my-watch
    """
    Workspace.init(folder)
    click.echo(f"{folder}: ready; put reports into {folder / 'reports'}, then")
    click.echo(f"  scamtrail run -w {folder}")


limits_options = [
    click.option("--limit-pages", type=click.IntRange(0), default=0, help="Stop after so many."),
    click.option(
        "--limit-minutes", type=click.FloatRange(0), default=0, help="Stop after so long."
    ),
]


def limited(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(limits_options):
        command = option(command)
    return command


force_option = click.option(
    "--force", is_flag=True, help="Publish although the safety stop says no."
)


@scamtrail.command("run")
@staged
@limited
@force_option
def run_command(
    opened: Workspace, progress: Progress, limit_pages: int, limit_minutes: float, force: bool
) -> Outcome:
    """The whole cycle, once: what cron calls.

    \b
    Reads new files in reports/, rechecks what is listed, follows the trail,
    looks up who is behind it, links operations and publishes the lists.
    """
    return run(opened, now, progress, Limits(limit_pages, limit_minutes), force=force)


@scamtrail.command()
@staged
@click.option("--column", help="The column of a table that holds the addresses.")
@click.argument("files", nargs=-1, required=True)
def ingest(
    opened: Workspace, progress: Progress, column: str | None, files: tuple[str, ...]
) -> Outcome:
    """Read reports (files, folders, or http addresses) and queue what they accuse."""
    with run_record(opened, "ingest", now, progress) as cycle:
        for address in (item for item in files if item.startswith(("http://", "https://"))):
            cycle.ingest_url(address, column)
        cycle.ingest(
            [Path(item) for item in files if not item.startswith(("http://", "https://"))], column
        )
    cycle.outcome.stats["files"] = cycle.outcome.files
    return cycle.outcome


@scamtrail.command("sources")
@in_workspace
@click.option("--json", "as_json", is_flag=True, help="One JSON object a source.")
@click.option(
    "--add", type=click.Path(path_type=Path), help="Add a source of your own from its TOML file."
)
def sources_command(opened: Workspace, as_json: bool, add: Path | None) -> None:
    """The catalogue of sources, with last success, count and freshness.

    \b
    A run fetches those that [sources] use in scamtrail.toml names.
    """
    try:
        if add is not None:
            feed = catalogue.parse(add.read_text("utf-8"), add.stem, str(add))
            opened.sources.mkdir(exist_ok=True)
            (opened.sources / f"{feed.name}.toml").write_text(add.read_text("utf-8"), "utf-8")
            click.echo(f"{feed.name}: added; name it in [sources] use to have it fetched")
            return
        feeds = stages.feeds(opened)
        used = {feed.name for feed in catalogue.chosen(feeds, opened.config.sources.use)}
    except catalogue.SourceError as error:
        raise click.UsageError(str(error)) from error
    with Store(opened.database) as store:
        states = {name: dict(row) for name, row in source_states(store).items()}
    table = Table("source", "publisher", "", "used", "last success", "hosts", "freshness")
    for feed in feeds:
        state = states.get(feed.name, {})
        fresh = freshness(feed, state)
        used_now = "yes" if feed.name in used else ""
        if as_json:
            shown = {**asdict(feed), **state, "used": bool(used_now), "freshness": fresh}
            click.echo(json.dumps(shown, ensure_ascii=False))
        else:
            table.add_row(
                feed.name, feed.publisher, feed.country, used_now,
                state.get("succeeded_at") or "never", str(state.get("hosts") or ""), fresh,
            )  # fmt: skip
    if not as_json:
        Console().print(table)


def freshness(feed: catalogue.Feed, state: dict[str, Any]) -> str:
    """fresh, stale, failing or never fetched."""
    if not state:
        return "never fetched" if feed.seen else feed.status
    if state["failure"]:
        return f"failing: {state['failure'][:80]}"
    return "stale" if stages.is_due(feed, state["succeeded_at"], now()) else "fresh"


def _stage(
    opened: Workspace,
    progress: Progress,
    name: str,
    act: Callable[[Cycle], None],
    *,
    online: bool = False,
) -> Outcome:
    with run_record(opened, name, now, progress) as cycle:
        if not online or cycle.online():
            act(cycle)
    return cycle.outcome


@scamtrail.command()
@staged
@limited
def crawl(opened: Workspace, progress: Progress, limit_pages: int, limit_minutes: float) -> Outcome:
    """Follow the trail from the queue and judge what is found."""
    limits = Limits(limit_pages, limit_minutes)
    return _stage(opened, progress, "crawl", lambda cycle: cycle.crawl(limits), online=True)


@scamtrail.command()
@staged
@limited
def recheck(
    opened: Workspace, progress: Progress, limit_pages: int, limit_minutes: float
) -> Outcome:
    """Visit again what is listed and due."""
    limits = Limits(limit_pages, limit_minutes)
    return _stage(
        opened,
        progress,
        "recheck",
        lambda cycle: cycle.crawl(limits, recheck=True),
        online=True,
    )


@scamtrail.command()
@staged
def enrich(opened: Workspace, progress: Progress) -> Outcome:
    """Look up registration, DNS, hosting and certificates of suspects."""
    return _stage(opened, progress, "enrich", lambda cycle: cycle.enrich(), online=True)


@scamtrail.command()
@staged
def link(opened: Workspace, progress: Progress) -> Outcome:
    """Tie sites into the operations that run them."""
    return _stage(opened, progress, "link", lambda cycle: cycle.link())


@scamtrail.command()
@staged
@force_option
def publish(opened: Workspace, progress: Progress, force: bool) -> Outcome:
    """Select, check and write the lists under public/."""
    return _stage(opened, progress, "publish", lambda cycle: cycle.publish(force=force))


@scamtrail.command("discover")
@in_workspace
@click.option("--limit", type=click.IntRange(1), default=1_000, show_default=True)
@click.option("--floor", type=float, default=FLOOR, show_default=True, help="Least log-odds.")
@click.option("--dry-run", is_flag=True, help="Only print the ranking; queue nothing.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def discover_command(
    opened: Workspace, limit: int, floor: float, dry_run: bool, file: Path
) -> None:
    """Rank new names (one a line) by how much they look like the trade.

    \b
    Names that resolve are queued at low priority, as proposals, until a page
    proves them.
    """
    with file.open(encoding="utf-8", errors="replace") as lines:
        names = (line.strip().lower().rstrip(".") for line in lines)
        if dry_run:
            ranked = rank(names, floor=floor, limit=limit)
        else:
            with run_record(opened, "discover", now, Progress(quiet=True)) as cycle:
                ranked = cycle.discover(names, limit=limit, floor=floor)
    for item in ranked:
        click.echo(f"{item.score:6.2f}  {defang(item.name)}  {', '.join(item.reasons)}")


# Questions


@scamtrail.command("explain")
@in_workspace
@click.option("--json", "as_json", is_flag=True, help="Everything, as JSON.")
@click.argument("domain")
def explain_command(opened: Workspace, as_json: bool, domain: str) -> None:
    """Why DOMAIN is, or is not, listed: trail, evidence, enrichment, operation, history."""
    host = _host(domain)
    with Store(opened.database) as store:
        found = gather(store, host)
    if found is None:
        _die(Exit.FAILURES, f"{host}: never seen in {opened.database}; name it in a report first")
    elif as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        render(found, Console(soft_wrap=True))


@scamtrail.command("evidence")
@click.option("-w", "--workspace", "root", type=click.Path(path_type=Path), default=Path())
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), help="A new folder.")
@click.option("--verify", is_flag=True, help="Check a pack, or a workspace, instead.")
@click.argument("subject")
def evidence_command(root: Path, folder: Path | None, verify: bool, subject: str) -> None:
    """Pack the proof on a domain for a partner, or check a pack.

    \b
    Examples:
      scamtrail evidence shop.example -o pack
      scamtrail evidence --verify pack
      scamtrail evidence --verify my-watch    (all evidence of a workspace)
    """
    if verify:
        _verify(Path(subject))
        return
    if folder is None:
        raise click.UsageError("name a new folder with -o, or check one with --verify")
    opened = Workspace.open(root)
    with Store(opened.database) as store:
        try:
            made = packing.pack(store, _host(subject), folder, now())
        except packing.EvidenceError as error:
            _die(Exit.FAILURES, error)
    click.echo(
        f"{folder}: {made['captures']} captures, verdict {made['category'] or 'none'}"
        f" {made['probability']:.3f}, chain head {made['chain']['head']}"
    )


def _verify(folder: Path) -> None:
    kept = folder / "evidence"
    if not folder.is_dir():
        raise click.UsageError(f"{folder}: no such folder; name a pack or a workspace")
    problems = list(archive.examine(kept) if kept.is_dir() else packing.verify(folder))
    for problem in problems:
        click.echo(f"scamtrail: {folder}: {problem}", err=True)
    if problems:
        raise click.exceptions.Exit(int(Exit.FAILURES))
    head = archive.head_of(kept) if kept.is_dir() else packing.head_of(folder)
    click.echo(f"{folder}: nothing changed, added or missing; chain head {head}")


@scamtrail.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file.")
@click.option("--url", default="", help="The address that a file or standard input came from.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
def check(as_json: bool, url: str, files: tuple[Path, ...]) -> None:
    """Judge saved pages (files, folders, or - for standard input); nothing is stored."""
    model = detect.load_model()
    console = Console(soft_wrap=True)
    for name, body in _inputs(files or (Path("-"),)):
        page = saved_page(body, url or "")
        verdict = detect.judge(page, model)
        if as_json:
            click.echo(json.dumps(verdict_document(name, verdict), ensure_ascii=False))
        else:
            print_verdict(console, name, verdict)


def _inputs(files: tuple[Path, ...]) -> Any:
    for path in files:
        if str(path) == "-":
            yield "standard input", sys.stdin.buffer.read(html.MAX_BYTES + 1)
        elif path.is_dir():
            for item in sorted(path.rglob("*")):
                if item.is_file():
                    yield str(item), _head(item)
        else:
            try:
                yield str(path), _head(path)
            except OSError as error:
                raise click.UsageError(f"{path}: {error.strerror}; name a saved page") from error


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(html.MAX_BYTES + 1)


def saved_page(body: bytes, url: str) -> Page:
    """A page as if it had just been fetched from `url`."""
    return Page(
        url=url,
        final_url=url,
        status=200,
        headers=(),
        body=body,
        document=html.parse(body, url=url),
        fetched_at=now(),
    )


def verdict_document(name: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "input": name,
        "category": verdict.category.value,
        "kind": verdict.kind,
        "probability": round(verdict.probability, 4),
        "missing": verdict.missing,
        "model": verdict.model,
        "evidence": [
            {
                "signal": item.signal,
                "category": item.category.value,
                "weight": round(item.weight, 4),
                "value": item.value,
                "snippet": item.snippet,
            }
            for item in verdict.evidence
        ],
    }


def print_verdict(console: Console, name: str, verdict: Verdict) -> None:
    colour = "red" if verdict.category.is_scam else "green"
    colour = "yellow" if verdict.category.value == "unknown" else colour
    console.print(
        plain(name),
        f"[{colour}]{verdict.category.value}[/] / {verdict.kind}",
        f"p={verdict.probability:.3f}",
        verdict.missing,
    )
    for item in sorted(verdict.evidence, key=lambda item: -abs(item.weight)):
        console.print(
            f"  {item.weight:+6.2f} {item.signal}:", plain(item.value, 80), plain(item.snippet, 100)
        )


@scamtrail.command()
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
@click.option("--errors", is_flag=True, help="List the misjudged pages with their evidence.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def evaluate(as_json: bool, errors: bool, file: Path) -> None:
    """Measure the detector on labelled pages.

    \b
    FILE holds a JSON object a line: {"url", "html" or "text", "label"}, label being
    gambling, investment or benign; title, language and sublabel are optional.
    """
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            found = list(measuring.judged(lines, detect.load_model()))
    except measuring.EvaluateError as error:
        raise click.UsageError(f"{file}: {error}") from error
    result = measuring.measure(found)
    if as_json:
        click.echo(json.dumps(result, indent=1, ensure_ascii=False))
    else:
        print_figures(Console(soft_wrap=True), result)
    if errors:
        console = Console(soft_wrap=True)
        for item in measuring.errors(found):
            name = f"{file}:{item.line} {item.url} is {item.label} {item.sublabel}"
            if as_json:
                click.echo(json.dumps(verdict_document(name, item.verdict), ensure_ascii=False))
            else:
                print_verdict(console, name, item.verdict)


def print_figures(console: Console, result: dict[str, Any]) -> None:
    columns = ("guilty", "innocent", "precision", "recall", "f1", "false_positive_rate",
               "unknown", "auc", "calibration_error")  # fmt: skip
    table = Table("", *(name.replace("_", " ") for name in columns))
    groups = [("all", result["overall"]), *result["categories"].items()]
    groups += [*result["languages"].items(), *result["sublabels"].items()]
    for name, values in groups:
        shown = ("" if values.get(column) is None else str(values[column]) for column in columns)
        table.add_row(plain(name), *shown)
    console.print(table)


@scamtrail.command()
@in_workspace
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True)
def datasette(opened: Workspace, host: str, port: int) -> None:
    """Open the findings in Datasette, with descriptions, facets and canned queries."""
    try:
        from datasette.cli import cli as datasette_cli  # type: ignore[import-untyped]
    except ImportError:
        _die(Exit.USAGE, "datasette is not installed; pip install 'scamtrail[desk]'")
    datasette_cli.main(desk.serve_command(opened.database, host, port), prog_name="datasette")


@scamtrail.command("serve")
@in_workspace
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option("--connections", type=click.IntRange(1), default=512, show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=300, show_default=True,
              help="The longest life of a connection.")  # fmt: skip
def serve_command(
    opened: Workspace, host: str, port: int, connections: int, seconds: float
) -> None:
    """Serve public/ for pulls: ETag and 304, ranges, precompressed gzip.

    \b
    For small sites, and behind a web server that speaks TLS; see docs/isp.md.
    """

    def ready(address: str, number: int) -> None:
        shown = f"[{address}]" if ":" in address else address
        click.echo(f"serving {opened.public} at http://{shown}:{number}/")

    asyncio.run(
        serve.serve(
            opened.public, host, port, connections=connections, seconds=seconds, ready=ready
        )
    )


@scamtrail.command("doctor")
@in_workspace
@click.option("--json", "as_json", is_flag=True)
def doctor_command(opened: Workspace, as_json: bool) -> None:
    """What is installed, reachable and stale, and the fix for each fault."""
    findings = asyncio.run(doctor.examine(opened, now()))
    for item in findings:
        if as_json:
            click.echo(json.dumps(asdict(item), ensure_ascii=False))
        else:
            fix = f"; {item.fix}" if item.fix else ""
            click.echo(f"{item.level:<6} {item.subject}: {item.detail}{fix}")
    faults = any(item.level == "fault" for item in findings)
    raise click.exceptions.Exit(int(Exit.FAILURES if faults else Exit.DONE))


# Practice

seed_option = click.option("--seed", type=int, default=1, show_default=True)
sites_option = click.option(
    "--sites", type=click.IntRange(150, 50_000), default=300, show_default=True
)
ports_option = click.option(
    "--free-ports", is_flag=True, help="Take any free ports instead of the documented ones."
)


@scamtrail.command("sandbox")
@click.argument("folder", type=click.Path(path_type=Path), default=Path("practice"))
@seed_option
@sites_option
@ports_option
def sandbox_command(folder: Path, seed: int, sites: int, free_ports: bool) -> None:
    """Serve the practice internet on loopback until interrupted.

    \b
    FOLDER gets truth.jsonl, reports/ and sandbox.toml, the configuration of a
    workspace on this internet.
    """
    ports = sandbox.Ports.free() if free_ports else sandbox.Ports()
    raise click.exceptions.Exit(sandbox.serve(folder, seed=seed, sites=sites, ports=ports))


@scamtrail.command("demo")
@click.option(
    "-w",
    "--workspace",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("practice"),
    show_default=True,
    help="Where the demo keeps its workspaces, one a seed and size.",
)
@seed_option
@sites_option
@ports_option
@limited
@click.option("-q", "--quiet", is_flag=True, help="Print only problems.")
@click.option("--json", "as_json", is_flag=True, help="Print the score and the outcome as JSON.")
def demo_command(
    folder: Path,
    seed: int,
    sites: int,
    free_ports: bool,
    limit_pages: int,
    limit_minutes: float,
    quiet: bool,
    as_json: bool,
) -> None:
    """The main job on the practice internet, scored against its ground truth."""
    root = folder / f"seed-{seed}-sites-{sites}"
    say = (lambda text: None) if quiet or as_json else click.echo
    outcome = demo.demo(
        root,
        now,
        Progress(quiet=quiet or as_json),
        seed=seed,
        sites=sites,
        ports=sandbox.Ports.free() if free_ports else sandbox.Ports(),
        limits=Limits(limit_pages, limit_minutes),
        say=say,
    )
    if as_json:
        for problem in (*outcome.problems, outcome.message):
            if problem:
                click.echo(f"scamtrail: {problem}", err=True)
        click.echo(json.dumps({**outcome.stats["demo"], "run": outcome.stats}, ensure_ascii=False))
        raise click.exceptions.Exit(int(outcome.code))
    result = outcome.stats.pop("demo")
    if not quiet:
        say("\n".join(summary(outcome.stats)))
    say(
        f"score       recall {result['recall']:.3f} of {result['reachable']} reachable scam hosts,"
        f" precision {result['precision']:.3f}, {result['false_listings']} false listings"
    )
    say(
        f"            {result['pages']} pages in {result['seconds']} s,"
        f" {result['pages_per_cpu_second']} per CPU-second"
    )
    say(f"lists       {root / 'public'}")
    say(f"database    {root / 'findings.db'}")
    with Store(root / "findings.db") as store:
        for host in demo.samples(store, demo.listed_names(store)):
            say(f"look at     scamtrail explain -w {root} {host}")
    finish(outcome, quiet=True, as_json=False)


@scamtrail.command("compile")
@click.option("-o", "--output", "folder", required=True, type=click.Path(path_type=Path))
@click.option("--allow", multiple=True, type=click.Path(path_type=Path, exists=True))
@click.option("--format", "wanted", multiple=True, help="A list format; all when absent.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.argument(
    "lists", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
def compile_command(
    folder: Path,
    allow: tuple[Path, ...],
    wanted: tuple[str, ...],
    as_json: bool,
    lists: tuple[Path, ...],
) -> None:
    """Merge lists of any format into clean, collapsed ones, and say what was dropped and why.

    \b
    Example:
      scamtrail compile hosts.txt adblock.txt.gz --allow ours.txt -o merged
    """
    folder.mkdir(parents=True, exist_ok=True)
    compiled = compile_lists(
        {str(path): open_list(path) for path in lists},
        allow={str(path): open_list(path) for path in allow},
        protected=reference.default().reason,
    )
    try:
        files = release.save(
            compiled, folder, wanted=wanted or tuple(formats()), config=PublishConfig(), now=now()
        )
    except ReleaseError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        report = {
            "entries": len(compiled),
            "lines": compiled.lines,
            "dropped": dict(sorted(compiled.dropped.items())),
            "lists": compiled.by_source,
            "files": {name: info.entries for name, info in files.items()},
        }
        click.echo(json.dumps(report, indent=1))
        return
    click.echo(f"{compiled.lines:,} lines, {len(compiled):,} entries in {len(files)} files")
    for why, number in sorted(compiled.dropped.items(), key=lambda item: -item[1]):
        click.echo(f"  {number:>10,} dropped: {why}")


# Overrides


def _override(action: str) -> Callable[..., None]:
    @in_workspace
    @click.option("--reason", required=True, help="Why; stands in the findings.")
    @click.option("--by", "author", required=True, help="Who decides this.")
    @click.option("--days", type=click.IntRange(1), help="Ends by itself after so many days.")
    @click.argument("domain")
    def command(opened: Workspace, reason: str, author: str, days: int | None, domain: str) -> None:
        host = _host(domain)
        expires = now() + timedelta(days=days) if days else None
        with opened.lock(), Store(opened.database) as store:
            store.add_override(host, action, reason, author, now(), expires)
        click.echo(f"{host}: {action} noted; the next publish applies it")

    return command


allow = scamtrail.command("allow", help="Never list DOMAIN.")(_override("allow"))
deny = scamtrail.command("deny", help="List DOMAIN whatever the evidence.")(_override("deny"))


@scamtrail.command("appeal")
@in_workspace
@click.option("--by", "author", help="Who asks.")
@click.option("--reason", help="What they say.")
@click.option("--json", "as_json", is_flag=True, help="The case and the evidence as JSON.")
@click.argument("domain", required=False)
def appeal_command(
    opened: Workspace, author: str | None, reason: str | None, as_json: bool, domain: str | None
) -> None:
    """Open a case for DOMAIN: look again, show the evidence. Without DOMAIN, the open cases.

    \b
    All known pages are fetched again, as the crawler and as a victim sees them.
    scamtrail allow or deny decides the case and closes it; what a new look
    clears leaves the lists with the next publish by itself.
    """
    if domain is None:
        with Store(opened.database) as store:
            cases = [dict(row) for row in open_appeals(store)]
        for case in cases:
            if as_json:
                click.echo(json.dumps(case, ensure_ascii=False))
            else:
                click.echo(
                    f"{case['id']}  {case['opened_at']}  {defang(case['domain'])}"
                    f"  {plain(case['author'])}: {plain(case['reason'])}"
                )
        return
    if not author or not reason:
        raise click.UsageError("an appeal needs --by and --reason")
    host = _host(domain)
    with run_record(opened, "appeal", now, Progress(quiet=as_json)) as cycle:
        cycle.appeal(host, author, reason)
        found = gather(cycle.store, host)
    outcome = cycle.outcome
    if outcome.message:
        click.echo(f"scamtrail: {outcome.message}", err=True)
    case = outcome.stats["appeal"]
    if as_json:
        shown = {"exit_code": int(outcome.code), **case, "explain": found}
        click.echo(json.dumps(shown, indent=1, ensure_ascii=False))
    else:
        console = Console(soft_wrap=True)
        if found:
            render(found, console)
        for title in ("before", "after"):
            for line in case.get(title, "not looked at").split("\n"):
                console.print(f"{title:<13}", plain(line))
        for line in case["next_publish"]:
            console.print("next publish ", plain(line, 300))
        console.print(f"case {case['case']} is open; decide it with scamtrail allow or deny")
    raise click.exceptions.Exit(int(outcome.code))


def _host(domain: str) -> str:
    try:
        return normalise_host(domain.split("://")[-1].split("/")[0].replace("[.]", "."))
    except ValueError as error:
        raise click.UsageError(f"{error}; name a domain such as shop.example") from error
