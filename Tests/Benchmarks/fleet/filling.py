"""A record of many machines in PostgreSQL, made of one suite that is there.

The program makes the sums of some machines, of which all others are copies: a copy's windows have other numbers, suites, groups and
machines, and its sums differ from those of the original in the numbers of the first and the last window and in the set of sessions alone,
whatever the times that they are of.
"""
import json
import time

DAY = 86_400
BEGIN = 1_700_006_400  # A midnight in UTC.
YEAR = 365
# Of each model in a suite.
REPEATS = 8
# So many machines of each class are measured; the others of it are copies of these.
MODELS = 2
PROCESSORS = (
    ("AMD EPYC 7763 64-Core Processor", 2, 64), ("AMD EPYC 9654 96-Core Processor", 2, 96), ("AMD EPYC 7302 16-Core Processor", 1, 16),
    ("Intel(R) Xeon(R) Platinum 8480+", 2, 56), ("Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz", 2, 32))
CARDS = (
    (0, ""), (4, "NVIDIA Corporation GA100 [A100 SXM4 80GB]"), (8, "NVIDIA Corporation GH100 [H100 SXM5 80GB]"),
    (2, "Advanced Micro Devices, Inc. [AMD/ATI] Aldebaran/MI200 [Instinct MI210]"))
CLASSES = len(PROCESSORS) * len(CARDS)
# The levels of periods of 4ⁿ days, and that of all time.
LEVELS, WHOLE = range(6), 6
MASK = (1 << 64) - 1


def hashed(data, value=0xCBF29CE484222325):
    """FNV-1a."""
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def session_number(uuid):
    """As `RunSums.number(of:)`: by which a set of sessions is known."""
    value = hashed(uuid.encode())
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & MASK
    return value ^ value >> 31


def signed(value):
    value &= MASK
    return value - (1 << 64) if value >> 63 else value


def period(level, day):
    return 0 if level == WHOLE else day >> 2 * level


def uuid_of(session, machine):
    return f"{session:08x}-0000-4000-8000-{machine:012x}"


