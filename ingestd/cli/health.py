"""`health`: is the service well; for monitoring, containers and people in a hurry."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ingestd.cli import jsonout
from ingestd.cli.files import replace_file
from ingestd.cli.health_report import Health, examine, journal_only
from ingestd.cli.options import common_options, json_option
from ingestd.cli.prometheus import exposition
from ingestd.cli.session import as_owner, open_session
from ingestd.errors import Exit, JournalError, UsageError

if TYPE_CHECKING:
    from ingestd.alarms import Alarm

_HELP_HEALTH: Final = """\b
Exit 0: fine; 1: a person is needed (a gate closed for over 15 minutes, a folder that is not in
order, held or failed files); 3: not running, or stuck.
With --prometheus the code is 0 once the metrics are written: they tell the rest.
ingestd health --prometheus --output /var/lib/prometheus/node-exporter/ingestd.prom
"""


@click.command(epilog=_HELP_HEALTH)
@click.option("--prometheus", is_flag=True, help="Metrics for node_exporter's textfile folder.")
@click.option(
    "-o", "--output", type=click.Path(), metavar="FILE", help="Write the metrics there, at once."
)
@json_option
@common_options
@click.pass_context
def health(ctx: click.Context, *, prometheus: bool, output: str | None, as_json: bool) -> Exit:
    """Say in one sentence whether the service is well."""
    if output and not prometheus:
        raise UsageError("--output belongs to --prometheus.")
    state_dir = open_session(ctx).state_dir
    with as_owner(state_dir):
        found = examine(state_dir)
        if prometheus and found.life.trouble:
            with contextlib.suppress(JournalError):
                found = journal_only(state_dir, found)
    if prometheus:
        _write(exposition(found), output)
        return Exit.DONE
    click.echo(jsonout.dump(_document(found), indent=2) if as_json else found.text)
    return found.code


def _document(found: Health) -> dict[str, Any]:
    life = found.life
    return {
        "schema": 1,
        "status": found.status,
        "code": int(found.code),
        "text": found.text,
        "at": jsonout.iso(found.now),
        "daemon": {
            "running": life.running,
            "pid": life.pid,
            "since": jsonout.iso(life.since),
            "stuck_for_s": life.stuck_for,
        },
        "troubles": [_trouble(one) for one in found.alarms],
    }


def _trouble(alarm: Alarm) -> dict[str, Any]:
    return {**asdict(alarm), "since": jsonout.iso(alarm.since)}


def _write(text: str, output: str | None) -> None:
    """Write to stdout, or replace a file in one move: a collector never reads half of it."""
    if output is None:
        click.echo(text, nl=False)
        return
    target = Path(output)
    try:
        replace_file(target, text, mode=0o644)  # another user's collector reads it
    except OSError as error:
        raise UsageError(
            f"{target} cannot be written ({error.strerror}). Name a file in a folder that this "
            "user may write, such as node_exporter's textfile folder."
        ) from error
