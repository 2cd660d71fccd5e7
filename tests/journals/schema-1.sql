BEGIN TRANSACTION;
CREATE TABLE gates (
    name TEXT PRIMARY KEY,
    since REAL NOT NULL,
    until REAL,
    detail TEXT NOT NULL,
    delay REAL NOT NULL,
    closed_by INTEGER,
    data TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "gates" VALUES('credits',1779999000.0,1780000900.0,'Credits used up.',900.0,1,'{}');
INSERT INTO "gates" VALUES('paused',1779999990.0,NULL,'Paused by hand.',0.0,NULL,'{}');
CREATE TABLE history (
    id INTEGER PRIMARY KEY,
    item_id INTEGER NOT NULL REFERENCES items (id),
    at REAL NOT NULL,
    from_state TEXT,
    to_state TEXT NOT NULL,
    event TEXT NOT NULL,
    detail TEXT
);
INSERT INTO "history" VALUES(1,1,1780000000.0,NULL,'held','file.restored',NULL);
INSERT INTO "history" VALUES(2,2,1780000000.0,NULL,'queued','file.restored',NULL);
INSERT INTO "history" VALUES(3,3,1780000000.0,NULL,'uploading','file.restored',NULL);
INSERT INTO "history" VALUES(4,4,1780000000.0,NULL,'confirming','file.restored',NULL);
INSERT INTO "history" VALUES(5,5,1780000000.0,NULL,'indexing','file.restored',NULL);
INSERT INTO "history" VALUES(6,6,1780000000.0,NULL,'parsed','file.restored',NULL);
INSERT INTO "history" VALUES(7,7,1780000000.0,NULL,'rejected','file.restored',NULL);
INSERT INTO "history" VALUES(8,8,1780000000.0,NULL,'duplicate','file.restored',NULL);
INSERT INTO "history" VALUES(9,9,1780000000.0,NULL,'skipped','file.restored',NULL);
INSERT INTO "history" VALUES(10,10,1780000000.0,NULL,'gone','file.restored',NULL);
INSERT INTO "history" VALUES(11,11,1780000000.0,NULL,'failed','file.restored',NULL);
INSERT INTO "history" VALUES(12,2,1780000001.0,'queued','skipped','file.skipped','By hand.');
INSERT INTO "history" VALUES(13,12,1780000000.0,NULL,'duplicate','file.duplicate',NULL);
INSERT INTO "history" VALUES(14,13,1780000000.0,NULL,'queued','file.queued',NULL);
INSERT INTO "history" VALUES(15,14,1780000000.0,NULL,'skipped','file.skipped',NULL);
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
INSERT INTO "items" VALUES(1,X'2F7372762F64726F702F63617264',X'68656C642E6D7034',1,'drop','held','unconfirmed','A sentence about held.',1000,5000000000000000000,5000000000000000000,66305,42,'00000000000000000000000000000000',NULL,'mp4','h264',12.5,NULL,'held~00000000.mp4','unique_id=default',NULL,NULL,0,NULL,0.0,0.0,0,1779999900.0,1779999910.0,NULL,NULL,1780000000.0,'{"unique_id":"default","tags":["a","b"]}',NULL,0,0);
INSERT INTO "items" VALUES(2,X'2F7372762F64726F702F63617264',X'7175657565642E6D7034',1,'drop','skipped',NULL,'A sentence about queued.',1001,5000000000000000000,5000000000000000000,66305,43,'00000000000000000000000000000001',NULL,'mp4','h264',12.5,NULL,NULL,NULL,NULL,NULL,0,1780000060.0,0.0,0.0,0,1779999900.0,1779999910.0,NULL,NULL,1780000001.0,'{"unique_id":"default","tags":["a","b"]}',NULL,0,0);
INSERT INTO "items" VALUES(3,X'2F7372762F64726F702F63617264',X'75706C6F6164696E672E6D7034',1,'drop','uploading',NULL,'A sentence about uploading.',1002,5000000000000000000,5000000000000000000,66305,44,'00000000000000000000000000000002',NULL,'mp4','h264',12.5,NULL,'uploading~00000002.mp4','unique_id=default',NULL,NULL,0,NULL,0.0,0.0,0,1779999900.0,1779999910.0,NULL,NULL,1780000000.0,'{"unique_id":"default","tags":["a","b"]}',NULL,0,0);
INSERT INTO "items" VALUES(4,X'2F7372762F64726F702F63617264',X'636F6E6669726D696E672E6D7034',1,'drop','confirming',NULL,'A sentence about confirming.',1003,5000000000000000000,5000000000000000000,66305,45,'00000000000000000000000000000003',NULL,'mp4','h264',12.5,NULL,'confirming~00000003.mp4','unique_id=default',NULL,NULL,0,NULL,0.0,0.0,0,1779999900.0,1779999910.0,NULL,NULL,1780000000.0,'{"unique_id":"default","tags":["a","b"]}',NULL,0,0);
INSERT INTO "items" VALUES(5,X'2F7372762F64726F702F63617264',X'696E646578696E672E6D7034',1,'drop','indexing',NULL,'A sentence about indexing.',1004,5000000000000000000,5000000000000000000,66305,46,'00000000000000000000000000000004','0000000000000000000000000000000000000000000000000000000000000004','mp4','h264',12.5,'VI600000000000000004','indexing~00000004.mp4','unique_id=default',NULL,NULL,0,1780000060.0,0.0,0.0,0,1779999900.0,1779999910.0,1779999950.0,NULL,1780000000.0,'{"unique_id":"default","tags":["a","b"]}',NULL,0,0);
INSERT INTO "items" VALUES(6,X'2F7372762F64726F702F63617264',X'7061727365642E6D7034',1,'drop','parsed',NULL,'A sentence about parsed.',1005,5000000000000000000,5000000000000000000,66305,47,'00000000000000000000000000000005','0000000000000000000000000000000000000000000000000000000000000005','mp4','h264',12.5,'VI600000000000000005','parsed~00000005.mp4','unique_id=default',NULL,NULL,0,NULL,0.0,0.0,0,1779999900.0,1779999910.0,1779999950.0,1779999990.0,1780000000.0,'{"unique_id":"default","tags":["a","b"]}',NULL,0,0);
INSERT INTO "items" VALUES(7,X'2F7372762F64726F702F63617264',X'72656A65637465642E6D7034',1,'drop','rejected','codec','A sentence about rejected.',1006,5000000000000000000,5000000000000000000,66305,48,'00000000000000000000000000000006',NULL,'mp4','h264',12.5,NULL,NULL,NULL,NULL,NULL,0,NULL,0.0,0.0,0,1779999900.0,1779999910.0,NULL,NULL,1780000000.0,'{"unique_id":"default","tags":["a","b"]}',NULL,0,0);
INSERT INTO "items" VALUES(8,X'2F7372762F64726F702F63617264',X'6475706C69636174652E6D7034',1,'drop','duplicate',NULL,'A sentence about duplicate.',1007,5000000000000000000,5000000000000000000,66305,49,'00000000000000000000000000000007',NULL,'mp4','h264',12.5,NULL,NULL,NULL,NULL,NULL,0,NULL,0.0,0.0,0,1779999900.0,1779999910.0,NULL,NULL,1780000000.0,'{"unique_id":"default","tags":["a","b"]}',NULL,0,0);
INSERT INTO "items" VALUES(9,X'2F7372762F64726F702F63617264',X'736B69707065642E6D7034',1,'drop','skipped',NULL,'A sentence about skipped.',1008,5000000000000000000,5000000000000000000,66305,50,'00000000000000000000000000000008',NULL,'mp4','h264',12.5,NULL,NULL,NULL,NULL,NULL,0,NULL,0.0,0.0,0,1779999900.0,1779999910.0,NULL,NULL,1780000000.0,'{"unique_id":"default","tags":["a","b"]}',NULL,0,0);
INSERT INTO "items" VALUES(10,X'2F7372762F64726F702F63617264',X'676F6E652E6D7034',1,'drop','gone','vanished','A sentence about gone.',1009,5000000000000000000,5000000000000000000,66305,51,'00000000000000000000000000000009',NULL,'mp4','h264',12.5,NULL,NULL,NULL,NULL,NULL,0,NULL,0.0,0.0,0,1779999900.0,1779999910.0,NULL,NULL,1780000000.0,'{"unique_id":"default","tags":["a","b"]}',NULL,0,0);
INSERT INTO "items" VALUES(11,X'2F7372762F64726F702F63617264',X'6661696C65642E6D7034',1,'drop','failed','indexing_failed','A sentence about failed.',1010,5000000000000000000,5000000000000000000,66305,52,'0000000000000000000000000000000a','000000000000000000000000000000000000000000000000000000000000000a','mp4','h264',12.5,'VI6000000000000000010','failed~0000000a.mp4','unique_id=default',NULL,NULL,0,NULL,0.0,0.0,0,1779999900.0,1779999910.0,1779999950.0,NULL,1780000000.0,'{"unique_id":"default","tags":["a","b"]}',NULL,0,0);
INSERT INTO "items" VALUES(12,X'2F7372762F64726F70',X'6F646420FF0A206E616D652E6D7034',1,'drop','duplicate',NULL,'A sentence about duplicate.',1050,5000000000000000000,5000000000000000000,66305,92,'00000000000000000000000000000032',NULL,'mp4','h264',12.5,NULL,NULL,NULL,6,NULL,0,NULL,0.0,0.0,0,1779999900.0,1779999910.0,NULL,NULL,1780000000.0,'{"unique_id":"default","tags":["a","b"]}',NULL,0,0);
INSERT INTO "items" VALUES(13,X'2F7372762F64726F70',X'6E6578742E6D7034',1,'drop','queued',NULL,'A sentence about queued.',1060,5000000000000000000,5000000000000000000,66305,102,'0000000000000000000000000000003c',NULL,'mp4','h264',12.5,NULL,NULL,NULL,NULL,NULL,0,1780000060.0,0.0,0.0,0,1779999900.0,1779999910.0,NULL,NULL,1780000000.0,'{"unique_id":"default","tags":["a","b"]}',NULL,0,0);
INSERT INTO "items" VALUES(14,X'2F7372762F64726F70',X'68696464656E2E6D7034',1,NULL,'skipped',NULL,'A sentence about skipped.',1070,5000000000000000000,5000000000000000000,66305,112,'00000000000000000000000000000046',NULL,'mp4','h264',12.5,NULL,NULL,NULL,NULL,NULL,0,NULL,0.0,0.0,0,1779999900.0,1779999910.0,NULL,NULL,1780000000.0,'{"unique_id":"default","tags":["a","b"]}',NULL,0,1);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('closed_cleanly','true');
INSERT INTO "meta" VALUES('key_digest','"0123456789abcdef"');
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
INSERT INTO "sends" VALUES(1,5,1779999940.0,'indexing.mp4','unique_id=default',1000,1000,1779999910.0,1779999945.0,1779999950.0,'accepted');
INSERT INTO "sends" VALUES(2,6,1779999940.0,'parsed.mp4','unique_id=default',1000,1000,1779999910.0,1779999945.0,1779999950.0,'accepted');
INSERT INTO "sends" VALUES(3,11,1779999940.0,'failed.mp4','unique_id=default',1000,1000,1779999910.0,1779999945.0,1779999950.0,'accepted');
INSERT INTO "sends" VALUES(4,3,1779999940.0,'uploading.mp4','unique_id=default',1000,500,1779999910.0,NULL,NULL,NULL);
INSERT INTO "sends" VALUES(5,4,1779999940.0,'confirming.mp4','unique_id=default',1000,1000,1779999910.0,1779999945.0,1779999950.0,'unknown');
INSERT INTO "sends" VALUES(6,1,1779999940.0,'held.mp4','unique_id=default',1000,1000,1779999910.0,1779999945.0,1779999950.0,'unknown');
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
INSERT INTO "tallies" VALUES('confirming','drop','',0,1,1003,12500);
INSERT INTO "tallies" VALUES('duplicate','drop','',0,2,2057,25000);
INSERT INTO "tallies" VALUES('failed','drop','indexing_failed',0,1,1010,12500);
INSERT INTO "tallies" VALUES('gone','drop','vanished',0,1,1009,12500);
INSERT INTO "tallies" VALUES('held','drop','unconfirmed',0,1,1000,12500);
INSERT INTO "tallies" VALUES('indexing','drop','',0,1,1004,12500);
INSERT INTO "tallies" VALUES('parsed','drop','',0,1,1005,12500);
INSERT INTO "tallies" VALUES('queued','drop','',0,1,1060,12500);
INSERT INTO "tallies" VALUES('rejected','drop','codec',0,1,1006,12500);
INSERT INTO "tallies" VALUES('skipped','','',1,1,1070,12500);
INSERT INTO "tallies" VALUES('skipped','drop','',0,2,2009,25000);
INSERT INTO "tallies" VALUES('uploading','drop','',0,1,1002,12500);
CREATE TABLE usage (
    day TEXT PRIMARY KEY,
    uploads INTEGER NOT NULL,
    seconds REAL NOT NULL,
    bytes INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "usage" VALUES('2026-05-28',3,37.5,3000);
CREATE TABLE wishes (
    -- AUTOINCREMENT: a command waits on its number, so a purged one must not come again.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    verb TEXT NOT NULL,
    args TEXT NOT NULL,
    done_at REAL,
    result TEXT
);
INSERT INTO "wishes" VALUES(1,1780000000.0,'pause','{"now":false,"until":null}',1780000002.0,'{"done":[],"refused":[],"text":"Paused."}');
INSERT INTO "wishes" VALUES(2,1780000001.0,'retry','{"ids":[1,2]}',NULL,NULL);
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
CREATE INDEX history_item ON history (item_id);
CREATE INDEX sends_item ON sends (item_id);
CREATE INDEX sends_open ON sends (ended_at) WHERE ended_at IS NULL;
CREATE INDEX wishes_done ON wishes (done_at);
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
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('wishes',2);
COMMIT;
PRAGMA application_id = 1768843123;
PRAGMA user_version = 1;
