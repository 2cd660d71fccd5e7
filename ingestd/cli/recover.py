"""`recover`: a journal that was lost, damaged or is an older copy knows again what was paid."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final

import click

from ingestd.cli import jsonout, servicewords, terminal, words
from ingestd.cli.faraway import far_side
from ingestd.cli.options import (
    common_options,
    dry_run_option,
    json_option,
    scope_option,
    yes_option,
)
from ingestd.cli.session import become_owner, open_session
from ingestd.config import read_key
from ingestd.control import Lock
from ingestd.errors import AlreadyRunningError, Exit, IngestdError
from ingestd.journal import Journal, JournalReader, damage_of, move_aside
from ingestd.mirror import MIRROR_NAME, identity
from ingestd.model import GateName
from ingestd.reconcile.evidence import Evidence, read_library, read_mirror
from ingestd.reconcile.library import scopes_in_use
from ingestd.reconcile.rebuild import rebuild
from ingestd.watch.mounts import read_mounts

if TYPE_CHECKING:
    from pathlib import Path

    from ingestd.config import ApiKey, Settings

#: Keys of the journal's small facts that the daemon keeps about its mirror and about strangers.
PLACE: Final = "mirror"
STRANGERS: Final = "scopes_with_strangers"


@click.command()
@click.option("--mirror-only", is_flag=True, help="Do not ask memories.ai; use the mirror alone.")
@scope_option
@dry_run_option
@yes_option
@json_option
@common_options
@click.pass_context
def recover(
    ctx: click.Context,
    *,
    mirror_only: bool,
    scopes: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Rebuild the journal from mirror and memories.ai; ingestd must be stopped.

    For a journal that was lost or is damaged, and for one that is an older copy: a restored backup,
    a snapshot. Every video that was paid becomes known again, so that its file is not sent again.
    Costs nothing, deletes nothing.
    """
    settings = open_session(ctx).settings
    state_dir = settings.state_dir
    # before root becomes somebody who may not read it
    key = None if mirror_only else read_key(settings.api, os.environ)
    if not dry_run:
        with suppress(OSError):
            state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    become_owner(state_dir)
    with ExitStack() as stack:
        if state_dir.is_dir():
            stack.callback(_stopped(state_dir).release)
        damage = damage_of(state_dir)
        evidence = _gather(settings, damage, scopes, key)
        told = _told(evidence, damage, settings)
        if not as_json:
            for line in told:
                click.echo(line)
        if dry_run:
            return _done(evidence, as_json=as_json, changed=0, aside=None)
        if not _agreed(yes=yes):
            click.echo("Nothing was changed.", err=True)
            return Exit.PROBLEMS
        aside = _aside(state_dir) if damage else None
        changed = _rebuild(settings, evidence)
        return _done(evidence, as_json=as_json, changed=changed, aside=aside)


def _stopped(state_dir: Path) -> Lock:
    """Keep the daemon from starting meanwhile."""
    try:
        return Lock(state_dir, time.time())
    except AlreadyRunningError as error:
        raise AlreadyRunningError(
            f"ingestd runs with {state_dir}. Stop it first ({servicewords.stop(state_dir)}), "
            "then say ingestd recover once more, and start it again."
        ) from error


def _gather(
    settings: Settings, damage: str | None, scopes: tuple[str, ...], key: ApiKey | None
) -> Evidence:
    """Read mirror and, with a key, memories.ai."""
    evidence = Evidence()
    with ExitStack() as stack:
        journal = None
        if damage == "":
            journal = stack.enter_context(JournalReader.open(settings.state_dir))
        path = (settings.mirror_dir or settings.state_dir) / MIRROR_NAME
        if identity(path.parent) is not None:
            read_mirror(evidence, path, journal)
        elif key is None:
            raise IngestdError(f"There is no {path}: with --mirror-only there is nothing to go by.")
        if key is not None:
            known = {*evidence.scopes, *scopes, *(journal.scopes() if journal else ())}
            wanted = scopes_in_use(settings, sorted(known))
            far = stack.enter_context(far_side(settings, key))
            account = journal.account if journal else 1
            read_library(evidence, far, wanted, journal, account)
            _require_this_account(evidence)
    return evidence


