"""The journal's schema: ordered migrations, counted in `PRAGMA user_version`.

A released migration is never edited; a change is a new script at the end of `MIGRATIONS`. SQLite
3.31 suffices (generated columns), so no STRICT tables and no RETURNING.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestd.journal.connection import Database

#: Marks the file as ours in its header (https://sqlite.org/fileformat2.html#application_id).
APPLICATION_ID = 0x696E6773  # "ings"

_ROWS = """
CREATE TABLE items (
    id INTEGER PRIMARY KEY,
    -- The bytes of the path up to and after its last slash; text could not hold every name.
    dir BLOB NOT NULL,
    name BLOB NOT NULL,
    -- 1: the row that stands for its path; NULL: superseded (NULLs are distinct in a UNIQUE index).
    current INTEGER CHECK (current = 1),
    folder TEXT CHECK (folder <> ''),
    state TEXT NOT NULL,
    reason TEXT CHECK (reason <> ''),
    detail TEXT,
    size INTEGER,
    mtime_ns INTEGER,
    ctime_ns INTEGER,
    dev INTEGER,    -- dev and inode as signed 64-bit numbers (two's complement)
    inode INTEGER,
    fingerprint TEXT,
    content_hash TEXT,
    container TEXT,
    codec TEXT,
    duration_s REAL,
    video_no TEXT,
    upload_name TEXT,
    scope TEXT,
    duplicate_of INTEGER REFERENCES items (id),
    suspect_of INTEGER REFERENCES items (id),
    attempts INTEGER NOT NULL,
    next_attempt_at REAL,
    delay REAL NOT NULL,
    asked_s REAL NOT NULL,
    asks INTEGER NOT NULL,
    first_seen_at REAL NOT NULL,
    queued_at REAL,
    uploaded_at REAL,
    parsed_at REAL,
    updated_at REAL NOT NULL,
    fields TEXT NOT NULL,
    rules TEXT,
    pay_again INTEGER NOT NULL CHECK (pay_again IN (0, 1)),
    hidden INTEGER NOT NULL CHECK (hidden IN (0, 1)),
    -- When the row is due for work. In the states that always have work, no time means at once;
    -- in the others it means never. An unproven match waits for its other row (rules R4).
    due_at REAL AS (
        CASE
            WHEN state = 'queued' AND suspect_of IS NOT NULL THEN NULL
            WHEN state IN ('queued', 'indexing', 'confirming') THEN ifnull(next_attempt_at, 0)
            ELSE next_attempt_at
        END
    ) VIRTUAL,
    -- The size of what may be sent, for finding the smallest.
    probe_size INTEGER AS (
        CASE WHEN state = 'queued' AND suspect_of IS NULL THEN size END
    ) VIRTUAL,
    -- Whole milliseconds add up without drift; a media file may claim any duration.
    duration_ms INTEGER AS (
        CAST(round(1000 * min(max(ifnull(duration_s, 0), 0), 1e9)) AS INTEGER)
    ) VIRTUAL
);

-- No partial index compares `state` with a constant: SQLite would plan every statement that says
-- "state = ?" anew each time it runs; finding what is due took seven times as long.
CREATE UNIQUE INDEX items_path ON items (dir, name, current);
CREATE UNIQUE INDEX items_video ON items (video_no) WHERE video_no IS NOT NULL;
CREATE INDEX items_group ON items (state, folder, reason, hidden);
CREATE INDEX items_due ON items (state, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX items_probe ON items (probe_size) WHERE probe_size IS NOT NULL;
CREATE INDEX items_content ON items (size, fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX items_inode ON items (inode, dev) WHERE current = 1;
CREATE INDEX items_upload ON items (upload_name) WHERE upload_name IS NOT NULL;
CREATE INDEX items_paid ON items (uploaded_at) WHERE video_no IS NOT NULL;
CREATE INDEX items_duplicate ON items (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX items_suspect ON items (suspect_of) WHERE suspect_of IS NOT NULL;
CREATE INDEX items_changed ON items (updated_at);

CREATE TABLE history (
    id INTEGER PRIMARY KEY,
    item_id INTEGER NOT NULL REFERENCES items (id),
    at REAL NOT NULL,
    from_state TEXT,
    to_state TEXT NOT NULL,
    event TEXT NOT NULL,
    detail TEXT
);
CREATE INDEX history_item ON history (item_id);

CREATE TABLE sends (
    id INTEGER PRIMARY KEY,
    item_id INTEGER NOT NULL REFERENCES items (id),
    at REAL NOT NULL,
    upload_name TEXT NOT NULL,
    scope TEXT NOT NULL,
    size INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    watermark REAL,
    marked_at REAL,
    ended_at REAL,
    outcome TEXT
);
CREATE INDEX sends_item ON sends (item_id);
CREATE INDEX sends_open ON sends (ended_at) WHERE ended_at IS NULL;
"""

_RECORDS = """
CREATE TABLE gates (
    name TEXT PRIMARY KEY,
    since REAL NOT NULL,
    until REAL,
    detail TEXT NOT NULL,
    delay REAL NOT NULL,
    closed_by INTEGER,
    data TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE usage (
    day TEXT PRIMARY KEY,
    uploads INTEGER NOT NULL,
    seconds REAL NOT NULL,
    bytes INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE wishes (
    -- AUTOINCREMENT: a command waits on its number, so a purged one must not come again.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    verb TEXT NOT NULL,
    args TEXT NOT NULL,
    done_at REAL,
    result TEXT
);
CREATE INDEX wishes_done ON wishes (done_at);
"""

_TALLIES = """
-- How many rows share a state, folder, reason and hidden flag: counting by scanning took 0.4 s at a
-- million rows. '' stands for no folder and no reason.
CREATE TABLE tallies (
    state TEXT NOT NULL,
    folder TEXT NOT NULL,
    reason TEXT NOT NULL,
    hidden INTEGER NOT NULL,
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    ms INTEGER NOT NULL,
    PRIMARY KEY (state, folder, reason, hidden)
) WITHOUT ROWID;

CREATE TRIGGER items_tally_insert AFTER INSERT ON items BEGIN
    INSERT INTO tallies VALUES (
        NEW.state, ifnull(NEW.folder, ''), ifnull(NEW.reason, ''), NEW.hidden,
        1, ifnull(NEW.size, 0), NEW.duration_ms
    ) ON CONFLICT DO UPDATE SET
        files = files + 1, bytes = bytes + excluded.bytes, ms = ms + excluded.ms;
END;

CREATE TRIGGER items_tally_delete AFTER DELETE ON items BEGIN
    UPDATE tallies SET
        files = files - 1, bytes = bytes - ifnull(OLD.size, 0), ms = ms - OLD.duration_ms
    WHERE state = OLD.state AND folder = ifnull(OLD.folder, '')
        AND reason = ifnull(OLD.reason, '') AND hidden = OLD.hidden;
END;

CREATE TRIGGER items_tally_update
AFTER UPDATE OF state, folder, reason, hidden, size, duration_s ON items BEGIN
    UPDATE tallies SET
        files = files - 1, bytes = bytes - ifnull(OLD.size, 0), ms = ms - OLD.duration_ms
    WHERE state = OLD.state AND folder = ifnull(OLD.folder, '')
        AND reason = ifnull(OLD.reason, '') AND hidden = OLD.hidden;
    INSERT INTO tallies VALUES (
        NEW.state, ifnull(NEW.folder, ''), ifnull(NEW.reason, ''), NEW.hidden,
        1, ifnull(NEW.size, 0), NEW.duration_ms
    ) ON CONFLICT DO UPDATE SET
        files = files + 1, bytes = bytes + excluded.bytes, ms = ms + excluded.ms;
END;
"""

_MIRROR = """
-- What names an attempt in the mirror too (rules R8); NULL: begun before there was one.
ALTER TABLE sends ADD COLUMN key TEXT;
CREATE UNIQUE INDEX sends_key ON sends (key) WHERE key IS NOT NULL;

-- Which of the accounts that this journal has seen a row's video is in (rules R3).
ALTER TABLE items ADD COLUMN account INTEGER NOT NULL DEFAULT 1;

-- Videos that are ours by their names and whose files were not seen since the journal was lost:
-- the first file with such a token and size is that video and is not sent.
CREATE TABLE found (
    video_no TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    token TEXT NOT NULL,
    size INTEGER,
    scope TEXT NOT NULL,
    account INTEGER NOT NULL,
    created_at REAL
) WITHOUT ROWID;
CREATE INDEX found_content ON found (token, size);
"""

_AFTERWARDS = """
-- Where an after-action put a row's file (bytes, like every path), and when it left its own path.
ALTER TABLE items ADD COLUMN moved_to BLOB;
ALTER TABLE items ADD COLUMN removed_at REAL;
CREATE INDEX items_moved ON items (moved_to) WHERE moved_to IS NOT NULL;

-- What is still to be done with files whose rows need no more work; done tasks are removed.
CREATE TABLE after_tasks (
    item_id INTEGER PRIMARY KEY REFERENCES items (id),
    folder TEXT NOT NULL,
    due_at REAL NOT NULL,
    delay REAL NOT NULL,
    seen TEXT,      -- size, mtime_ns, ctime_ns, dev, inode as JSON
    place BLOB,
    trouble TEXT
);
CREATE INDEX after_tasks_due ON after_tasks (due_at);
"""

_CLOSINGS = """
-- How often a row closed a gate of the account while others passed in between (rules R7), and the
-- attempt that did it last.
CREATE TABLE closings (
    item_id INTEGER PRIMARY KEY REFERENCES items (id),
    times INTEGER NOT NULL,
    send_id INTEGER NOT NULL
);
"""

_VOLUMES = """
-- The file system that a file was seen on: its absence from another one says nothing (rules R5).
ALTER TABLE items ADD COLUMN volume TEXT;
"""

_APPROVED = """
-- What a person said yes to, as reasons joined by commas: it is not held for these again.
ALTER TABLE items ADD COLUMN approved TEXT CHECK (approved <> '');
"""

_UNKNOWN = """
-- Attempts whose video may be there without anybody knowing which it is (rules R2).
CREATE INDEX sends_unknown ON sends (item_id) WHERE outcome = 'unknown';
"""

MIGRATIONS: tuple[str, ...] = (
    *(_ROWS + _RECORDS + _TALLIES, _MIRROR, _AFTERWARDS, _CLOSINGS),
    _VOLUMES,
    _APPROVED,
    _UNKNOWN,
)


def migrate(database: Database, version: int, migrations: tuple[str, ...] = MIGRATIONS) -> None:
    """Bring a schema of `version` up to date in one transaction: all of it or nothing.

    Raises:
        JournalError: a statement failed; the schema is as it was.
    """
    if version == len(migrations):
        return
    database.run_script(
        "".join(
            (
                *migrations[version:],
                f"PRAGMA application_id = {APPLICATION_ID};",
                f"PRAGMA user_version = {len(migrations)};",
            ),
        ),
    )
