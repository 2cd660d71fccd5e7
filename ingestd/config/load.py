"""From a configuration file, or from paths on the command line, to settings (interface 4)."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ingestd.config import leaks, places, prune
from ingestd.config.checks import conflicts
from ingestd.config.findings import Finding, dotted
from ingestd.config.later import refusals
from ingestd.config.settings import Folder, Log, LogFormat, LogLevel, Settings
from ingestd.config.values import BadValueError, one_of
from ingestd.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ingestd.config.document import Document
    from ingestd.config.values import EnumT

_COMMAND_LINE = "command line"  # stands for the file's name in messages
_NAME_IT = "give it a name of its own in a configuration file"


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read a configuration file; the environment adds the log's level and format.

    Raises:
        ConfigError: the file cannot be used; holds everything that is wrong with it.
    """
    from ingestd.config.document import read  # noqa: PLC0415 - PyYAML only where a file is loaded

    document = read(path)
    settings, findings = _settings(document, path, environ)
    log = _log_from(environ, settings.log if settings else Log(), findings)
    if findings or settings is None:
        problems = [_problem(finding, document) for finding in findings]
        raise ConfigError(str(path), tuple(sorted(problems, key=lambda one: one.line or 0)))
    return replace(settings, log=log)


def from_paths(paths: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Return settings with defaults for folders named on a command line; a repeated one is one.

    Raises:
        ConfigError: these folders cannot be watched together, or the surroundings contradict.
    """
    full = dict.fromkeys(Path(os.path.abspath(path)) for path in paths)  # noqa: PTH100 - no symlinks
    findings: list[Finding] = []
    log = _log_from(environ, Log(), findings)
    state_dir = places.default_state_dir(None, environ)
    findings += _state_dir_findings(state_dir, environ)
    problems = [*(_problem(finding, None) for finding in findings), *_unnameable(full)]
    if problems or state_dir is None:
        raise ConfigError(_COMMAND_LINE, tuple(problems))
    folders = tuple(Folder(path=path) for path in full)
    return Settings(state_dir=state_dir, folders=folders, log=log)


def _unnameable(paths: Iterable[Path]) -> Iterator[Problem]:
    """Find the paths whose last part cannot be the folder's name."""
    taken: dict[str, Path] = {}
    for path in paths:
        first = taken.setdefault(path.name, path)
        if first != path:
            message = f'would be called "{path.name}" like {first}; {_NAME_IT}'
        elif not path.name:
            message = f"has no last part to be called by; {_NAME_IT}"
        else:
            continue
        yield Problem(leaks.presentable(message), key=leaks.presentable(str(path)))


def _settings(
    document: Document, path: Path, environ: Mapping[str, str]
) -> tuple[Settings | None, list[Finding]]:
    """Return what the file means, or of a broken one what is left, and all that is wrong."""
    from ingestd.config.schema import Schema  # noqa: PLC0415 - pydantic only where a file is loaded

    schema = Schema(places.home(environ))
    default = places.default_state_dir(path, environ)
    findings = [*document.findings, *leaks.find(document.tree)]
    bad = {finding.loc for finding in findings if finding.loc}
    result = schema.validate(_with_state_dir(document.tree, default))
    if not isinstance(result, Settings):
        findings += [finding for finding in result if not prune.concerns(bad, finding.loc)]
        bad |= {finding.loc for finding in result}
    rest, numbers = prune.without(document.tree, bad)
    settings = schema.validate(_with_state_dir(rest, default))
    if not isinstance(settings, Settings):
        return None, findings
    together = chain(
        conflicts(settings, numbers),
        refusals(settings, numbers),
        _state_dir_findings(settings.state_dir if rest.get("state_dir") else default, environ),
    )
    findings += [
        finding
        for finding in together
        if not any(prune.concerns(bad, loc) for loc in (finding.loc, *finding.others))
    ]
    return settings, findings


def _with_state_dir(tree: dict[str, object], default: Path | None) -> dict[str, object]:
    """Fill in the one default that depends on where the file lies."""
    return tree if tree.get("state_dir") else tree | {"state_dir": str(default or "/")}


def _state_dir_findings(state_dir: Path | None, environ: Mapping[str, str]) -> list[Finding]:
    message = (
        places.state_dir_conflict(state_dir, environ)
        if state_dir
        else "must be set, for no home directory is known ($HOME)"
    )
    return [Finding(("state_dir",), message, show_value=False)] if message else []


def _log_from(environ: Mapping[str, str], log: Log, findings: list[Finding]) -> Log:
    """Return how to log; the environment goes before the file."""
    level = _chosen(environ, "INGESTD_LOG_LEVEL", LogLevel, findings)
    form = _chosen(environ, "INGESTD_LOG_FORMAT", LogFormat, findings)
    return Log(level=level or log.level, format=form or log.format)


def _chosen(
    environ: Mapping[str, str], variable: str, choices: type[EnumT], findings: list[Finding]
) -> EnumT | None:
    if not environ.get(variable):
        return None
    try:
        return one_of(choices)(environ[variable])
    except BadValueError as error:
        message = f"is set in the environment and {error.message}"
        findings.append(Finding((variable,), message, error.suggestion, show_value=False))
        return None


def _problem(finding: Finding, document: Document | None) -> Problem:
    """Put a finding into words."""
    mark = document.mark(finding.loc) if document else None
    own_line = (mark.value_line if finding.show_value else mark.key_line) if mark else None
    shown = mark is not None and finding.show_value and (mark.scalar or mark.loc == finding.loc)
    value = mark.text if mark and shown else ""
    full_stop = "." if finding.suggestion and not value else ""
    return Problem(
        message=leaks.presentable(finding.message) + full_stop,
        key=leaks.presentable(dotted(finding.loc)),
        value=value,
        line=finding.line or own_line,
        suggestion=leaks.presentable(finding.suggestion),
    )