def inventory(base, number):
    """Of a class: the real machine's, with another processor and other cards."""
    model, sockets, cores = PROCESSORS[number % len(PROCESSORS)]
    count, card = CARDS[number // len(PROCESSORS)]
    value = json.loads(base)
    value["cpu"] |= {"model": model, "sockets": sockets, "cores": sockets * cores, "threads": 2 * sockets * cores}
    value["installed_memory_bytes"] = (256 << count // 4) << 30
    value.pop("hypervisor", None)
    value["accelerators"] = [
        {"class": "gpu", "name": card, "vendor_id": 4318, "device_id": 8370 + count, "address": f"0000:{slot + 1:02x}:00.0"}
        for slot in range(count)]
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def machines(base, count):
    """Name, fingerprint, inventory and processor of each."""
    texts = [inventory(base, number) for number in range(CLASSES)]
    for number in range(count):
        text, more = texts[number % CLASSES], 0
        while True:
            name = f"node{number:05}" + (f"-{more}" if more else "")
            fingerprint = f"{hashed((name + text).encode()):x}"
            # Those of all are of one length, which keys of groups tell.
            if len(fingerprint) == 16:
                break
            more += 1
        yield name, fingerprint, text, PROCESSORS[number % len(PROCESSORS)][0]


class Shape:
    """How many of each make about so many windows."""

    def __init__(self, windows, machines, tasks, idle):
        self.machines, self.groups = machines, 2 * tasks
        # The windows of a suite.
        self.each = idle + self.groups * REPEATS
        self.idle = idle
        self.sessions = max(1, -(-windows // (machines * self.each)))
        self.step = max(1, YEAR // self.sessions)
        # Of which the others are copies.
        self.originals = min(machines, MODELS * CLASSES)
        self.windows = self.sessions * machines * self.each

    def day(self, session):
        return BEGIN // DAY + session * self.step


# Words of 64 bits, as sums are made of; the bytes that a copy has otherwise are the first and last run, and the set of sessions.
FUNCTIONS = """
CREATE FUNCTION seed.word(number bigint) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT substring(b FROM 8 FOR 1) || substring(b FROM 7 FOR 1) || substring(b FROM 6 FOR 1) || substring(b FROM 5 FOR 1)
        || substring(b FROM 4 FOR 1) || substring(b FROM 3 FOR 1) || substring(b FROM 2 FOR 1) || substring(b FROM 1 FOR 1)
    FROM int8send(number) AS b $$;
CREATE FUNCTION seed.number(bytes bytea, place int) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT sum(get_byte(bytes, place + i)::bigint << 8 * i)::bigint FROM generate_series(0, 6) i $$;
CREATE FUNCTION seed.copied(sums bytea, first bigint, last bigint, sessions bigint) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT overlay(overlay(sums PLACING seed.word(first) || seed.word(last) FROM 9) PLACING seed.word(sessions) FROM 153) $$;
"""


class Filling:
    """Fills the record of one suite; `ask` carries out SQL, and `settle` has the program make the sums of what is marked."""

    def __init__(self, ask, load, settle, say):
        self.ask, self.load, self.settle, self.say = ask, load, settle, say

    def columns(self, table):
        return [f'"{name}"' for name in self.ask(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'taskwatt' "
            f"AND table_name = '{table}' ORDER BY ordinal_position").split()]

    def fill(self, windows, machines_count):
        base = self.prepare()
        tasks, idle = (int(text) for text in self.ask(
            "SELECT (SELECT count(*) FROM seed.query), (SELECT count(*) FROM seed.run WHERE stage IN ('idle', 'idle-after'))").split())
        shape = Shape(windows, machines_count, tasks, idle)
        self.tables = {name: self.columns(name) for name in ("machine", "meter", "suite_run", "run", "run_record", "domain_energy",
                                                             "summed_session", "session_sums", "period_sums", "result_group")}
        begin = time.monotonic()
        self.add_machines(base, shape)
        self.add_originals(shape)
        made = shape.originals * shape.sessions * shape.each
        self.say(f"{made} windows of {shape.originals} machines written in {time.monotonic() - begin:.0f} s")
        begin = time.monotonic()
        self.settle()
        self.say(f"their sums made by the program in {time.monotonic() - begin:.0f} s")
        begin = time.monotonic()
        if shape.machines > shape.originals:
            self.copy(shape)
        self.finish()
        self.say(f"{shape.windows - made} more windows in copies of these machines in {time.monotonic() - begin:.0f} s")
        return shape

    def prepare(self):
        """What there is of the real suite is put aside, and the record is empty again. Returns the machine's inventory."""
        self.ask(
            "CREATE SCHEMA seed", FUNCTIONS,
            "CREATE TABLE seed.suite_run AS SELECT * FROM suite_run WHERE id = (SELECT suite_run_id FROM run WHERE stage = 'query' "
            "AND status = 'completed' AND completed > 0 AND coverage > 0.99 ORDER BY id LIMIT 1)",
            "CREATE TABLE seed.run AS SELECT * FROM run WHERE suite_run_id = (SELECT id FROM seed.suite_run) AND "
            "(stage IN ('idle', 'idle-after') OR stage = 'query' AND status = 'completed' AND completed > 0 AND coverage > 0.99)",
            "CREATE TABLE seed.run_record AS SELECT * FROM run_record WHERE run_id IN (SELECT id FROM seed.run)",
            "CREATE TABLE seed.domain_energy AS SELECT * FROM domain_energy WHERE run_id IN (SELECT id FROM seed.run)",
            "CREATE TABLE seed.meter AS SELECT * FROM meter WHERE machine_id = (SELECT machine_id FROM seed.suite_run)",
            # What no question here reads is left out, so that there is room: a document has some 2 kB, and a row 0.8.
            "UPDATE seed.run_record SET procedure = NULL, machine_before = NULL, machine_after = NULL, record = '{}'",
            # A workload each, by its number, with the windows that there are of it.
            "CREATE TABLE seed.query AS SELECT row_number() OVER (ORDER BY min(id)) - 1 AS number, array_agg(id ORDER BY id) AS runs "
            "FROM seed.run WHERE stage = 'query' GROUP BY task, model, dataset")
        base = self.ask("SELECT inventory FROM machine WHERE id = (SELECT machine_id FROM seed.suite_run)").rstrip("\n")
        self.ask("TRUNCATE machine, meter, import, suite_run, run, run_record, domain_energy, scope_energy, result_group, sum_name, "
                 "summed_session, session_sums, period_sums, stale_session RESTART IDENTITY CASCADE")
        return base

    def add_machines(self, base, shape):
        def escaped(text):
            return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
        self.load("taskwatt.machine (id, name, fingerprint, inventory, processor, first_seen)", (
            f"{number + 1}\t{name}\t{fingerprint}\t{escaped(text)}\t{processor}\t{BEGIN}\n"
            for number, (name, fingerprint, text, processor) in enumerate(machines(base, shape.machines))))
        self.ask("CREATE TABLE seed.suite (session bigint, machine bigint, uuid text, number bigint)",
                 "CREATE TABLE seed.sessions (level bigint, period bigint, machine bigint, number bigint)")
        # By session and machine, as they would come.
        numbers = [[session_number(uuid_of(session, machine)) for machine in range(shape.machines)] for session in range(shape.sessions)]
        self.load("seed.suite", (
            f"{session}\t{machine}\t{uuid_of(session, machine)}\t{signed(number)}\n"
            for session, all_of in enumerate(numbers) for machine, number in enumerate(all_of)))
        sets = {}
        for session, all_of in enumerate(numbers):
            for level in (*LEVELS, WHOLE):
                place = sets.setdefault((level, period(level, shape.day(session))), [0] * shape.machines)
                for machine, number in enumerate(all_of):
                    place[machine] += number
        self.load("seed.sessions", (
            f"{level}\t{of}\t{machine}\t{signed(number)}\n"
            for (level, of), all_of in sets.items() for machine, number in enumerate(all_of)))
        self.ask("INSERT INTO meter (machine_id, name, description) SELECT m.id, s.name, s.description "
                 "FROM machine m CROSS JOIN seed.meter s ORDER BY m.id, s.id",
                 "CREATE INDEX ON seed.suite (session, machine)", "CREATE UNIQUE INDEX ON seed.sessions (level, period, machine)",
                 "ANALYZE seed.suite", "ANALYZE seed.sessions")

    def insert(self, table, source, **values):
        """SQL that makes rows of a table like those of `old`, but for these values."""
        columns = [name for name in self.tables[table] if values.get(name.strip('"'), "") is not None]
        chosen = ", ".join(values.get(name.strip('"')) or f"old.{name}" for name in columns)
        return f"INSERT INTO {table} ({', '.join(columns)}) OVERRIDING SYSTEM VALUE SELECT {chosen} FROM {source}"

    def add_originals(self, shape):
        """Their windows, as they would have come: in the order of time, and all of a suite one after the other."""
        many, each = shape.machines, shape.each
        number = f"((s * {many} + m) * {each}::bigint + w.k + 1)"
        chance = "((s * 7919 + m * 104729 + w.k * 1299709) % 1000 - 500) / 25000.0"
        factor = f"(1 + m % {CLASSES} * 0.1) * (1 + m / {CLASSES} * 0.01) * (1 + {chance})"
        loops = f"generate_series(0, {shape.sessions - 1}) s CROSS JOIN generate_series(0, {shape.originals - 1}) m"
        started = f"{BEGIN} + s * {shape.step * DAY} + m % 20 * 3600"
        self.ask(
            "CREATE TABLE seed.window AS "
            f"SELECT row_number() OVER (ORDER BY id) - 1 AS k, id AS run, NULL::bigint AS \"repeat\", '' AS model FROM seed.run "
            "WHERE stage <> 'query' UNION ALL "
            f"SELECT {shape.idle} + (q.number * 2 + v) * {REPEATS} + r, q.runs[1 + r % cardinality(q.runs)], r, "
            f"CASE v WHEN 1 THEN '-large' ELSE '' END FROM seed.query q, generate_series(0, 1) v, generate_series(0, {REPEATS - 1}) r",
            self.insert("suite_run", f"{loops} CROSS JOIN seed.suite_run old JOIN seed.suite u ON u.session = s AND u.machine = m "
                        "ORDER BY s, m", id=f"s * {many} + m + 1", uuid="u.uuid", machine_id="m + 1", started_at=started,
                        ended_at=f"{started} + {each * 12}", import_id="NULL::bigint"),
            self.insert("run", f"{loops} CROSS JOIN seed.window w JOIN seed.run old ON old.id = w.run ORDER BY s, m, w.k", id=number,
                        suite_run_id=f"s * {many} + m + 1", repeat="w.\"repeat\"", model="old.model || w.model",
                        started_at=f"{started} + w.k * 12", energy_uj=f"(old.energy_uj * {factor})::bigint",
                        # A meter's accuracy is a share of the energy.
                        accuracy_uj=f"(old.accuracy_uj * {factor})::bigint", scaled_uj="NULL::bigint", other_scopes="0",
                        group_id="NULL::bigint", kwh_per_1000="NULL::double precision", net_kwh_per_1000="NULL::double precision"),
            self.insert("run_record", f"{loops} CROSS JOIN seed.window w JOIN seed.run_record old ON old.run_id = w.run "
                        "ORDER BY s, m, w.k", run_id=number),
            self.insert("domain_energy", f"{loops} CROSS JOIN seed.window w JOIN seed.domain_energy old ON old.run_id = w.run "
                        "ORDER BY s, m, w.k, old.position", run_id=number, energy_uj=f"(old.energy_uj * {factor})::bigint",
                        accuracy_uj=f"(old.accuracy_uj * {factor})::bigint"),
            "INSERT INTO stale_session SELECT id FROM suite_run ORDER BY id",
            f"SELECT setval('run_id', {shape.windows})",
            f"SELECT setval(pg_get_serial_sequence('suite_run', 'id'), {shape.sessions * many})",
            f"SELECT setval(pg_get_serial_sequence('machine', 'id'), {many})",
            *(f"ANALYZE {name}" for name in self.tables))

    def copy(self, shape):
        """Machine m + n × originals is a copy of machine m."""
        many, each, originals = shape.machines, shape.each, shape.originals
        groups = int(self.ask("SELECT max(id) FROM result_group"))
        copies = f"generate_series(1, {(many - 1) // originals}) n"
        # So much is added to the numbers of the original.
        run, suite, group = f"n * {originals * each}::bigint", f"n * {originals}", f"n * {groups}"
        dropped = self.ask("SELECT indexdef FROM pg_indexes WHERE schemaname = 'taskwatt' AND indexname IN "
                           "('run_by_group', 'session_sums_by_day')").splitlines()
        # What the rows refer to is there, and is not looked up ten million times.
        unchecked = "SET session_replication_role = replica"
        self.ask("DROP INDEX run_by_group", "DROP INDEX session_sums_by_day")
        fingerprints = "JOIN machine a ON a.fingerprint = old.fingerprint JOIN machine b ON b.id = a.id + " + suite
        exchanged = {name: f"replace(old.{name}, '16:' || a.fingerprint, '16:' || b.fingerprint)" for name in ("key", "file_key")}
        self.ask(unchecked, self.insert("result_group", f"result_group old CROSS JOIN {copies} {fingerprints} ORDER BY n, old.id",
                                        id=f"old.id + {group}", fingerprint="b.fingerprint", **exchanged))
        self.ask("SELECT setval(pg_get_serial_sequence('result_group', 'id'), max(id)) FROM result_group")
        for session in range(shape.sessions):
            first = session * many
            suites = f"BETWEEN {first + 1} AND {first + originals}"
            runs = f"BETWEEN {first * each + 1} AND {(first + originals) * each}"
            last = f"AND old.id + {suite} <= {first + many}"
            last_suite = last.replace("old.id", "old.suite_run_id")
            last_run = f"AND old.run_id + {run} <= {(first + many) * each}"
            number = f"JOIN seed.suite u ON u.session = {session} AND u.machine = old.{{}} + {suite} - {first + 1}"
            self.ask(
                unchecked,
                self.insert("suite_run", f"suite_run old CROSS JOIN {copies} {number.format('id')} WHERE old.id {suites} {last} "
                            "ORDER BY n, old.id", id=f"old.id + {suite}", uuid="u.uuid", machine_id=f"old.machine_id + {suite}"),
                self.insert("run", f"run old CROSS JOIN {copies} WHERE old.id {runs} {last_suite} ORDER BY n, old.id",
                            id=f"old.id + {run}", suite_run_id=f"old.suite_run_id + {suite}", group_id=f"old.group_id + {group}"),
                *(self.insert(name, f"{name} old CROSS JOIN {copies} WHERE old.run_id {runs} {last_run} ORDER BY n, old.run_id",
                              run_id=f"old.run_id + {run}") for name in ("run_record", "domain_energy")),
                self.insert("summed_session", f"summed_session old CROSS JOIN {copies} WHERE old.suite_run_id {suites} {last_suite} "
                            "ORDER BY n, old.suite_run_id", suite_run_id=f"old.suite_run_id + {suite}"),
                self.insert("session_sums", f"session_sums old CROSS JOIN {copies} {number.format('suite_run_id')} WHERE "
                            f"old.suite_run_id {suites} {last_suite} ORDER BY n, old.suite_run_id, old.group_id",
                            suite_run_id=f"old.suite_run_id + {suite}", group_id=f"old.group_id + {group}",
                            sums=f"seed.copied(old.sums, seed.number(old.sums, 8) + {run}, seed.number(old.sums, 16) + {run}, u.number)"))
        self.ask("CREATE TABLE seed.groups AS SELECT g.id, m.id AS machine FROM result_group g JOIN machine m USING (fingerprint)",
                 "ALTER TABLE seed.groups ADD PRIMARY KEY (id)", "ANALYZE seed.groups",
                 "CREATE TABLE seed.period_sums AS SELECT *, seed.number(sums, 8) AS first, seed.number(sums, 16) AS last FROM period_sums",
                 "ANALYZE seed.period_sums")
        for level in (*LEVELS, WHOLE):
            self.ask(
                unchecked,
                self.insert("period_sums", f"seed.period_sums old CROSS JOIN {copies} JOIN seed.groups g ON g.id = old.group_id + {group} "
                            "JOIN seed.sessions u ON u.level = old.level AND u.period = old.period AND u.machine = g.machine - 1 "
                            f"WHERE old.level = {level} ORDER BY old.period, n, old.group_id, old.net", group_id=f"old.group_id + {group}",
                            sums=f"seed.copied(old.sums, old.first + {run}, old.last + {run}, u.number)"))
        self.ask(*dropped)

    def finish(self):
        self.ask("DROP SCHEMA seed CASCADE")
        self.ask("ANALYZE")
