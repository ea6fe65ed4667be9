"""Findings across borders: `export` and `merge`."""

import json
from collections import Counter
from pathlib import Path

import click

from crawler import reference, share
from crawler.commands import die, in_workspace, now
from crawler.cycle import Exit
from crawler.names import registered_domain
from crawler.share import misp, partner, stix
from crawler.store import PartnerRow, Store
from crawler.store import queries as q
from crawler.workspace import Workspace

MIN_PRIORITY = 0.3


def _publisher(opened: Workspace) -> share.Publisher:
    settings = opened.config.publish
    return share.Publisher.of(settings.title, settings.contact, opened.signer().public)


@click.command("export")
@in_workspace
@click.option("--stix", "bundle", type=click.Path(path_type=Path), help="A STIX 2.1 bundle.")
@click.option("--misp", "feed", type=click.Path(path_type=Path), help="The folder of a MISP feed.")
@click.option("--operation", "identity", default="", help="Only this one.")
@click.option("--tlp", type=click.Choice(list(stix.MARKINGS)), default="clear", show_default=True)
def export_command(
    opened: Workspace, bundle: Path | None, feed: Path | None, identity: str, tlp: str
) -> None:
    """Share sites, operations and their infrastructure as STIX 2.1 or as a MISP feed.

    \b
    Examples:
      scamtrail export --stix ours.json
      scamtrail export --misp feed --operation op-1234567890 --tlp amber
    """
    if not bundle and not feed:
        raise click.UsageError("name a file with --stix, a folder with --misp, or both")
    with Store(opened.database) as store:
        found = share.findings(store, now(), identity)
    if not found:
        what = f"{identity}: no such operation with sites" if identity else "nothing is found yet"
        die(Exit.FAILURES, f"{what}; nothing was written")
    sites = sum(len(item.sites) for item in found)
    if bundle:
        part = bundle.with_name(bundle.name + ".part")
        part.write_text(stix.bundle(_publisher(opened), found, tlp), "utf-8")
        part.replace(bundle)
        click.echo(f"{bundle}: {sites} sites, {len(found)} operations or groups")
    if feed:
        events = misp.write(_publisher(opened), found, tlp, feed)
        click.echo(f"{feed}: {sites} sites in {events} events")


@click.command("merge")
@in_workspace
@click.option("--partner", "name", required=True, help="Who shared it; stands in the findings.")
@click.option(
    "--trust", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Their weight."
)
@click.option("--json", "as_json", is_flag=True, help="The counts as JSON.")
@click.argument("file", type=click.Path(path_type=Path, exists=True))
def merge_command(opened: Workspace, name: str, trust: float, as_json: bool, file: Path) -> None:
    """Take in what a partner found (STIX 2.1 bundle, MISP event, folder of a MISP feed).

    \b
    It never lists anything: hosts that are new here are visited by the next run
    and judged by what they show. Our own export, come back, changes nothing.
    """
    try:
        findings, problems = partner.read(file)
    except partner.PartnerError as error:
        raise click.UsageError(str(error)) from error
    own = str(_publisher(opened).id)
    protected = reference.default().extended(
        [opened.root / path for path in opened.config.publish.reference]
    )
    counts: Counter[str] = Counter(new=0, known=0, own=0, protected=0)
    with opened.lock(), Store(opened.database) as store:
        known = q.known_hosts(store)
        rows: list[PartnerRow] = []
        for item in findings:
            if item.author == own:
                counts["own"] += 1
                continue
            kept = protected.reason(item.host)
            visited = item.host in known
            counts["protected" if kept else "known" if visited else "new"] += 1
            rows.append(
                PartnerRow(
                    name,
                    item.host,
                    registered_domain(item.host) or item.host,
                    trust,
                    item.category,
                    item.probability,
                    item.operation,
                    item.first_seen,
                    item.reference,
                    0.0
                    if kept or visited
                    else MIN_PRIORITY + (1 - MIN_PRIORITY) * trust * item.probability,
                )
            )
        store.merge_partner(rows, now())
    for problem in problems:
        click.echo(f"scamtrail: {problem}", err=True)
    if as_json:
        click.echo(json.dumps({"partner": name, **counts, "problems": problems}))
    else:
        click.echo(
            f"{name}: {counts['new']} hosts new and queued, {counts['known']} known,"
            f" {counts['protected']} protected, {counts['own']} our own; nothing is listed by this"
        )
    if problems:
        raise click.exceptions.Exit(int(Exit.FAILURES))
