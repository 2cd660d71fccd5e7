"""What is written down is true: the diagram, the event names."""

from __future__ import annotations

import re
from pathlib import Path

from ingestd.lifecycle import diagram
from ingestd.model import State

ROOT = Path(__file__).parent.parent
EVENT = re.compile(
    r'"((?:api|clock|config|confirm|daemon|file|folder|gate|guard|index|journal|loop|pass|trouble|upload'
    r"|watch|wish|worker)"
    r'\.[a-z_]+)"'
)
NO_EVENTS = {"config.yaml", "journal.db"}
KEYS = {"api.base_url", "api.ca_file", "api.key_file", "api.proxy"}
KEYS |= {"upload.answer_timeout", "upload.bandwidth", "upload.stall_timeout"}


def test_the_state_diagram_is_drawn_from_the_table():
    assert (ROOT / "docs/states.md").read_text() == diagram(), "run: make docs"


def test_every_event_name_is_in_the_docs():
    sources = [*(ROOT / "ingestd/daemon").rglob("*.py"), *(ROOT / "ingestd/lifecycle").glob("*.py")]
    names = (
        {name for path in sources for name in EVENT.findall(path.read_text())} - NO_EVENTS - KEYS
    )
    names |= {f"file.{state}" for state in (State.QUEUED, State.HELD, State.REJECTED)}
    listed = set(re.findall(r"`([a-z]+\.[a-z_]+)`", (ROOT / "docs/events.md").read_text()))
    assert names <= listed, f"not in docs/events.md: {sorted(names - listed)}"
    assert len(names) > 20


def test_every_listed_event_exists():
    sources = "".join(path.read_text() for path in (ROOT / "ingestd").rglob("*.py"))
    events = re.findall(r"^\| (.*?) \|", (ROOT / "docs/events.md").read_text(), re.MULTILINE)
    made_up = {"folder.ok", "folder.missing", "folder.unreadable", "folder.foreign"}
    made_up |= {"upload.accepted"}
    made_up |= {
        "upload.found",
        "upload.linked",
        "file.rejected",
        "file.held",
    }  # composed from states and words
    for row in events:
        for name in re.findall(r"`([a-z]+\.[a-z_]+)`", row):
            assert name in made_up or f'"{name}"' in sources, name


def test_every_link_of_the_readme_leads_somewhere():
    text = (ROOT / "README.md").read_text()
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    there = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", text)
    assert len(links) > 10
    assert [file for file, _ in links if file and not (ROOT / file).exists()] == []
    assert [mark for file, mark in links if not file and mark not in there] == []
