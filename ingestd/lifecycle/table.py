"""The transition table: every move a row may make, and the picture drawn from it."""

from __future__ import annotations

from ingestd.model import State

S = State

#: Every direct move (interface 2, rules R6). `None` is a path without a row.
TRANSITIONS: dict[State | None, frozenset[State]] = {
    None: frozenset({S.SETTLING}),
    S.SETTLING: frozenset({S.QUEUED, S.HELD, S.REJECTED, S.DUPLICATE, S.GONE}),
    S.HELD: frozenset({S.QUEUED, S.SKIPPED, S.INDEXING, S.GONE}),
    S.QUEUED: frozenset(
        {S.UPLOADING, S.HELD, S.REJECTED, S.SKIPPED, S.DUPLICATE, S.GONE},
    ),
    S.UPLOADING: frozenset(
        {S.INDEXING, S.PARSED, S.QUEUED, S.CONFIRMING, S.REJECTED, S.FAILED, S.GONE},
    ),
    S.CONFIRMING: frozenset({S.INDEXING, S.QUEUED, S.HELD}),
    S.INDEXING: frozenset({S.PARSED, S.FAILED}),
    S.PARSED: frozenset(),
    S.REJECTED: frozenset({S.SETTLING, S.SKIPPED, S.GONE}),
    S.DUPLICATE: frozenset({S.SETTLING, S.GONE}),
    S.SKIPPED: frozenset({S.QUEUED, S.GONE}),
    S.GONE: frozenset({S.SETTLING}),
    S.FAILED: frozenset({S.QUEUED, S.INDEXING, S.PARSED, S.SKIPPED}),
}


def legal(from_state: State | None, to_state: State) -> bool:
    """Tell whether a row may be recorded as moving so.

    `settling` is never recorded: a row that settles again keeps its old state until it is judged,
    so a recorded move may stand for two steps through `settling`.
    """
    direct = TRANSITIONS[from_state]
    if to_state is State.SETTLING:
        return False
    return to_state in direct or (S.SETTLING in direct and to_state in TRANSITIONS[S.SETTLING])


#: States in which a file is still to be sent: its path's look decides what becomes of it.
UNSENT = frozenset({S.HELD, S.QUEUED, S.REJECTED, S.DUPLICATE, S.SKIPPED})
#: States that need no further work of the daemon.
ENDED = frozenset({S.PARSED, S.REJECTED, S.DUPLICATE, S.SKIPPED, S.GONE, S.FAILED})


def diagram() -> str:
    """The table as a Mermaid state diagram in Markdown, for docs/states.md."""
    lines = [
        "# States of a file",
        "",
        "Drawn from the table in `ingestd/lifecycle/table.py` by `make docs`; do not edit.",
        "What is true in each state stands in `ingestd/model.py`. `settling` lives in memory only.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> settling",
    ]
    for state, targets in TRANSITIONS.items():
        if state is None:
            continue
        lines += [f"    {state} --> {target}" for target in S if target in targets]
        if not targets:
            lines.append(f"    {state} --> [*]")
    return "\n".join([*lines, "```", ""])
