import Postgres

/// The schema of a record in PostgreSQL (15 or later), as migrations that never change once they have shipped. Its columns are those of
/// `Schema`, of the same names and units; `Recording/Rows` has them as properties.
///
/// What is one machine's alone is not here: samples, which stay in the bundles, and the queue.
enum PostgresSchema {
    /// A step, which is carried out in a transaction of its own.
    struct Migration {
        var name: String
        var statements: [String]
    }

    static let migrations = [
        Migration(name: "first light", statements: tables + sums + views),
        Migration(name: "which sessions are in a mean", statements: measured),
    ]

    /// Whoever migrates, or changes the sums, waits for others by these numbers (advisory locks).
    static let migrationLock: Int64 = 0x7461_736b_0001
    static let sumsLock: Int64 = 0x7461_736b_0002

    /// What every connection begins with.
    ///
    /// What a table is made of is sorted in memory.
    static let setup = ["SET search_path = taskwatt, pg_temp", "SET work_mem = '32MB'"]

    static let versions = [
        "CREATE SCHEMA IF NOT EXISTS taskwatt",
        """
        CREATE TABLE IF NOT EXISTS taskwatt.schema_version (
            version bigint PRIMARY KEY,
            name text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        )
        """,
    ]

    private static let tables = [
        """
        CREATE TABLE machine (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            -- Tells one machine, as it is equipped, from another.
            fingerprint text NOT NULL UNIQUE,
            name text NOT NULL,
            -- JSON.
            inventory text NOT NULL,
            -- The processor's name, where the inventory has it.
            processor text,
            -- Seconds since 1970, as all times are.
            first_seen double precision NOT NULL
        )
        """,
        """
        CREATE TABLE meter (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            machine_id bigint NOT NULL REFERENCES machine ON DELETE CASCADE,
            name text NOT NULL,
            -- JSON.
            description text NOT NULL
        )
        """,
        "CREATE INDEX meter_by_machine ON meter (machine_id)",
        """
        CREATE TABLE import (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            source text NOT NULL,
            file text NOT NULL,
            sha256 text NOT NULL,
            imported_at double precision NOT NULL
        )
        """,
        """
        CREATE TABLE suite_run (
            -- In the order of their coming.
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            -- By which it is known again, whoever sends it how often.
            uuid text COLLATE "C" NOT NULL UNIQUE,
            machine_id bigint NOT NULL REFERENCES machine,
            suite text NOT NULL,
            suite_text text NOT NULL,
            options text NOT NULL,
            machine_state text NOT NULL,
            taskwatt_version text NOT NULL,
            started_at double precision NOT NULL,
            ended_at double precision,
            status text NOT NULL,
            error text,
            source text NOT NULL,
            import_id bigint REFERENCES import,
            preflight text,
            label text
        )
        """,
        // Of names as long as there may be, which a B-tree does not take.
        "CREATE INDEX suite_run_by_label ON suite_run USING hash (label)",
        "CREATE INDEX suite_run_by_import ON suite_run (import_id) WHERE import_id IS NOT NULL",
        """
        CREATE INDEX suite_run_by_peak
            ON suite_run (machine_id, (strpos(machine_state, '"device_peaks":[{') > 0), started_at)
        """,
        // Given out before a window is written, so that one which is sent twice is known again.
        "CREATE SEQUENCE run_id",
        """
        CREATE TABLE run (
            id bigint PRIMARY KEY,
            suite_run_id bigint NOT NULL REFERENCES suite_run ON DELETE CASCADE,
            stage text NOT NULL,
            status text NOT NULL,
            "repeat" bigint,
            task text,
            plugin text,
            plugin_version text,
            model text,
            dataset text,
            size text,
            device text,
            "precision" text,
            batch bigint,
            engine text,
            model_sha256 text,
            program_sha256 text,
            parameter_count bigint,
            operations_per_inference double precision,
            seed bigint,
            -- A JSON object.
            parameters text,
            started_at double precision NOT NULL,
            duration_ns bigint NOT NULL,
            completed bigint NOT NULL,
            failed bigint NOT NULL,
            scope text NOT NULL,
            provenance text NOT NULL,
            energy_uj bigint NOT NULL,
            uncertainty_uj bigint NOT NULL,
            accuracy_uj bigint NOT NULL,
            common_uj bigint NOT NULL,
            scaled_uj bigint,
            coverage double precision NOT NULL,
            energy_flags text NOT NULL,
            domain_ids text NOT NULL,
            other_scopes bigint NOT NULL,
            interval_s double precision,
            jitter double precision,
            idle_power_uw bigint,
            idle_uncertainty_uw bigint,
            idle_degrees_of_freedom double precision,
            idle_rounding_uw bigint,
            latency_mean_s double precision,
            latency_median_s double precision,
            latency_p95_s double precision,
            latency_min_s double precision,
            latency_max_s double precision,
            metrics text,
            other_cpu_share double precision,
            steal_share double precision,
            flags text NOT NULL,
            error text,
            -- Of what follows from the rest, made with the sums: the row of result_group; the figures that a mean has of it, NULL
            -- where it is in none; whether it holds what cannot be.
            group_id bigint,
            kwh_per_1000 double precision,
            net_kwh_per_1000 double precision,
            is_damaged boolean NOT NULL DEFAULT false
        )
        """,
        "CREATE INDEX run_by_suite_run ON run (suite_run_id, id)",
        "CREATE INDEX run_by_group ON run (group_id, id) WHERE group_id IS NOT NULL",
        "CREATE INDEX run_damaged ON run (suite_run_id) WHERE is_damaged",
        """
        CREATE TABLE run_record (
            run_id bigint PRIMARY KEY REFERENCES run ON DELETE CASCADE,
            procedure text,
            machine_before text,
            machine_after text,
            -- Word for word.
            record json NOT NULL
        )
        """,
        """
        CREATE TABLE domain_energy (
            run_id bigint NOT NULL REFERENCES run ON DELETE CASCADE,
            meter text NOT NULL,
            position bigint NOT NULL,
            name text,
            scope text,
            kind text,
            provenance text,
            energy_uj bigint,
            uncertainty_uj bigint,
            accuracy_uj bigint,
            common_uj bigint,
            coverage double precision,
            flags text,
            in_total boolean,
            PRIMARY KEY (run_id, position)
        )
        """,
        """
        CREATE TABLE scope_energy (
            run_id bigint NOT NULL REFERENCES run ON DELETE CASCADE,
            position bigint NOT NULL,
            scope text,
            provenance text,
            energy_uj bigint,
            uncertainty_uj bigint,
            accuracy_uj bigint,
            common_uj bigint,
            scaled_uj bigint,
            coverage double precision,
            flags text,
            domain_ids text,
            PRIMARY KEY (run_id, position)
        )
        """,
    ]

