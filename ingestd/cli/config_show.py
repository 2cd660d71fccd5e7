"""`config show`: what is in force, with every default, and where each value came from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import click

from ingestd.cli import jsonout
from ingestd.cli.options import common_options, json_option
from ingestd.cli.session import Session, open_session
from ingestd.config import find, read_key
from ingestd.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Origin = Callable[[tuple[str | int, ...]], str]

_VARIABLES: Final[dict[tuple[str | int, ...], str]] = {
    ("log", "level"): "INGESTD_LOG_LEVEL",
    ("log", "format"): "INGESTD_LOG_FORMAT",
}
_WIDEST: Final = 60
_ONE_LINE: Final = 10_000


@click.group("config")
@common_options
def config() -> None:
    """Look at the configuration."""


@config.command("show")
@json_option
@common_options
@click.pass_context
def show(ctx: click.Context, *, as_json: bool) -> None:
    """Print the whole configuration as it applies, defaults and all.

    Behind each value stands the line of the file that it is from, a variable, or `default`. The
    key is never shown. A service that runs has it in force since its start or last reload.
    """
    from ingestd.config.written import written  # noqa: PLC0415 - only here

    session = open_session(ctx)
    if session.config is None:
        find(None, os.environ)  # says where it looked and what to write
    tree = written(session.settings)
    if as_json:
        click.echo(jsonout.dump(tree, indent=2))
        return
    click.echo(f"# {session.config}\n# key: {_key(session)}")
    click.echo("\n".join(_mapping(tree, (), _origins(session))))


def _key(session: Session) -> str:
    try:
        key = read_key(session.settings.api, os.environ)
    except UsageError:
        return "none that this user can read here; see: ingestd check"
    return f"{key.key_id} from {key.source}"


def _origins(session: Session) -> Origin:
    """Say of a place in the tree where its value is from."""
    from ingestd.config.document import read  # noqa: PLC0415 - PyYAML only where it is needed

    assert session.config is not None  # noqa: S101 - looked for before
    marks = read(session.config).marks
    lines = {loc: mark.key_line for loc, mark in marks.items()}

    def origin(loc: tuple[str | int, ...]) -> str:
        variable = _VARIABLES.get(loc)
        if variable and os.environ.get(variable):
            return variable
        short = loc[:2] if loc[0] == "folders" and loc[2:] == ("path",) else None
        line = lines.get(loc) or (lines.get(short) if short else None)
        return f"line {line}" if line else "default"

    return origin


def _mapping(tree: dict[str, Any], loc: tuple[str | int, ...], origin: Origin) -> Iterator[str]:
    indent = "  " * len(loc)
    for key, value in tree.items():
        here = (*loc, key)
        if isinstance(value, dict) and not key.startswith("after_"):
            yield f"{indent}{key}:"
            yield from _mapping(value, here, origin)
        elif isinstance(value, list) and value and isinstance(value[0], dict) and not loc:
            yield f"{indent}{key}:"
            for number, one in enumerate(value):
                yield from _folder(one, (*here, number), origin)
        else:
            yield f"{indent}{key}: {_inline(value)}".ljust(_WIDEST) + f"  # {origin(here)}"


def _folder(tree: dict[str, Any], loc: tuple[str | int, ...], origin: Origin) -> Iterator[str]:
    for number, line in enumerate(_mapping(tree, loc, origin)):
        yield line if number else line.replace("    ", "  - ", 1)


def _inline(value: object) -> str:
    import yaml  # noqa: PLC0415 - only here

    text: str = yaml.safe_dump(
        value, default_flow_style=True, width=_ONE_LINE, allow_unicode=True, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...")
