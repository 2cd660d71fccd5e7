"""`approve` and `skip`: what waits for a person goes, or does not (interface 3; rules R2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import click

from ingestd.cli import money, words
from ingestd.cli.choice import Choice, choice_of, choice_options, chosen, leave, show_only
from ingestd.cli.options import (
    common_options,
    dry_run_option,
    json_option,
    yes_option,
)
from ingestd.cli.session import Session, journal_session, open_journal, require_folder
from ingestd.errors import Exit
from ingestd.model import Reason, State
from ingestd.validate import is_zero_tail

if TYPE_CHECKING:
    from ingestd.model import Item

HELD: Final = frozenset({State.HELD})
#: So many files that may be paid already are named.
NAMED: Final = 20


@dataclass(slots=True)
class Picked:
    """What was chosen, summed up: of a hundred thousand rows only the numbers are kept."""

    ids: list[int] = field(default_factory=list)
    work: money.Work = field(default_factory=money.Work)
    doubtful: list[Item] = field(default_factory=list)  # may be paid already; named one by one
    left_out: int = 0  # the same, met by a filter

    def take(self, item: Item, *, bulk: bool) -> None:
        """Count one row."""
        if _is_doubtful(item):
            if bulk:
                self.left_out += 1
                return
            self.doubtful.append(item)
        self.ids.append(item.id)
        if not _is_let_go(item):
            return  # the daemon says why not; it costs nothing
        self.work = self.work.plus(item.stat.size if item.stat else 0, item.duration_s)

    def beside(self) -> str:
        """Say what a filter left out."""
        if not self.left_out:
            return ""
        uploads = words.count(self.left_out, "file")
        return (
            f"{uploads} whose upload's answer was lost left out, for they may be paid already: "
            "name them one by one (ingestd list --state held --reason unconfirmed)."
        )


def _is_doubtful(item: Item) -> bool:
    return item.state is State.HELD and item.reason is Reason.UNCONFIRMED


def _is_let_go(item: Item) -> bool:
    """Tell whether `approve` means anything for the row."""
    if item.state in (State.HELD, State.SKIPPED):
        return item.video_no is None
    return item.state is State.REJECTED and is_zero_tail(item.reason, item.detail)


def _pick(session: Session, choice: Choice) -> Picked:
    picked = Picked()
    with open_journal(session) as reader:
        require_folder(session, reader, choice.selection.folder)
        for item in chosen(reader, choice, HELD):
            picked.take(item, bulk=not choice.refs)
    return picked


def _dry_run(session: Session, choice: Choice, text: str, *, as_json: bool) -> int:
    with open_journal(session) as reader:
        require_folder(session, reader, choice.selection.folder)
        rows = chosen(reader, choice, HELD)
        acted_on = [item for item in rows if choice.refs or not _is_doubtful(item)]
    return show_only(acted_on, text, as_json=as_json)


@click.command()
@choice_options
@dry_run_option
@yes_option
@json_option
@common_options
@click.pass_context
def approve(
    ctx: click.Context, /, *, dry_run: bool, yes: bool, as_json: bool, **options: Any
) -> int:
    """Let what is held go: it is uploaded and paid for.

    By filter: what is held, but no upload whose answer was lost; those only one by one. Takes
    back a `skip` too (REF, or --state skipped), and a refusal for zeros at a file's end.
    """
    session, choice = journal_session(ctx), choice_of(options)
    picked = _pick(session, choice)
    if not picked.ids:
        click.echo(f"No held file matches: nothing to do. {picked.beside()}".rstrip(), err=as_json)
        return Exit.DONE
    question = _question(picked, session)
    if dry_run:
        return _dry_run(session, choice, question, as_json=as_json)
    if picked.work.clips and not money.agreed(question, yes=yes):
        click.echo("Nothing was done.", err=True)
        return Exit.PROBLEMS
    args: dict[str, object] = {"bulk": not choice.refs}
    if not choice.refs:
        args["states"] = sorted(choice.selection.states or HELD)
    return leave(session, "approve", picked.ids, args, as_json=as_json)


def _question(picked: Picked, session: Session) -> str:
    work = picked.work
    sums = money.sentence(work, session.settings) if work.clips else "nothing, none of it is held"
    parts = [f"To be uploaded: {sums}."]
    for item in picked.doubtful[:NAMED]:
        name = words.printable(item.path)
        parts.append(
            f"RISK: {name} (file {item.id}) went out before and its answer was lost; if "
            "memories.ai has it after all, it is paid for twice. Look there first; if it is there: "
            f"ingestd link {item.id} VIDEO_NO"
        )
    more = len(picked.doubtful) - NAMED
    if more > 0:
        parts.append(f"RISK: so it is with {more} more.")
    return "\n".join(filter(None, [*parts, picked.beside()]))


@click.command()
@choice_options
@dry_run_option
@yes_option
@json_option
@common_options
@click.pass_context
def skip(ctx: click.Context, /, *, dry_run: bool, yes: bool, as_json: bool, **options: Any) -> int:
    """Do not upload these files, nor copies of them; `approve` takes it back.

    By filter: what is held; of other states with --state queued, rejected or failed.
    """
    del yes  # costs nothing; taken so that scripts may say it everywhere
    session, choice = journal_session(ctx), choice_of(options)
    picked = _pick(session, choice)
    if not picked.ids:
        click.echo(f"No held file matches: nothing to do. {picked.beside()}".rstrip(), err=as_json)
        return Exit.DONE
    if dry_run:
        files = words.count(len(picked.ids), "file")
        text = f"{files} would be skipped. {picked.beside()}".rstrip()
        return _dry_run(session, choice, text, as_json=as_json)
    if picked.left_out:
        click.echo(picked.beside(), err=True)
    args: dict[str, object] = {"bulk": not choice.refs}
    return leave(session, "skip", picked.ids, args, as_json=as_json)
