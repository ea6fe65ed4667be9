"""The `scamtrail` command; what it can do stands in `crawler.commands`."""

import sys

import click

from crawler import commands
from crawler.config import ConfigError
from crawler.outcome import Exit
from crawler.store import StoreError
from crawler.workspace import LockHeldError, WorkspaceError

EXIT_CODES = """\b
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
    except ConfigError as error:
        commands.die(Exit.USAGE, error)
    except LockHeldError as error:
        commands.die(Exit.LOCKED, error)
    except (StoreError, WorkspaceError, OSError) as error:
        commands.die(Exit.FAILURES, error)


class _Commands(click.Group):
    """Imports a command's module when it is called, so that a locked run says so at once."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return commands.find(cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [command.name or "" for command in commands.found()]


@click.group(
    cls=_Commands, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="scamtrail")
def scamtrail() -> None:
    """Reports in, trail followed, verdicts with evidence, operations linked, lists out."""