    /// As those of `Schema`, and of the same bytes. What brings them up to date are the transactions that write, and no triggers.
    private static let sums = [
        """
        CREATE TABLE result_group (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            key text NOT NULL,
            file_key text NOT NULL,
            task text NOT NULL,
            source text NOT NULL,
            scope text NOT NULL,
            provenance text NOT NULL,
            plugin text NOT NULL,
            model text,
            dataset text,
            size text,
            device text,
            "precision" text,
            batch bigint NOT NULL,
            engine text,
            suite text NOT NULL,
            label text,
            fingerprint text NOT NULL,
            settings text NOT NULL,
            meters text NOT NULL,
            accuracies text NOT NULL,
            program_sha256 text,
            model_sha256 text
        )
        """,
        "CREATE INDEX result_group_by_machine ON result_group (fingerprint)",
        "CREATE TABLE sum_name (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL)",
        """
        CREATE TABLE summed_session (
            suite_run_id bigint PRIMARY KEY REFERENCES suite_run ON DELETE CASCADE,
            day bigint,
            first_at double precision,
            last_at double precision,
            contended boolean NOT NULL DEFAULT false,
            drifted boolean NOT NULL DEFAULT false,
            autocorrelated boolean NOT NULL DEFAULT false,
            baseline_s double precision,
            baseline_degrees double precision
        )
        """,
        "CREATE INDEX summed_session_by_time ON summed_session (first_at, last_at)",
        "CREATE INDEX summed_session_by_day ON summed_session (day)",
        """
        CREATE INDEX summed_session_flagged ON summed_session (suite_run_id)
            WHERE contended OR drifted OR autocorrelated
        """,
        """
        CREATE TABLE session_sums (
            suite_run_id bigint NOT NULL REFERENCES suite_run ON DELETE CASCADE,
            net bigint NOT NULL,
            group_id bigint NOT NULL,
            day bigint NOT NULL,
            sums bytea NOT NULL,
            PRIMARY KEY (suite_run_id, net, group_id)
        )
        """,
        "CREATE INDEX session_sums_by_day ON session_sums (group_id, net, day)",
        """
        CREATE TABLE period_sums (
            level bigint NOT NULL,
            net bigint NOT NULL,
            period bigint NOT NULL,
            group_id bigint NOT NULL,
            sums bytea NOT NULL,
            PRIMARY KEY (level, net, period, group_id)
        ) WITH (fillfactor = 70)
        """,
        // Sessions whose sums have to be made anew.
        "CREATE TABLE stale_session (suite_run_id bigint PRIMARY KEY REFERENCES suite_run ON DELETE CASCADE)",
    ]

