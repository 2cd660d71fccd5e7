"""Options that several commands share, and how their texts become values."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ingestd.config.measures import duration
from ingestd.config.values import BadValueError
from ingestd.model import Reason, Scope, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Parameters by which an account names places (contract 1.1, drift).
_SCOPE_KINDS = frozenset({"unique_id", "folder_id"})

Command = TypeVar("Command", bound="Callable[..., Any]")


@dataclass(slots=True)
class Common:
    """What every command is told, before its name or after it."""

    config: str | None = None
    debug: bool = False


def common_options(command: Command) -> Command:
    """Add `-c` and `--debug`; the command finds them in its context."""
    for add in (
        click.option(
            "-c",
            "--config",
            metavar="FILE",
            expose_value=False,
            callback=_keep_config,
            help="Configuration file.",
        ),
        click.option(
            "--debug",
            is_flag=True,
            expose_value=False,
            callback=_keep_debug,
            help="Show a traceback when something goes wrong.",
        ),
    ):
        command = add(command)
    return command


def _keep_config(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.ensure_object(Common).config = read_filter(ctx, param, value)


def _keep_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click calls it so
    del param
    if value:
        ctx.ensure_object(Common).debug = True


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
dry_run_option = click.option(
    "-n", "--dry-run", is_flag=True, help="Say what would be done, and do nothing."
)


def read_duration(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read a duration as in the configuration (90s, 5m, 2h); seconds."""
    if value is None:
        return None
    try:
        return duration(value)
    except BadValueError as error:
        raise click.BadParameter(f"{value!r} {error}.", ctx, param) from None


def read_since(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read an age (2h, 1d), `today`, or a local time, or one with a zone; epoch seconds."""
    if value is None:
        return None
    now = datetime.now(tz=UTC).astimezone()
    if value == "today":
        return now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    if re.match(r"\d{4}-", value):
        try:
            return datetime.fromisoformat(value).astimezone().timestamp()
        except ValueError:
            forms = "such as 2026-11-22 or 2026-11-22T21:04"
            raise click.BadParameter(f"{value!r} is no time {forms}.", ctx, param) from None
    try:
        return now.timestamp() - duration(value)
    except BadValueError:
        forms = "an age such as 90s, 2h or 1d, `today`, or a time such as 2026-11-22"
        raise click.BadParameter(f"{value!r} must be {forms}.", ctx, param) from None


def read_filter(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse an empty text: with an unset variable it would mean everything, or another journal."""
    if value is not None and not value.strip(", "):
        raise click.BadParameter("it is empty: is a variable unset?", ctx, param)
    return value


def read_states(ctx: click.Context, param: click.Parameter, value: str | None) -> frozenset[State]:
    """Read states joined by commas; none given is the empty set."""
    return frozenset(State(word) for word in _words(ctx, param, value, [str(one) for one in State]))


def read_reasons(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> frozenset[Reason]:
    """Read reasons joined by commas; none given is the empty set."""
    known = [str(one) for one in Reason]
    return frozenset(Reason(word) for word in _words(ctx, param, value, known))


def _words(
    ctx: click.Context, param: click.Parameter, value: str | None, known: list[str]
) -> Iterator[str]:
    read_filter(ctx, param, value)
    for word in filter(None, (part.strip().lower() for part in (value or "").split(","))):
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}."
            raise click.BadParameter(f"{word!r} is unknown; {hint}", ctx, param)
        yield word


def _read_scopes(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """Check scopes as the journal writes them: unique_id=trip, folder_id=12."""
    for value in values:
        scope = Scope.parse(value)
        number = scope.kind != "folder_id" or re.fullmatch(r"-?\d+", scope.value)
        if scope.kind not in _SCOPE_KINDS or not scope.value or not number:
            raise click.BadParameter(
                f"{value!r} must be unique_id=NAME or folder_id=NUMBER.", ctx, param
            )
    return values


scope_option = click.option(
    "--scope",
    "scopes",
    multiple=True,
    callback=_read_scopes,
    metavar="KIND=VALUE",
    help="A further scope to look through, such as unique_id=trip; may be repeated.",
)


def selection_options(command: Command) -> Command:
    """Add the filters that choose rows."""
    for add in (
        click.option(
            "--path",
            "under",
            callback=read_filter,
            metavar="DIR",
            help="Only rows at or below this path.",
        ),
        click.option(
            "--folder",
            callback=read_filter,
            metavar="NAME",
            help="Only rows of this watched folder.",
        ),
        click.option(
            "--reason", "reasons", callback=read_reasons, metavar="R,R", help="Only these reasons."
        ),
        click.option(
            "--state", "states", callback=read_states, metavar="A,B", help="Only these states."
        ),
    ):
        command = add(command)
    return command
