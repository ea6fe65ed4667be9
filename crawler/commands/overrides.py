"""What people decide: `allow`, `deny` and `appeal`."""

import json
from collections.abc import Callable
from datetime import timedelta

import click
from rich.console import Console

from crawler.commands import host_argument, in_workspace, now
from crawler.cycle import run_record
from crawler.explain import explain as gather
from crawler.explain import plain, render
from crawler.names import defang
from crawler.progress import Progress
from crawler.store import Store, iso
from crawler.store.queries import open_appeals
from crawler.workspace import Workspace


def _override(action: str) -> Callable[..., None]:
    @in_workspace
    @click.option("--reason", required=True, help="Why; stands in the findings.")
    @click.option("--by", "author", required=True, help="Who decides this.")
    @click.option("--days", type=click.IntRange(1), help="Ends by itself after so many days.")
    @click.option("--json", "as_json", is_flag=True, help="The decision as JSON.")
    @click.argument("domain")
    def command(
        opened: Workspace, reason: str, author: str, days: int | None, as_json: bool, domain: str
    ) -> None:
        host = host_argument(domain)
        expires = now() + timedelta(days=days) if days else None
        with opened.lock(), Store(opened.database) as store:
            store.add_override(host, action, reason, author, now(), expires)
        if as_json:
            noted = {"domain": host, "action": action, "reason": reason, "author": author,
                     "expires_at": iso(expires)}  # fmt: skip
            click.echo(json.dumps(noted, ensure_ascii=False))
        else:
            click.echo(f"{host}: {action} noted; the next publish applies it")

    return command


allow = click.command("allow", help="Never list DOMAIN.")(_override("allow"))
deny = click.command("deny", help="List DOMAIN whatever the evidence.")(_override("deny"))


@click.command("appeal")
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
    host = host_argument(domain)
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