    /// Whether a session has a run in a mean, gross and net: to look it up among the sums of a hundred thousand sessions takes seconds.
    private static let measured = [
        """
        ALTER TABLE summed_session ADD COLUMN is_measured boolean NOT NULL DEFAULT false,
            ADD COLUMN is_net_measured boolean NOT NULL DEFAULT false
        """,
        """
        UPDATE summed_session z SET is_measured = s.gross, is_net_measured = s.net
        FROM (
            SELECT suite_run_id, bool_or(net = 0) AS gross, bool_or(net = 1) AS net FROM session_sums
            WHERE \(isMeasured("sums")) GROUP BY suite_run_id
        ) s WHERE s.suite_run_id = z.suite_run_id
        """,
        // Read without the sums themselves, of which there are gigabytes.
        """
        CREATE INDEX session_sums_measured ON session_sums (net, group_id, suite_run_id) WHERE \(isMeasured("sums"))
        """,
    ]

    /// Whether sums have a run in a mean: the number of runs is the fourth of their numbers.
    static func isMeasured(_ sums: String) -> String {
        "substring(\(sums) FROM 25 FOR 8) <> '\\x0000000000000000'::bytea"
    }

    /// For those who use SQL or Grafana: in the units that people use, and with times that they read.
    private static let views = [
        """
        CREATE VIEW machines AS
        SELECT machine.name AS machine, machine.fingerprint, machine.processor,
            to_timestamp(machine.first_seen) AS first_seen, to_timestamp(latest.started_at) AS latest_suite,
            latest.suites
        FROM machine LEFT JOIN LATERAL (
            SELECT max(started_at) AS started_at, count(*) AS suites FROM suite_run WHERE machine_id = machine.id
        ) latest ON true
        """,
        """
        CREATE VIEW suites AS
        SELECT suite_run.uuid AS suite_run, suite_run.suite, machine.name AS machine, machine.fingerprint,
            to_timestamp(suite_run.started_at) AS started, to_timestamp(suite_run.ended_at) AS ended,
            suite_run.status, suite_run.error, suite_run.label, suite_run.source, suite_run.taskwatt_version
        FROM suite_run JOIN machine ON machine.id = suite_run.machine_id
        """,
        """
        CREATE VIEW windows AS
        SELECT run.id AS "window", suite_run.uuid AS suite_run, suite_run.suite, machine.name AS machine,
            machine.fingerprint, suite_run.label, run.stage, run.status, run."repeat", run.task, run.plugin, run.model,
            run.dataset, run.size, run.device, run."precision", run.batch, run.engine,
            to_timestamp(run.started_at) AS started, run.duration_ns / 1e9::double precision AS duration_s,
            run.completed, run.failed, run.scope, run.provenance, run.energy_uj / 1e6::double precision AS energy_j,
            run.uncertainty_uj / 1e6::double precision AS uncertainty_j, run.coverage,
            run.idle_power_uw / 1e6::double precision AS idle_power_w, run.latency_mean_s, run.kwh_per_1000,
            run.net_kwh_per_1000, run.flags, run.error
        FROM run JOIN suite_run ON suite_run.id = run.suite_run_id JOIN machine ON machine.id = suite_run.machine_id
        """,
        // A window that the table leaves out has no figure, and is in no row here.
        """
        CREATE VIEW results AS
        SELECT suite_run.uuid AS suite_run, suite_run.suite, machine.name AS machine, machine.fingerprint,
            suite_run.label, to_timestamp(min(run.started_at)) AS started, run.task, run.plugin, run.model, run.dataset,
            run.size, run.device, run."precision", run.batch, run.engine, run.scope, run.provenance, count(*) AS n,
            avg(run.kwh_per_1000) AS kwh_per_1000, stddev_samp(run.kwh_per_1000) AS standard_deviation,
            avg(run.net_kwh_per_1000) AS net_kwh_per_1000, sum(run.completed) AS inferences,
            sum(run.energy_uj) / 1e6::double precision AS energy_j, min(run.coverage) AS coverage
        FROM run JOIN suite_run ON suite_run.id = run.suite_run_id JOIN machine ON machine.id = suite_run.machine_id
        WHERE run.kwh_per_1000 IS NOT NULL
        GROUP BY suite_run.id, machine.id, run.task, run.plugin, run.model, run.dataset, run.size, run.device,
            run."precision", run.batch, run.engine, run.scope, run.provenance
        """,
    ]

    /// What a role that reads may do: everything there is is shown to `taskwatt_reader`, which those who read are granted. The role is made
    /// where whoever migrates may make one; roles are of all databases of a server, so it may be there.
    static let grants = [
        """
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'taskwatt_reader')
                AND (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user)
            THEN
                CREATE ROLE taskwatt_reader NOLOGIN;
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """,
        """
        DO $$ BEGIN
            IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'taskwatt_reader') THEN
                GRANT USAGE ON SCHEMA taskwatt TO taskwatt_reader;
                GRANT SELECT ON ALL TABLES IN SCHEMA taskwatt TO taskwatt_reader;
            END IF;
        END $$
        """,
    ]
}
