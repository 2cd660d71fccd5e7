"""`sim`: a stand-in of the far side on this machine, and the words to steer one that runs."""

from __future__ import annotations

import http.client
import json
import signal
import sys
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from ingestd.cli import jsonout
from ingestd.cli.options import common_options
from ingestd.errors import IngestdError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

PORT: Final = 8399
#: How long a running stand-in may take to answer, seconds.
_PATIENCE: Final = 5.0
_HTTP_OK: Final = 200
_HELP_SIM: Final = """\b
ingestd sim --parse-seconds 5          run it until Ctrl-C
ingestd sim fault drop accepted=true   the next upload's answer gets lost
ingestd sim fault                      the kinds of faults
ingestd sim report                     what it accepted
"""


@click.group(invoke_without_command=True, epilog=_HELP_SIM)
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True)
@click.option("--profile", type=click.Choice(["docs2026", "recorded2025"]), help="Its generation.")
@click.option("--per-minute", type=float, metavar="N", help="Uploads a minute; 0: no limit.")
@click.option("--parse-seconds", type=float, metavar="N", help="From upload to searchable.")
@click.option("--api-key", metavar="KEY", help="The only key it takes; default: any.")
@click.option("--cap", type=int, metavar="N", help="Videos being indexed at once.")
@click.option("--credits", type=float, metavar="MIN", help="Minutes of video left to pay for.")
@click.option("--set", "more", multiple=True, metavar="NAME=VALUE", help="Any other setting.")
@common_options
@click.pass_context
def sim(ctx: click.Context, /, *, port: int, more: tuple[str, ...], **options: Any) -> None:
    """Run a stand-in of memories.ai on this machine: free of charge, with fault switches."""
    if ctx.invoked_subcommand is None:
        _serve(_settings(port, more, options))


def _settings(port: int, more: Iterable[str], options: dict[str, Any]) -> dict[str, Any]:
    names = {"cap": "indexing_cap", "credits": "credits_minutes"}
    given = {names.get(name, name): value for name, value in options.items() if value is not None}
    return {"port": port, **given, **dict(map(_setting, more))}


def _setting(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE; the value is JSON, or a text if it is none."""
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} is no NAME=VALUE.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _serve(values: dict[str, Any]) -> None:
    from ingestd.sim import Sim, SimSettings, from_json  # noqa: PLC0415 - only where it runs

    try:
        settings = from_json(SimSettings, values)
    except ValueError as error:
        raise UsageError(f"The stand-in does not take this: {error}") from error
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # before its threads, which inherit it
    try:
        with Sim(settings) as running:
            click.echo(_introduction(running.url, settings.api_key))
            sys.stdout.flush()
            signal.sigwait(ends)
    except OSError as error:
        raise IngestdError(
            f"The stand-in cannot listen on port {settings.port} ({error.strerror}): "
            "name another one with --port, 0 for any."
        ) from error


def _introduction(url: str, key: str | None) -> str:
    return (
        f"{url}\n"
        f'configuration:  api: {{base_url: "{url}"}}\n'
        f"key:            export INGESTD_API_KEY={key or 'sk-any-text'}"
    )


def _url_option(command: Any) -> Any:
    return click.option(
        "--url",
        default=f"http://127.0.0.1:{PORT}",
        show_default=True,
        help="Where the stand-in listens.",
    )(command)


@sim.command()
@click.argument("words", nargs=-1, metavar="[KIND [NAME=VALUE]...]...")
@click.option("--clear", is_flag=True, help="Disarm all faults.")
@_url_option
@common_options
def fault(words: tuple[str, ...], *, clear: bool, url: str) -> None:
    """Make something go wrong: each KIND with its NAME=VALUE; without one list the kinds."""
    if clear:
        _call(url, "DELETE", "faults")
    faults = _faults(words)
    if faults:
        answer = json.loads(_call(url, "POST", "faults", faults))
        click.echo(f"Armed: {answer.get('armed')}.")
    elif clear:
        click.echo("All faults are disarmed.")
    else:
        click.echo(_call(url, "GET", ""))


def _faults(words: tuple[str, ...]) -> list[dict[str, Any]]:
    faults: list[dict[str, Any]] = []
    for word in words:
        if "=" not in word:
            faults.append({"kind": word})
        elif faults:
            name, value = _setting(word)
            faults[-1][name] = value
        else:
            raise UsageError(f"{word!r} belongs behind the KIND of a fault.")
    return faults


@sim.command()
@_url_option
@common_options
def report(url: str) -> None:
    """Print what a running stand-in accepted, as JSON."""
    click.echo(jsonout.dump(json.loads(_call(url, "GET", "report")), indent=2))


def _why(text: str) -> str:
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text.strip()


def _call(url: str, method: str, what: str, body: object = None) -> str:
    """Ask a running stand-in.

    Raises:
        IngestdError: there is none, or it refuses.
    """
    place = urlsplit(url)
    connection = http.client.HTTPConnection(
        place.hostname or "127.0.0.1", place.port or PORT, timeout=_PATIENCE
    )
    try:
        connection.request(method, f"/_sim/{what}", json.dumps(body) if body is not None else None)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise IngestdError(
            f"No stand-in answers at {url} ({error}). Start one: ingestd sim"
        ) from error
    finally:
        connection.close()
    if answer.status != _HTTP_OK:
        raise IngestdError(f"The stand-in refuses: {_why(text)}")
    return text
