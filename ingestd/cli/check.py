"""`check`: is everything as it must be; one line each, with the remedy."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ingestd.cli import jsonout, terminal, words
from ingestd.cli.apart import NoAnswerError, in_child
from ingestd.cli.checking import Grade, Result
from ingestd.cli.checks_far import Answered, check_api
from ingestd.cli.checks_folder import PATIENCE, Service, Watches, check_folder, check_written
from ingestd.cli.checks_key import find_key
from ingestd.cli.checks_local import (
    check_clock,
    check_disk,
    check_inotify,
    check_journal,
    check_mirror,
)
from ingestd.cli.checks_service import check_files, find_service
from ingestd.cli.checks_settings import (
    check_command,
    check_pace,
    check_scopes,
    check_taken,
    check_times,
    check_twins,
    names_folders,
)
from ingestd.cli.disks import known_disks
from ingestd.cli.options import common_options, json_option
from ingestd.cli.session import Session, as_owner, open_session
from ingestd.cli.spans import Line, Span, Tone, line
from ingestd.config import find
from ingestd.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

_TONES = {Grade.OK: Tone.GOOD, Grade.WARN: Tone.WAIT, Grade.FAIL: Tone.BAD}
_HELP_CHECK: Final = """\b
Exit 0: all well, perhaps with warnings; 1: something fails; 2: the configuration is broken.
"""


@click.command(epilog=_HELP_CHECK)
@click.option("--config-only", is_flag=True, help="Only the configuration: no key, no network.")
@json_option
@common_options
@click.pass_context
def check(ctx: click.Context, *, config_only: bool, as_json: bool) -> int:
    """Look whether everything is as it must be, and say the remedy if not."""
    session = open_session(ctx)
    if session.config is None:
        find(None, os.environ)  # says where it looked and what to write
    results = []
    for result in _results(session, config_only=config_only):
        results.append(result)
        if not as_json:
            terminal.show([_line(result)])
    if as_json:
        click.echo(jsonout.dump([result.document() for result in results], indent=2))
    failed = any(result.grade is Grade.FAIL for result in results)
    return Exit.PROBLEMS if failed else Exit.DONE


def _results(session: Session, *, config_only: bool) -> Iterator[Result]:
    settings = session.settings
    count = words.count(len(settings.folders), "folder")
    yield Result(Grade.OK, "configuration", f"{session.config}: {count}")
    yield from check_times(settings)
    yield from check_pace(settings)
    yield from check_taken(settings)
    if config_only:
        return
    yield from check_command(settings.on_trouble)
    service, found = _service(session)
    yield from found
    answered = None
    unit = service.unit if service else None
    key, place, result = find_key(settings.api, os.environ, unit, session.state_dir)
    if service is not None:
        yield from check_files(service, _files(session, service, place))
    yield result
    if key is not None:
        answered = check_api(settings.api, key, ask_folders=names_folders(settings))
        yield answered.result
        yield from check_scopes(settings, answered.folders)
    yield from _of_this_machine(session, service, answered)
    if key is not None:
        yield from check_twins(session.state_dir, key)


def _service(session: Session) -> tuple[Service | None, list[Result]]:
    if session.config is None:
        return None, []
    return find_service(session.config, session.state_dir)


def _files(session: Session, service: Service, key: Path | None) -> dict[str, Path]:
    """What the service reads as its user when it starts."""
    files = {} if session.config is None else {"configuration": session.config}
    if key is not None:
        files["key"] = key
    if service.unit is not None and service.unit.program:
        files["program"] = Path(service.unit.program)
    return files


def _of_this_machine(
    session: Session, service: Service | None, answered: Answered | None
) -> Iterator[Result]:
    folders, watched = session.settings.folders, Watches()
    with as_owner(session.state_dir):
        known = known_disks(session.state_dir)
    for folder in folders:
        result, watches = check_folder(folder, service, known.get(str(folder.path)))
        watched += watches
        yield result
    yield check_inotify(watched, len(folders))
    with as_owner(session.state_dir):  # nothing there may come to be root's
        journal = check_journal(session.state_dir)
    yield journal
    yield check_clock(time.time(), answered.clock if answered else None)
    yield check_disk("disk", session.state_dir)
    if session.settings.mirror_dir is not None:
        yield _mirror(session.settings.mirror_dir, service)


def _mirror(place: Path, service: Service | None) -> Result:
    """The mirror may lie on a share: whether it answers, and takes what is written there."""
    kept_out = check_written("mirror", place, service) if service else None
    if kept_out is not None:
        return kept_out
    try:
        return in_child(lambda: check_mirror(place), PATIENCE)
    except NoAnswerError:
        text = f"{place} did not answer within {PATIENCE:g} s"
        remedy = "Is its server or disk there? Uploads pause until it answers; nothing is lost."
        return Result(Grade.FAIL, "mirror", text, remedy)


def _line(result: Result) -> Line:
    remedy = f" {result.remedy}" if result.remedy else ""
    return line(
        Span(f"{result.grade:<4}", _TONES[result.grade]),
        f"  {result.topic:<14}  {result.text}{'.' if remedy else ''}{remedy}",
    )
