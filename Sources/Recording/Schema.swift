import GRDB

/// The schema, as named migrations that never change once they have shipped.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 first light") { db in
            try db.execute(
                sql: """
                    CREATE TABLE machine (
                        id INTEGER PRIMARY KEY,
                        -- Tells one machine, as it is equipped, from another.
                        fingerprint TEXT NOT NULL UNIQUE,
                        name TEXT NOT NULL,
                        inventory TEXT NOT NULL,
                        first_seen REAL NOT NULL
                    );
                    CREATE TABLE meter (
                        id INTEGER PRIMARY KEY,
                        machine_id INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE,
                        name TEXT NOT NULL,
                        description TEXT NOT NULL,
                        UNIQUE (machine_id, name, description)
                    );
                    CREATE TABLE suite_run (
                        id INTEGER PRIMARY KEY,
                        uuid TEXT NOT NULL UNIQUE,
                        machine_id INTEGER NOT NULL REFERENCES machine,
                        suite TEXT NOT NULL,
                        suite_text TEXT NOT NULL,
                        options TEXT NOT NULL,
                        machine_state TEXT NOT NULL,
                        taskwatt_version TEXT NOT NULL,
                        started_at REAL NOT NULL,
                        ended_at REAL,
                        status TEXT NOT NULL,
                        error TEXT
                    );
                    CREATE TABLE run (
                        id INTEGER PRIMARY KEY,
                        suite_run_id INTEGER NOT NULL REFERENCES suite_run ON DELETE CASCADE,
                        stage TEXT NOT NULL,
                        repeat INTEGER,
                        task TEXT,
                        model TEXT,
                        dataset TEXT,
                        plugin TEXT,
                        size TEXT,
                        started_at REAL NOT NULL,
                        duration_s REAL NOT NULL,
                        completed INTEGER NOT NULL,
                        energy_j REAL NOT NULL,
                        scope TEXT NOT NULL,
                        provenance TEXT NOT NULL,
                        coverage REAL NOT NULL,
                        status TEXT NOT NULL,
                        -- The whole record as JSON; the columns above are what is searched by.
                        record TEXT NOT NULL
                    );
                    CREATE INDEX run_by_suite_run ON run (suite_run_id);
                    CREATE INDEX run_by_task ON run (stage, task);
                    CREATE TABLE domain_energy (
                        run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
                        meter TEXT NOT NULL,
                        scope TEXT NOT NULL,
                        provenance TEXT NOT NULL,
                        energy_j REAL NOT NULL,
                        uncertainty_j REAL NOT NULL,
                        coverage REAL NOT NULL,
                        PRIMARY KEY (run_id, meter)
                    ) WITHOUT ROWID;
                    CREATE TABLE sample (
                        id INTEGER PRIMARY KEY,
                        -- NULL for samples outside any run.
                        run_id INTEGER REFERENCES run ON DELETE CASCADE,
                        meter TEXT NOT NULL,
                        wall_time REAL NOT NULL,
                        monotonic_ns INTEGER NOT NULL,
                        energy_uj INTEGER,
                        power_uw INTEGER
                    );
                    CREATE INDEX sample_by_time ON sample (wall_time);
                    CREATE INDEX sample_by_run ON sample (run_id) WHERE run_id IS NOT NULL;
                    """)
        }
        migrator.registerMigration("2 metrics") { db in
            try db.execute(
                sql: """
                    -- What the plugin counted or timed, a JSON object of numbers; NULL of none. It is in `record` too, and
                    -- here for queries such as `metrics ->> 'output_tokens'`.
                    ALTER TABLE run ADD COLUMN metrics TEXT
                    """)
        }
        migrator.registerMigration("3 sources") { db in
            try db.execute(
                sql: """
                    -- A file that records were brought from.
                    CREATE TABLE import (
                        id INTEGER PRIMARY KEY,
                        source TEXT NOT NULL,
                        file TEXT NOT NULL,
                        sha256 TEXT NOT NULL,
                        imported_at REAL NOT NULL
                    );
                    -- Who measured it: a RecordSource.
                    ALTER TABLE suite_run ADD COLUMN source TEXT NOT NULL DEFAULT 'taskwatt';
                    -- NULL of what was measured here.
                    ALTER TABLE suite_run ADD COLUMN import_id INTEGER REFERENCES import;
                    -- What `doctor` said before it began, a JSON array; NULL of records from before there was one.
                    ALTER TABLE suite_run ADD COLUMN preflight TEXT;
                    -- Of a reading for the edge of a window: `start` or `end`; NULL of the regular ones.
                    ALTER TABLE sample ADD COLUMN edge TEXT;
                    ALTER TABLE run ADD COLUMN device TEXT
                        GENERATED ALWAYS AS (json_extract(record, '$.workload.device')) VIRTUAL;
                    """)
        }
        migrator.registerMigration("4 keeping") { db in
            try db.execute(
                sql: """
                    -- What meters saw, by the minute and of long ago by the hour, made of the samples outside of runs.
                    CREATE TABLE stretch (
                        -- 60 or 3600.
                        seconds INTEGER NOT NULL,
                        meter TEXT NOT NULL,
                        -- Seconds since 1970, a multiple of `seconds`.
                        start INTEGER NOT NULL,
                        -- What was seen, and for how long of the stretch.
                        energy_uj INTEGER NOT NULL,
                        seen_s REAL NOT NULL,
                        least_uw INTEGER NOT NULL,
                        most_uw INTEGER NOT NULL,
                        PRIMARY KEY (seconds, start, meter)
                    ) WITHOUT ROWID;
                    -- Until when minutes have been made, in seconds since 1970.
                    CREATE TABLE condensed (
                        id INTEGER PRIMARY KEY CHECK (id = 1),
                        until INTEGER NOT NULL
                    );
                    INSERT INTO condensed VALUES (1, 0);
                    -- Only those outside of runs are looked for by time, and those of runs grow for years.
                    DROP INDEX sample_by_time;
                    CREATE INDEX sample_alone ON sample (wall_time) WHERE run_id IS NULL;
                    """)
        }
        migrator.registerMigration("5 jobs") { db in
            try db.execute(
                sql: """
                    -- The daemon's queue, which outlives the daemon, and how its jobs ended.
                    CREATE TABLE job (
                        -- Never used twice: whoever follows a job knows it by this.
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        -- queued, running, completed, failed, interrupted or skipped.
                        state TEXT NOT NULL,
                        -- JSON.
                        request TEXT NOT NULL,
                        -- The timer that asked for it; NULL of a user's own.
                        schedule TEXT,
                        submitted_at REAL NOT NULL,
                        -- How often it has begun, and when the last time.
                        attempts INTEGER NOT NULL DEFAULT 0,
                        started_at REAL,
                        ended_at REAL,
                        -- The suite's record, once it has begun.
                        suite_run TEXT,
                        -- What went wrong, a JSON array of text.
                        failures TEXT NOT NULL DEFAULT '[]'
                    );
                    CREATE INDEX job_by_schedule ON job (schedule, id) WHERE schedule IS NOT NULL;
                    CREATE INDEX job_to_do ON job (id) WHERE state IN ('queued', 'running');
                    """)
        }
        migrator.registerMigration("6 how many jobs ended") { db in
            try db.execute(
                sql: """
                    -- By state, those that are forgotten too. Counted where it is kept how a job ended, so that a counter of a
                    -- monitoring system goes on over restarts: what ends a job is often what ends the daemon.
                    CREATE TABLE job_count (state TEXT PRIMARY KEY, total INTEGER NOT NULL);
                    INSERT INTO job_count SELECT state, count(*) FROM job WHERE state NOT IN ('queued', 'running')
                        GROUP BY state;
                    CREATE TRIGGER job_ends AFTER UPDATE OF state ON job
                        WHEN new.state NOT IN ('queued', 'running') AND old.state IN ('queued', 'running')
                    BEGIN
                        INSERT INTO job_count VALUES (new.state, 1) ON CONFLICT (state) DO UPDATE SET total = total + 1;
                    END;
                    """)
        }
        migrator.registerMigration("7 labels") { db in
            try db.execute(
                sql: """
                    -- What the user calls what was so when it was measured, to compare by; NULL of most.
                    ALTER TABLE suite_run ADD COLUMN label TEXT;
                    CREATE INDEX suite_run_by_label ON suite_run (label) WHERE label IS NOT NULL;
                    """)
        }
        // Of the migrations from here on. They copy tables under other names, and a look for what is referred to and not there would read
        // every sample of a long record, and keep it from being opened where an old one is damaged.
        migrator = migrator.disablingDeferredForeignKeyChecks()
        migrator.registerMigration("8 typed columns") { db in try db.execute(sql: TypedColumns.sql) }
        migrator.registerMigration("9 sums") { db in try db.execute(sql: sums) }
        migrator.registerMigration("10 outbox") { db in
            try db.execute(
                sql: """
                    -- Suites that a collector or a shared directory is still to have.
                    CREATE TABLE outbox (
                        id INTEGER PRIMARY KEY,
                        -- The UUID of a suite_run.
                        suite_run TEXT NOT NULL,
                        destination TEXT NOT NULL,
                        added_at REAL NOT NULL,
                        due_at REAL NOT NULL,
                        attempts INTEGER NOT NULL DEFAULT 0,
                        -- Why it is still here; NULL where nobody has tried.
                        problem TEXT,
                        -- 1 of one that was refused, and is not sent again by itself.
                        parked INTEGER NOT NULL DEFAULT 0,
                        UNIQUE (suite_run, destination)
                    );
                    CREATE INDEX outbox_to_send ON outbox (destination, parked, id);
                    """)
        }
        migrator.registerMigration("11 imports") { db in
            try db.execute(
                sql: """
                    -- A collector has as many imports as suites, and asked for those of one it read them all.
                    CREATE INDEX suite_run_by_import ON suite_run (import_id) WHERE import_id IS NOT NULL;
                    """)
        }
        return migrator
    }

    /// Sums of the windows, from which tables are made at a cost that does not grow with the record. `RecordSums` keeps them.
    private static let sums = """
        -- Windows that are never in two rows of a table by themselves.
        CREATE TABLE result_group (
            id INTEGER PRIMARY KEY,
            -- All that a window tells of it, and what of that a model's file goes with, as one text each.
            key TEXT NOT NULL,
            file_key TEXT NOT NULL,
            task TEXT NOT NULL,
            source TEXT NOT NULL,
            scope TEXT NOT NULL,
            provenance TEXT NOT NULL,
            plugin TEXT NOT NULL,
            model TEXT,
            dataset TEXT,
            size TEXT,
            device TEXT,
            precision TEXT,
            batch INTEGER NOT NULL,
            engine TEXT,
            suite TEXT NOT NULL,
            label TEXT,
            -- Of the machine.
            fingerprint TEXT NOT NULL,
            -- JSON: the plugin's parameters; the total's meters; how well each measures.
            settings TEXT NOT NULL,
            meters TEXT NOT NULL,
            accuracies TEXT NOT NULL,
            program_sha256 TEXT,
            model_sha256 TEXT
        );
        CREATE INDEX result_group_by_key ON result_group (key);
        CREATE INDEX result_group_by_file ON result_group (file_key);
        CREATE INDEX result_group_by_plugin ON result_group (plugin, fingerprint);
        -- The hash that a name last stood for.
        CREATE TABLE edition (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID;
        -- Flags, reasons and versions, which the sums have by their numbers.
        CREATE TABLE sum_name (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE summed_session (
            suite_run_id INTEGER PRIMARY KEY,
            -- Of the first window with a workload, in days since 1970 (UTC), and the earliest and the latest begin of one; NULL
            -- while there is none.
            day INTEGER,
            first_at REAL,
            last_at REAL,
            -- What the idle baselines say.
            contended INTEGER NOT NULL DEFAULT 0,
            drifted INTEGER NOT NULL DEFAULT 0,
            autocorrelated INTEGER NOT NULL DEFAULT 0,
            baseline_s REAL,
            baseline_degrees REAL
        );
        CREATE INDEX summed_session_by_time ON summed_session (first_at, last_at);
        CREATE INDEX summed_session_flagged ON summed_session (suite_run_id)
            WHERE contended OR drifted OR autocorrelated;
        CREATE TABLE session_sums (
            suite_run_id INTEGER NOT NULL,
            -- 0 of gross, 1 of net energies.
            net INTEGER NOT NULL,
            group_id INTEGER NOT NULL,
            day INTEGER NOT NULL,
            sums BLOB NOT NULL,
            PRIMARY KEY (suite_run_id, net, group_id)
        ) WITHOUT ROWID;
        CREATE INDEX session_sums_by_day ON session_sums (net, group_id, day);
        -- The sessions of a day together, of 4 days, of 16, and so on; the last level is the whole record.
        CREATE TABLE period_sums (
            level INTEGER NOT NULL,
            net INTEGER NOT NULL,
            period INTEGER NOT NULL,
            group_id INTEGER NOT NULL,
            sums BLOB NOT NULL,
            PRIMARY KEY (level, net, period, group_id)
        ) WITHOUT ROWID;
        -- Windows that hold what cannot be, and are in no sum.
        CREATE TABLE damaged_run (run_id INTEGER PRIMARY KEY, suite_run_id INTEGER NOT NULL);
        CREATE INDEX damaged_run_by_suite ON damaged_run (suite_run_id);
        -- The last window that is in the sums, or would be if it had a workload.
        CREATE TABLE summed (id INTEGER PRIMARY KEY CHECK (id = 1), last_run INTEGER NOT NULL);
        INSERT INTO summed VALUES (1, 0);
        -- Sessions whose sums have to be made anew, whoever changed their windows.
        CREATE TABLE stale_session (suite_run_id PRIMARY KEY) WITHOUT ROWID;
        CREATE TRIGGER run_changes AFTER UPDATE ON run BEGIN
            INSERT OR IGNORE INTO stale_session VALUES (old.suite_run_id), (new.suite_run_id);
        END;
        CREATE TRIGGER run_goes AFTER DELETE ON run BEGIN
            INSERT OR IGNORE INTO stale_session VALUES (old.suite_run_id);
            -- Its number may be given anew.
            UPDATE summed SET last_run = coalesce((SELECT max(id) FROM run WHERE id < old.id), 0) WHERE last_run = old.id;
        END;
        CREATE TRIGGER run_comes_late AFTER INSERT ON run WHEN new.id <= (SELECT last_run FROM summed) BEGIN
            INSERT OR IGNORE INTO stale_session VALUES (new.suite_run_id);
        END;
        CREATE TRIGGER scope_changes AFTER UPDATE ON scope_energy BEGIN
            INSERT OR IGNORE INTO stale_session SELECT suite_run_id FROM run WHERE id IN (old.run_id, new.run_id);
        END;
        CREATE TRIGGER scope_goes AFTER DELETE ON scope_energy BEGIN
            INSERT OR IGNORE INTO stale_session SELECT suite_run_id FROM run WHERE id = old.run_id;
        END;
        CREATE TRIGGER scope_comes_late AFTER INSERT ON scope_energy
            WHEN new.run_id <= (SELECT last_run FROM summed)
        BEGIN
            INSERT OR IGNORE INTO stale_session SELECT suite_run_id FROM run WHERE id = new.run_id;
        END;
        CREATE TRIGGER suite_run_comes AFTER INSERT ON suite_run BEGIN
            INSERT OR IGNORE INTO stale_session VALUES (new.id);
        END;
        CREATE TRIGGER suite_run_changes
            AFTER UPDATE OF id, uuid, machine_id, suite, taskwatt_version, source, label ON suite_run
        BEGIN
            INSERT OR IGNORE INTO stale_session VALUES (old.id), (new.id);
        END;
        CREATE TRIGGER suite_run_goes AFTER DELETE ON suite_run BEGIN
            INSERT OR IGNORE INTO stale_session VALUES (old.id);
        END;
        CREATE TRIGGER machine_comes AFTER INSERT ON machine BEGIN
            INSERT OR IGNORE INTO stale_session SELECT id FROM suite_run WHERE machine_id = new.id;
        END;
        CREATE TRIGGER machine_changes AFTER UPDATE OF id, fingerprint, name, inventory ON machine BEGIN
            INSERT OR IGNORE INTO stale_session SELECT id FROM suite_run WHERE machine_id IN (old.id, new.id);
        END;
        -- The latest state of a machine in which its peak is known, or else the latest, is found without a look at all.
        CREATE INDEX suite_run_by_peak
            ON suite_run (machine_id, instr(machine_state, '"device_peaks":[{') > 0, started_at);
        """
}
