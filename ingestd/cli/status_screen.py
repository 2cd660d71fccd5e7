"""The status screen: the report in people's words (interface 3); pure, no colour codes in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.cli import words
from ingestd.cli.gate_words import gate_sentence
from ingestd.cli.spans import Line, Span, Tone, line
from ingestd.cli.status_table import folder_table
from ingestd.model import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ingestd.cli.snapshot import LiveUpload
    from ingestd.cli.status_values import Group, Report

LABEL = 10
HEADLINE = 12
BAR = 20
#: Rates below this are written as one upload every so many minutes.
ONE = 1.0


def render(report: Report, *, bars: bool = False) -> list[Line]:
    """Draw the whole screen; with `bars` the uploads in flight get a progress bar."""
    lines = [_title(report), *_headline(report), line("")]
    lines += folder_table(report)
    body = [
        *_now(report, bars=bars),
        *_checking(report),
        *_next(report),
        *_settling(report),
        *_problems(report),
        *_beside(report),
        _today(report),
    ]
    return [*lines, line(""), *body, *_key(report), *_refused(report)]


def _key(report: Report) -> Iterable[Line]:
    """Which key pays, and since when: what a person wants to know after changing it."""
    if report.key_id and report.key_since:
        since = words.moment(report.key_since, report.now)
        yield _label(
            "KEY", LABEL, Tone.DIM, f"{report.key_id} from {report.key_source}, since {since}"
        )


def _refused(report: Report) -> Iterable[Line]:
    """What is wrong with the changed configuration, a line for each thing."""
    if report.refused is None:
        return
    when = f" at {words.moment(report.refused.at, report.now)}" if report.refused.at else ""
    text = f"the changed configuration was refused{when}, the old one is in force:"
    yield _label("CONFIG", LABEL, Tone.BAD, text)
    for wrong in report.refused.detail.splitlines():
        yield line(f"{'':{LABEL}}{words.printable(wrong)}")


def _title(report: Report) -> Line:
    parts = [f"ingestd {report.version}"]
    if not report.running:
        parts.append("not running")
    else:
        since = f" since {words.moment(report.since, report.now)}" if report.since else ""
        pid = f" (pid {report.pid})" if report.pid else ""
        parts.append(f"running{since}{pid}")
    if report.config:
        parts.append(words.printable(report.config))
    parts.append(f"journal {words.printable(report.state_dir)}")
    if report.under:
        parts.append(f"only {words.printable(report.under)}")
    return line(Span("   ".join(parts), Tone.TITLE))


def _headline(report: Report) -> list[Line]:
    """What goes on, with what keeps uploads back and what needs a person below it."""
    gates = [gate_sentence(gate, report.now, running=report.running) for gate in report.gates]
    needs = [_needs(report)] if report.needs_you else []
    if not report.running:
        told = f"What waits goes on where it was at the next start: {report.start}"
        return _told("STOPPED", Tone.BAD, [told, *gates, *needs])
    if gates:
        return _told("WAITING", Tone.WAIT, [*gates, *needs])
    if not report.answering:
        told = "It is busy and did not answer in time; what stands here is from the journal."
        return _told("BUSY", Tone.WAIT, [told, *needs])
    word, tone = _doing(report)
    return _told(word, tone, [_needs(report)])


def _told(word: str, tone: Tone, sentences: list[str]) -> list[Line]:
    first = _label(word, HEADLINE, tone, sentences[0])
    return [first, *(line(" " * HEADLINE + sentence) for sentence in sentences[1:])]


def _needs(report: Report) -> str:
    if not report.needs_you:
        return "Nothing needs you."
    things = len(report.needs_you)
    verb = "thing needs" if things == 1 else "things need"
    return f"{things} {verb} you: {', '.join(report.needs_you)}"


def _doing(report: Report) -> tuple[str, Tone]:
    if report.uploads or report.queue.files:
        return "UPLOADING", Tone.GOOD
    if report.counts[State.CONFIRMING]:
        return "CHECKING", Tone.WAIT
    if report.counts[State.INDEXING]:
        return "INDEXING", Tone.GOOD
    return "IDLE", Tone.GOOD


def _label(word: str, width: int, tone: Tone, text: str) -> Line:
    return line(Span(word.ljust(width), tone), text)


def _now(report: Report, *, bars: bool) -> Iterable[Line]:
    """Two uploads a line; with bars one."""
    told = [_upload(upload, report.now) for upload in report.uploads]
    if bars:
        told = [
            f"{_bar(upload)}  {text}" for upload, text in zip(report.uploads, told, strict=True)
        ]
    step = 1 if bars else 2
    for first in range(0, len(told), step):
        word = "NOW" if first == 0 else ""
        yield _label(word, LABEL, Tone.TITLE, "   |   ".join(told[first : first + step]))


def _upload(upload: LiveUpload, now: float) -> str:
    name = words.base_name(upload.path)
    if upload.phase != "sending":
        since = f" for {words.duration(now - upload.since)}" if upload.since else ""
        return f"{name}  sent, waiting for the answer{since}"
    parts = [
        name,
        words.part_of(upload.sent, upload.size),
        f"{words.percent(upload.sent, upload.size)} %",
    ]
    if upload.bytes_per_second:
        parts.append(f"{words.size(upload.bytes_per_second)}/s")
        left = (upload.size - upload.sent) / upload.bytes_per_second
        parts.append(f"{words.duration(left)} left")
    return "  ".join(parts)


def _bar(upload: LiveUpload) -> str:
    done = round(BAR * words.percent(upload.sent, upload.size) / 100)
    return "█" * done + "░" * (BAR - done)


def _checking(report: Report) -> Iterable[Line]:
    asked = report.counts[State.CONFIRMING]
    if asked:
        text = (
            f"{words.count(asked, 'upload')} whose answer was lost: memories.ai is asked whether "
            "it arrived; nothing is sent twice"
        )
        yield _label("CHECKING", LABEL, Tone.WAIT, text)


def _next(report: Report) -> Iterable[Line]:
    queue = report.queue
    if not queue.files:
        return
    seconds = queue.minutes * 60
    parts = [
        words.count(queue.files, "clip"),
        words.size(queue.bytes),
        words.minutes(seconds),
        report.price(seconds),
    ]
    text = ", ".join(parts)
    pace = _pace(report.per_minute)
    last = f"the last one goes out about {words.moment(queue.eta, report.now)}" if queue.eta else ""
    if pace or last:
        text += "; " + ": ".join(filter(None, (pace, last)))
    yield _label("NEXT", LABEL, Tone.TITLE, text)


def _pace(per_minute: float | None) -> str:
    if per_minute is None:
        return ""
    if per_minute < ONE:
        return f"1 upload every {words.duration(60 / per_minute)}"
    if per_minute == ONE:
        return "1 upload a minute"
    return f"{per_minute:g} uploads a minute"


def _settling(report: Report) -> Iterable[Line]:
    if report.unseen:
        text = f"{words.count(report.unseen, 'file')} there without a row yet: not safe to erase"
        yield _label("UNSEEN", LABEL, Tone.WAIT, text)
    if report.settling:
        text = f"{words.count(report.settling, 'file')} not known to be complete yet"
        yield _label("SETTLING", LABEL, Tone.TITLE, text)


def _problems(report: Report) -> Iterable[Line]:
    if report.problems:
        told = ", ".join(_problem(group) for group in report.problems)
        where = f" --path {words.printable(report.under)}" if report.under else ""
        text = f"{told}        ingestd list --state rejected,failed{where}"
        yield _label("PROBLEMS", LABEL, Tone.BAD, text)


def _problem(group: Group) -> str:
    notes = list(group.codecs) + (["billed"] if group.billed else [])
    word = group.reason or group.state
    return f"{words.number(group.files)} {word}" + (f" ({', '.join(notes)})" if notes else "")


def _beside(report: Report) -> Iterable[Line]:
    """What is in no column: known, and nothing to do about it."""
    states = (State.DUPLICATE, State.SKIPPED, State.GONE)
    told = [f"{words.number(report.counts[one])} {one}" for one in states if report.counts[one]]
    if told:
        yield _label("BESIDES", LABEL, Tone.DIM, ", ".join(told))


def _today(report: Report) -> Line:
    spent = report.spent
    seconds = spent.minutes_today * 60
    today = _of_limit(spent.minutes_today, spent.limit_today)
    month = _of_limit(spent.minutes_month, spent.limit_month)
    uploads = words.count(spent.uploads_today, "upload")
    text = f"{uploads}, {today}, {report.price(seconds)}" if spent.uploads_today else uploads
    return _label("TODAY", LABEL, Tone.TITLE, f"{text}     {words.month(report.now)} {month}")


def _of_limit(minutes: float, limit: float | None) -> str:
    if limit is None:
        return words.minutes(minutes * 60)
    spent, allowed = (words.minutes(one * 60).removesuffix(" min") for one in (minutes, limit))
    return f"{spent} of {allowed} min"
