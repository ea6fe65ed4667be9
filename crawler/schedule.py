"""What makes a machine run the cycle by itself: a crontab, or systemd units that fence it in."""

import getpass
import hashlib
import shlex
from collections.abc import Mapping
from pathlib import Path

# A run stops crawling so many minutes before the next one is due; what follows needs them.
AFTER_CRAWL = 20


def minute_of(workspace: Path) -> int:
    """0..59, the same for one workspace always, so that not all ask the sources at once."""
    return int(hashlib.sha256(bytes(workspace)).hexdigest(), 16) % 60


def crontab(workspace: Path, program: Path, every_hours: int) -> str:
    """Lines for `crontab -e`; cron mails what they print, which is nothing while all is well.

    A run that outlives its slot holds the lock, and the one after it ends with exit code 4 and one
    line. After a reboot cron waits for the next slot; a change of the time zone shifts the slots.
    """
    minute = minute_of(workspace)
    command, place = shlex.quote(str(program)), shlex.quote(str(workspace))
    # cron takes an unescaped % for the end of the line.
    command, place = command.replace("%", r"\%"), place.replace("%", r"\%")
    hours = "*" if every_hours == 1 else f"*/{every_hours}"
    return (
        f"{minute} {hours} * * * {command} run -w {place} --quiet"
        f" --limit-minutes {_minutes(every_hours)}\n"
        f"{(minute + 30) % 60} 6 * * * {command} status -w {place} --quiet\n"
    )


def units(workspace: Path, program: Path, every_hours: int, user: str = "") -> Mapping[str, str]:
    """systemd unit files by name: `run` and its timer, and a daily `status` and its timer.

    The timers count in UTC, so neither a time zone nor summer time moves them; `Persistent` makes
    up for what was missed while the machine was off. A service that still runs is not started
    twice. See systemd.exec(5) for what the fences mean.
    """
    name = f"scamtrail-{workspace.name}"
    user = user or getpass.getuser()
    minute = minute_of(workspace)
    place = _quoted(str(workspace))
    run = f"{_quoted(str(program))} run -w {place} --quiet --limit-minutes {_minutes(every_hours)}"
    status = f"{_quoted(str(program))} status -w {place} --quiet"
    # A crawl that ignores its own limit is ended before its second slot is lost.
    longest = 2 * 60 * every_hours
    hours = "*" if every_hours == 1 else ",".join(f"{h:02}" for h in range(0, 24, every_hours))
    return {
        f"{name}.service": _service(
            f"scamtrail run on {workspace}",
            run,
            workspace,
            user,
            f"SuccessExitStatus=4\nTimeoutStartSec={longest}min\n",
        ),
        f"{name}.timer": _timer(f"scamtrail on {workspace}", f"*-*-* {hours}:{minute:02}:00 UTC"),
        f"{name}-status.service": _service(
            f"scamtrail status of {workspace}", status, workspace, user, "TimeoutStartSec=10min\n"
        ),
        f"{name}-status.timer": _timer(
            f"daily scamtrail status of {workspace}", f"*-*-* 06:{(minute + 30) % 60:02}:00 UTC"
        ),
    }


def _minutes(every_hours: int) -> int:
    return 60 * every_hours - AFTER_CRAWL


def _quoted(text: str) -> str:
    """One word of a command line in a unit file (systemd.service(5), systemd.syntax(7))."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped.replace("$", "$$")}"' if set(text) & set(" \"'\\;$") else escaped


def _service(about: str, command: str, workspace: Path, user: str, extra: str) -> str:
    # Path lists take quotes and specifiers but no variables.
    place = _quoted(str(workspace)).replace("$$", "$")
    return f"""\
[Unit]
Description={about.replace("%", "%%")}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart={command}
User={user}
{extra}TimeoutStopSec=5min
UMask=0022
Nice=10
IOSchedulingClass=idle
MemoryMax=75%
TasksMax=512
LimitNOFILE=65536
LimitCORE=0
ReadWritePaths={place}
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
LockPersonality=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
"""


def _timer(about: str, when: str) -> str:
    return f"""\
[Unit]
Description={about.replace("%", "%%")}

[Timer]
OnCalendar={when}
Persistent=true
RandomizedDelaySec=60

[Install]
WantedBy=timers.target
"""
