"""The `scamtrail` command; what it can do stands in `crawler.commands`."""

import sys

import click

from crawler import commands
from crawler.outcome import Exit, Failure

# What belongs together, in the order in which one needs it; the help shows others after these.
SECTIONS = {
    "Start": ("init", "run", "demo", "doctor", "status"),
    "One stage of a run": (
        "ingest", "sources", "discover", "crawl", "recheck", "enrich", "link", "publish",
    ),
    "Look": ("explain", "operations", "facilitators", "datasette", "check", "evidence"),
    "Decide": ("triage", "allow", "deny", "appeal", "decisions"),
    "Hand on": ("serve", "report", "export", "merge", "compile"),
    "Keep it going": ("schedule", "worker", "backup", "restore", "metrics"),
    "Measure and practise": ("evaluate", "train", "sandbox"),
}  # fmt: skip

EPILOG = """\b
Examples:
  scamtrail demo                                 the whole trail on a practice internet
  scamtrail init watch && cp june.csv watch/reports/ && scamtrail run -w watch
  scamtrail explain -w watch shop.example        why it is, or is not, listed
  scamtrail datasette -w watch                   look around in the browser

\b
Most commands take --json; -h after a command shows its own options and examples.
Completion for bash (zsh and fish alike):
  eval "$(_SCAMTRAIL_COMPLETE=bash_source scamtrail)"

\b
Exit codes:
  0  done
  1  finished with failures (counts are printed)
  2  bad usage or configuration
  3  refused to publish (safety stop)
  4  another run holds the lock
"""


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
    except Failure as error:
        commands.die(error.code, error)
    except OSError as error:
        commands.die(Exit.FAILURES, error)


class _Commands(click.Group):
    """Imports a command's module when it is called, so that a locked run says so at once."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return commands.find(cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [command.name or "" for command in commands.found()]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rest = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        width = formatter.width - 6 - max(map(len, rest))
        placed = [(title, [name for name in names if name in rest])
                  for title, names in SECTIONS.items()]  # fmt: skip
        known = {name for _, names in placed for name in names}
        for title, names in (*placed, ("Further", sorted(rest.keys() - known))):
            rows = [(name, command.get_short_help_str(width))
                    for name in names if (command := rest[name])]  # fmt: skip
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


@click.group(cls=_Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="scamtrail")
def scamtrail() -> None:
    """Reports in, trail followed, verdicts with evidence, operations linked, lists out.

    A workspace is a folder with a configuration, reports/, findings.db and public/.
    A run reads new reports, follows their links to scam sites, judges what it
    finds, looks up who is behind it and publishes blocklists.
    """
