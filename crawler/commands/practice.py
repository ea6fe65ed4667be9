"""The practice internet: `sandbox` and `demo`."""

import json
from pathlib import Path

import click

from crawler import demo, sandbox
from crawler.commands import finish, limited, now, summary
from crawler.outcome import Limits
from crawler.progress import Progress
from crawler.store import Store

seed_option = click.option("--seed", type=int, default=1, show_default=True)
sites_option = click.option(
    "--sites", type=click.IntRange(150, 50_000), default=300, show_default=True
)
ports_option = click.option(
    "--free-ports", is_flag=True, help="Take any free ports instead of the documented ones."
)


@click.command("sandbox")
@click.argument("folder", type=click.Path(path_type=Path), default=Path("practice"))
@seed_option
@sites_option
@click.option(
    "--hostile",
    type=click.FloatRange(0, 0.9),
    default=0.0,
    help="The share of hosts that are traps.  [default: one of each kind]",
)
@ports_option
def sandbox_command(folder: Path, seed: int, sites: int, hostile: float, free_ports: bool) -> None:
    """Serve the practice internet on loopback until interrupted.

    \b
    FOLDER gets truth.jsonl, reports/ and sandbox.toml, the configuration of a
    workspace on this internet.
    """
    ports = sandbox.Ports.free() if free_ports else sandbox.Ports()
    raise click.exceptions.Exit(
        sandbox.serve(folder, seed=seed, sites=sites, hostile=hostile, ports=ports)
    )


@click.command("demo")
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
    workers: int,
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
        limits=Limits(limit_pages, limit_minutes, workers),
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
        f"            operations tied with pairwise recall {result['operations_recall']:.3f},"
        f" precision {result['operations_precision']:.3f}, {result['operations_mixed']} mixed"
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