def _require_this_account(evidence: Evidence) -> None:
    """Where the far side shows none of what was paid there, the key may be of another account."""
    if evidence.videos and not evidence.seen:
        raise IngestdError(
            f"memories.ai shows none of the {len(evidence.videos)} videos that the mirror knows. "
            "Is this the key of another account? Nothing was changed. Put the right key in its "
            "place, or go by the mirror alone: ingestd recover --mirror-only"
        )


def _told(evidence: Evidence, damage: str | None, settings: Settings) -> list[str]:
    lines = []
    if damage is None:
        lines.append(f"There is no journal in {settings.state_dir}: a new one is made.")
    elif damage:
        lines.append(f"The journal is damaged ({damage}): it is moved aside and kept.")
    if evidence.mirror is None:
        lines.append(
            f"There is no mirror in {settings.mirror_dir or settings.state_dir}: if its disk is "
            "not mounted, mount it first. Else the next start makes a new one."
        )
    if evidence.damaged:
        count = words.count(evidence.damaged, "line")
        lines.append(f"{count} of {evidence.mirror} cannot be read and were passed over.")
    if not evidence.walked:
        lines.append("memories.ai was not asked.")
    if evidence.nameless:
        several = "videos there are" if evidence.nameless > 1 else "video there is"
        lines.append(
            f"{evidence.nameless} {several} not named as ours. If they are ours (some accounts "
            "store names as hashes), their files are not recognised and would be paid for again: "
            "see what is there before you start it, with ingestd plan and ingestd skip."
        )
    unknown = evidence.unknown
    lines.append(
        f"The journal does not know {words.count(len(evidence.videos), 'video')} from the mirror, "
        f"{len(evidence.found) + len(evidence.resolved)} at memories.ai, and "
        f"{words.count(unknown, 'upload')} whose outcome is unknown."
    )
    if evidence.skipped:
        lines.append(
            f"{words.count(len(evidence.skipped), 'file')} that a person skipped: skipped again."
        )
    return lines


def _agreed(*, yes: bool) -> bool:
    """Ask on a terminal only: it spends nothing and deletes nothing, so that scripts may say it."""
    if yes or not terminal.can_ask():
        return True
    return click.confirm("Write this into the journal?", default=False, err=True)


def _aside(state_dir: Path) -> Path:
    return move_aside(state_dir, time.strftime("%Y%m%d-%H%M%S"))


def _rebuild(settings: Settings, evidence: Evidence) -> int:
    mount = read_mounts().of(os.path.realpath(settings.state_dir))
    journal = Journal.create_or_open(settings.state_dir, fstype=mount.fstype if mount else None)
    try:
        changed = rebuild(journal, evidence, time.time())
        with journal.transaction():
            journal.set_meta(PLACE, _place(evidence))
            journal.set_meta(STRANGERS, [])
            journal.remove_gate(GateName.JOURNAL)
        return changed
    finally:
        journal.close()


def _place(evidence: Evidence) -> dict[str, object] | None:
    """What the next start is told of the mirror: all of it is known, and it may lack the rest."""
    if evidence.mirror is None:
        return None  # the next start makes a new one
    directory = evidence.mirror.parent
    read = -1 if evidence.found else evidence.end
    return {"directory": str(directory), "identity": identity(directory), "read": read}


def _done(evidence: Evidence, *, as_json: bool, changed: int, aside: Path | None) -> int:
    unknown = evidence.unknown
    if as_json:
        document = {
            "schema": 1,
            "from_mirror": len(evidence.videos),
            "at_memories_ai": len(evidence.found) + len(evidence.resolved),
            "unknown": unknown,
            "skipped": len(evidence.skipped),
            "damaged_lines": evidence.damaged,
            "not_named_as_ours": evidence.nameless,
            "asked": evidence.walked,
            "restored": changed,
            "journal_moved_to": str(aside) if aside else None,
        }
        click.echo(jsonout.dump(document, indent=2))
        return Exit.DONE
    if aside:
        click.echo(f"The damaged journal was kept as {aside}.")
    if changed:
        click.echo(f"{changed} restored. Start ingestd again; compare with: ingestd audit")
    return Exit.DONE
