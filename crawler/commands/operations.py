"""Who is behind the sites: `operations`, `facilitators` and `report`."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from blocklists import policy
from crawler import behind, notices
from crawler.commands import die, in_workspace, now, wide_console
from crawler.cycle import Exit
from crawler.explain import plain
from crawler.notices.gather import receivers
from crawler.store import Store
from crawler.workspace import Workspace

SHOWN = 30
SHOWN_MEMBERS = 25
json_option = click.option("--json", "as_json", is_flag=True, help="Everything, as JSON.")


@click.command("operations")
@in_workspace
@json_option
@click.argument("identity", metavar="[OPERATION]", default="")
def operations_command(opened: Workspace, as_json: bool, identity: str) -> None:
    """The operations found, the largest first; or all that is known of OPERATION."""
    with Store(opened.database) as store:
        if identity:
            found = behind.operation(store, identity, now())
            if found is None:
                die(
                    Exit.FAILURES, f"{identity}: no such operation; scamtrail operations lists them"
                )
                return
            if as_json:
                click.echo(json.dumps(found, indent=1, ensure_ascii=False))
            else:
                _note(found, wide_console())
            return
        ranked = behind.ranked_operations(store, now())
    if as_json:
        click.echo(json.dumps(ranked, indent=1, ensure_ascii=False))
        return
    table = Table("operation", "sites", "live", "listed", "30 days", "what", "languages",
                  "first seen", "last seen", "sure", "tied by", expand=False)  # fmt: skip
    for item in ranked[:SHOWN]:
        table.add_row(
            item["id"],
            str(item["sites"]),
            str(item["live"]),
            str(item["listed"]),
            _growth(item),
            ", ".join(item["categories"]),
            ", ".join(item["languages"][:3]),
            item["first_seen"][:10],
            item["last_seen"][:10],
            f"{item['confidence']:.2f}",
            plain(item["summary"], 200),
        )
    if len(ranked) > SHOWN:
        table.caption = f"and {len(ranked) - SHOWN} more; --json shows all"
    wide_console().print(table if ranked else "no operation is known yet")


def _growth(item: dict[str, Any]) -> str:
    parts = [
        f"+{item['joined']}" if item["joined"] else "",
        f"-{item['left']}" * bool(item["left"]),
    ]
    return " ".join(part for part in parts if part) or "="


def _note(found: dict[str, Any], console: Console) -> None:
    """What an analyst would write down about an operation."""
    kinds = " and ".join(found["categories"]) or "scam"
    spoken = ", ".join(found["languages"]) or "no known language"
    console.print(
        plain(
            f"{found['id']} runs {found['sites']} {kinds} sites on {found['domains']} domains in"
            f" {spoken}; {found['live']} answered at the last look, {found['listed']} are listed."
            f" First seen {found['first_seen'][:10]}, last seen {found['last_seen'][:10]};"
            f" {found['joined']} joined and {found['left']} left in {behind.GROWTH_DAYS} days.",
            500,
        )
    )
    console.print(plain(f"Tied by: {found['summary']}. Sure by {found['confidence']:.0%}.", 500))
    members = Tree("Members, and why each belongs")
    for item in found["members"][:SHOWN_MEMBERS]:
        members.add(plain(f"{item['host']} ({item['kind']}): {item['reason'] or ''}", 300))
    if found["sites"] > SHOWN_MEMBERS:
        members.add(f"and {found['sites'] - SHOWN_MEMBERS} more; --json shows all")
    console.print(members)
    shared = Tree("What they share")
    for item in found["identifiers"][:SHOWN_MEMBERS]:
        shared.add(plain(f"{item['name']}: {item['value']}"))
    console.print(shared)
    services = Tree("Whose services they use")
    for item in found["facilitators"]:
        if item["role"] != "asn":
            contact = f", abuse contact {item['contact']}" if item["contact"] else ""
            services.add(
                plain(
                    f"{item['role']}: {item['name']} {item['reference']} for {item['domains']}"
                    f" domains{contact}",
                    300,
                )
            )
    console.print(services)
    history = Tree("History")
    for item in found["history"]:
        other = f" ({item['other_id']})" if item["other_id"] else ""
        history.add(
            plain(
                f"{item['at']} {item['operation_id']} {item['event']}{other}: {item['sites']} sites"
            )
        )
    for item in found["past_members"][:SHOWN_MEMBERS]:
        history.add(plain(f"{item['until']} {item['host']} left; {item['reason']}", 300))
    console.print(history)


@click.command("facilitators")
@in_workspace
@json_option
@click.option("--role", type=click.Choice(behind.ROLES), help="Only these.")
def facilitators_command(opened: Workspace, as_json: bool, role: str | None) -> None:
    """Registrars, hosters, networks, CDNs, wallets, chats and apps that scam sites use."""
    with Store(opened.database) as store:
        found = [item for item in behind.facilitators(store) if role in (None, item.role)]
    if as_json:
        shown = [item.to_json() for item in found]
        click.echo(json.dumps(shown, indent=1, ensure_ascii=False))
        return
    table = Table("role", "who", "number", "domains", "operations", "accounts", "abuse contact",
                  expand=False)  # fmt: skip
    shown_of: dict[str, int] = {}
    for item in found:
        shown_of[item.role] = shown_of.get(item.role, 0) + 1
        if shown_of[item.role] <= SHOWN // 2 or role:
            table.add_row(
                item.role,
                plain(item.name, 60),
                item.reference,
                str(len(item.domains)),
                str(len(item.operations)),
                str(len(item.accounts) or ""),
                item.contact,
            )
    wide_console().print(table if found else "no scam site has been looked up yet")


@click.command("report")
@in_workspace
@json_option
@click.argument("identity", metavar="OPERATION")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A folder for .md and .eml.")
@click.option(
    "--country",
    "countries",
    multiple=True,
    help="Name its law, e.g. th; by default those whose language the sites speak.",
)
@click.option("--language", type=click.Choice(notices.languages()), default="en", show_default=True)
def report_command(
    opened: Workspace,
    as_json: bool,
    identity: str,
    output: Path | None,
    countries: tuple[str, ...],
    language: str,
) -> None:
    """Write a notice to each registrar, hoster and CDN of OPERATION; nothing is sent.

    \b
    Examples:
      scamtrail report op-1234567890
      scamtrail report op-1234567890 -o notices --country vn --language vi
    """
    try:
        policies = policy.load(opened.policies, countries)
    except policy.PolicyError as error:
        raise click.UsageError(str(error)) from error
    with Store(opened.database) as store:
        found = behind.operation(store, identity, now())
        if found is None:
            die(Exit.FAILURES, f"{identity}: no such operation; scamtrail operations lists them")
            return
        concerned = policies if countries else notices.concerned(policies, found["languages"])
        contact = opened.config.publish.contact
        written = list(
            notices.write(
                found, receivers(store, found), concerned, contact=contact, language=language
            )
        )
    if not written:
        die(Exit.FAILURES, f"{identity}: nobody to write to is known; run scamtrail enrich first")
    if output:
        output.mkdir(parents=True, exist_ok=True)
        for item in written:
            (output / f"{item.file_name}.md").write_text(item.markdown, "utf-8")
            (output / f"{item.file_name}.eml").write_bytes(item.to_mail(contact, now()))
    if as_json:
        click.echo(json.dumps([item.to_json() for item in written], indent=1, ensure_ascii=False))
    elif output:
        for item in written:
            to = item.receiver.contact or "no abuse contact known"
            click.echo(f"{output / item.file_name}.eml: {len(item.receiver.sites)} sites, to {to}")
        click.echo("nothing was sent; read them, then send them yourself")
    else:
        click.echo("\n".join(item.markdown for item in written))
