"""Which rows a command acts on: by reference or by filter; and handing them to the daemon."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from ingestd.cli import jsonout, refs, rows, wishes, words
from ingestd.cli.options import selection_options
from ingestd.cli.session import absolute
from ingestd.errors import Exit, IngestdError, UsageError
from ingestd.journal import JournalReader, Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ingestd.cli.session import Session
    from ingestd.model import Item, State

#: Ids in one wish: what the daemon does in one breath.
AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows a person chose: by reference, or by filters."""

    refs: tuple[str, ...]
    everything: bool
    selection: Selection

    @property
    def filtered(self) -> bool:
        """Whether a filter was given."""
        chosen = self.selection
        return bool(chosen.states or chosen.reasons or chosen.folder or chosen.under)


def choice_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add REF... and the filters."""
    command = click.option("--all", "everything", is_flag=True, help="All that it can apply to.")(
        command
    )
    command = selection_options(command)
    return click.argument("refs", nargs=-1)(command)


def choice_of(options: dict[str, Any]) -> Choice:
    """Read the options of `choice_options`.

    Raises:
        UsageError: nothing was chosen, or references and filters at once.
    """
    choice = Choice(
        options["refs"],
        options["everything"],
        Selection(
            states=options["states"],
            reasons=options["reasons"],
            folder=options["folder"],
            under=None if options["under"] is None else absolute(options["under"]),
        ),
    )
    by_filter = choice.filtered or choice.everything
    if bool(choice.refs) == by_filter:
        raise UsageError(
            "Say which files: either REF... (ids, paths, upload names, video numbers), or a "
            "filter: --state, --reason, --folder, --path, --all."
        )
    return choice


def chosen(reader: JournalReader, choice: Choice, default: frozenset[State]) -> Iterator[Item]:
    """Find the chosen rows; a filter without a state means those of `default`.

    Raises:
        IngestdError: a reference means nothing.
    """
    if not choice.refs:
        states = choice.selection.states or default
        return reader.items(replace(choice.selection, states=states))
    found: dict[int, Item] = {}
    for ref in choice.refs:
        matches = refs.find(reader, ref)
        if not matches:
            raise IngestdError(
                f"No file is known by {words.printable(ref)!r}; nothing was done. See: ingestd list"
            )
        found[matches[0].id] = matches[0]
    return iter(found.values())


def show_only(items: Iterable[Item], text: str, *, as_json: bool) -> int:
    """Print the rows and what would be done to them (`--dry-run`)."""
    if as_json:
        click.echo(jsonout.dump([jsonout.row(item) for item in items], indent=1))
        return Exit.DONE
    for item in items:
        click.echo(rows.for_people(item))
    click.echo(f"{text} Nothing was done (--dry-run).".lstrip())
    return Exit.DONE


def leave(
    session: Session, verb: str, ids: list[int], args: dict[str, object], *, as_json: bool
) -> int:
    """Leave the wish in portions."""
    portions = [
        {"ids": ids[start : start + AT_ONCE], **args} for start in range(0, len(ids), AT_ONCE)
    ]
    return wishes.tell(wishes.leave(session.state_dir, verb, *portions), as_json=as_json)
