import Foundation
import GRDB
import Hashing

/// The tables and all changes to them. A migration is never edited, only followed by another.
///
/// `sequence` orders each table by creation; clients see ids. Times are seconds since 1970. SQLite keeps no digest of rows; reports, which are
/// large, have their own.
enum Schema {
    static let tables = [
        "jobs", "job_events", "job_checkpoints", "reports", "versions", "promotions", "steps", "files", "benchmarks",
        "states", "marks",
    ]

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE jobs (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
                        kind TEXT NOT NULL, lane TEXT NOT NULL,
                        state TEXT NOT NULL CHECK (state IN
                            ('queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled')),
                        request BLOB NOT NULL, request_hash TEXT NOT NULL, idempotency_key TEXT,
                        done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0,
                        attempt INTEGER NOT NULL DEFAULT 0,
                        checkpoint BLOB, result BLOB, error TEXT, error_code TEXT,
                        created_at REAL NOT NULL, started_at REAL, finished_at REAL);
                    CREATE UNIQUE INDEX jobs_by_key ON jobs (kind, idempotency_key) WHERE idempotency_key IS NOT NULL;
                    CREATE INDEX jobs_by_state ON jobs (state, sequence);

                    CREATE TABLE job_events (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
                        job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
                        created_at REAL NOT NULL, level TEXT NOT NULL, type TEXT NOT NULL, message TEXT NOT NULL,
                        data BLOB);
                    CREATE INDEX job_events_by_job ON job_events (job_id, sequence);

                    CREATE TABLE job_checkpoints (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
                        job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
                        step INTEGER NOT NULL, version_id TEXT NOT NULL, metrics BLOB NOT NULL, created_at REAL NOT NULL,
                        UNIQUE (job_id, step));

                    CREATE TABLE reports (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
                        run_id TEXT UNIQUE, model TEXT NOT NULL, version_id TEXT NOT NULL, benchmark TEXT NOT NULL,
                        n INTEGER NOT NULL, summary BLOB NOT NULL, body BLOB NOT NULL, created_at REAL NOT NULL);
                    CREATE INDEX reports_by_version ON reports (version_id, sequence);

                    CREATE TABLE versions (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
                        base TEXT NOT NULL, parent_id TEXT, kind TEXT NOT NULL, hash TEXT NOT NULL,
                        bytes INTEGER NOT NULL, step INTEGER, metrics BLOB NOT NULL, created_at REAL NOT NULL);
                    CREATE TRIGGER versions_are_immutable BEFORE UPDATE ON versions
                        BEGIN SELECT RAISE(ABORT, 'a weight version never changes'); END;

                    CREATE TABLE promotions (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT, base TEXT NOT NULL, version_id TEXT,
                        previous INTEGER REFERENCES promotions (sequence), reason TEXT NOT NULL, created_at REAL NOT NULL);
                    CREATE INDEX promotions_by_base ON promotions (base, sequence);

                    CREATE TABLE steps (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, ordinal INTEGER NOT NULL,
                        version_id TEXT NOT NULL, metrics BLOB NOT NULL, response BLOB NOT NULL, created_at REAL NOT NULL,
                        idempotency_key TEXT UNIQUE, request_hash TEXT NOT NULL);

                    CREATE TABLE files (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, purpose TEXT NOT NULL,
                        filename TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, status TEXT NOT NULL,
                        status_details TEXT, created_at REAL NOT NULL);

                    CREATE TABLE benchmarks (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
                        hash TEXT NOT NULL, content TEXT, description BLOB NOT NULL, created_at REAL NOT NULL);
                    """)
        }
        migrator.registerMigration("2") { db in
            try db.execute(
                sql: """
                    CREATE TABLE states (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL UNIQUE, hash TEXT NOT NULL);
                    """)
        }
        migrator.registerMigration("3") { db in
            try db.execute(
                sql: """
                    CREATE TABLE lineage (identity TEXT NOT NULL, generation INTEGER NOT NULL);
                    ALTER TABLE reports ADD COLUMN body_hash TEXT;
                    """)
            try db.execute(sql: "INSERT INTO lineage VALUES (?, 0)", arguments: [Lineage.newIdentity()])
            let reports = try Int64.fetchAll(db, sql: "SELECT sequence FROM reports")
            for sequence in reports {
                let body = try Data.fetchOne(db, sql: "SELECT body FROM reports WHERE sequence = ?", arguments: [sequence])
                try db.execute(
                    sql: "UPDATE reports SET body_hash = ? WHERE sequence = ?", arguments: [SHA256.hex(body ?? Data()), sequence])
            }
        }
        migrator.registerMigration("4 files expire") { db in
            try db.execute(sql: "ALTER TABLE files ADD COLUMN expires_at REAL")
        }
        migrator.registerMigration("5 items are marked") { db in
            try db.execute(
                sql: """
                    CREATE TABLE marks (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT, benchmark TEXT NOT NULL, item TEXT NOT NULL, verdict TEXT NOT NULL,
                        answer TEXT, note TEXT, created_at REAL NOT NULL, UNIQUE (benchmark, item));
                    """)
        }
        return migrator
    }
}
