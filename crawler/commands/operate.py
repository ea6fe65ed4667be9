"""For who runs it: `status`, `metrics`, `schedule`, `backup` and `restore`."""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from crawler import schedule as scheduling
from crawler.commands import in_workspace, now, one_line
from crawler.outcome import Exit
from crawler.store.backup import back_up, restore
from crawler.store.schema import kept_backups
from crawler.workspace import Workspace


@click.command()
@in_workspace
@click.option("-q", "--quiet", is_flag=True, help="Print only what is wrong.")
@click.option("--json", "as_json", is_flag=True)
def status(opened: Workspace, quiet: bool, as_json: bool) -> None:
    """Whether all is well, in ten lines; exit code 1 when something is wrong.

    \b
    Uses no network and disturbs no run; scamtrail doctor looks further.
    """
    from crawler import status as state

    at = now()
    findings = state.examine(opened, at)
    faults = [item for item in findings if item.level == "fault"]
    if as_json:
        document = {
            "ok": not faults,
            "workspace": str(opened.root),
            "at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "findings": [asdict(item) for item in findings],
        }
        click.echo(json.dumps(document, indent=1, ensure_ascii=False))
    else:
        for item in faults if quiet else findings:
            fix = f"; {item.fix}" if item.fix else ""
            click.echo(one_line(f"{item.level:<6} {item.subject}: {item.detail}{fix}"))
    raise click.exceptions.Exit(int(Exit.FAILURES if faults else Exit.DONE))


@click.command("metrics")
@in_workspace
@click.option("--port", type=click.IntRange(0, 65535), help="Serve them at /metrics.")
@click.option("--host", default="127.0.0.1", show_default=True)
def metrics_command(opened: Workspace, port: int | None, host: str) -> None:
    """The workspace in numbers, in the form that Prometheus reads.

    \b
    [alert] textfile has each run write them for the node exporter.
    """
    from crawler import metrics, serve

    if port is None:
        click.echo(metrics.render(metrics.collect(opened, now())), nl=False)
        return
    asyncio.run(
        serve.serve(
            metrics.application(opened, now),
            host,
            port,
            connections=16,
            seconds=60,
            ready=lambda *at: click.echo(f"serving http://{at[0]}:{at[1]}/metrics"),
        )
    )


@click.command()
@in_workspace
@click.option("--user", default="", help="Who runs it.", show_default="who calls this")
@click.option("--cron", is_flag=True, help="Only the crontab.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write the units into this folder."
)
def schedule(opened: Workspace, user: str, cron: bool, output: Path | None) -> None:
    """A crontab and systemd units that run the cycle every [schedule] every_hours.

    \b
    Example:
      scamtrail schedule -w my-watch -o /etc/systemd/system
      systemctl enable --now scamtrail-my-watch.timer scamtrail-my-watch-status.timer
      scamtrail schedule -w my-watch --cron | crontab -
    """
    root, every = opened.root.resolve(), opened.config.schedule.every_hours
    program = Path(sys.argv[0]).absolute()
    lines = scheduling.crontab(root, program, every)
    if cron:
        click.echo(lines, nl=False)
        return
    units = scheduling.units(root, program, every, user)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in units.items():
            (output / name).write_text(text, "utf-8")
            click.echo(output / name)
        return
    click.echo(f"# crontab -e, or the units below\n{lines}")
    for name, text in units.items():
        click.echo(f"# /etc/systemd/system/{name}\n{text}")


@click.command()
@in_workspace
def backup(opened: Workspace) -> None:
    """Copy findings.db into backups/, also while a run works, and verify the copy.

    \b
    Keys, configuration and evidence are plain files; copy them with any program.
    """
    click.echo(back_up(opened.database, now(), keep=opened.config.backup.keep))


@click.command("restore")
@in_workspace
@click.argument("backup", type=click.Path(path_type=Path), required=False)
def restore_command(opened: Workspace, backup: Path | None) -> None:
    """Put a backup in the place of findings.db: BACKUP, or the newest one.

    \b
    What stood there is kept beside it; evidence found since is indexed again.
    """
    with opened.lock():
        chosen = backup or next(iter(kept_backups(opened.database)), None)
        if chosen is None:
            raise click.UsageError(f"{opened.root / 'backups'} holds no backup; name a file")
        aside = restore(opened.database, chosen, now())
    click.echo(f"{opened.database}: is now {chosen}")
    if aside:
        click.echo(f"what stood there is {aside}; remove it when all is well")
