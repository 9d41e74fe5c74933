"""Where the collector's rows are: a file of SQLite, or a PostgreSQL server of the script's own."""
import os
import pathlib
import pwd
import shutil
import signal
import sqlite3
import subprocess
import time

# A busy machine fails nothing; what hangs is ended by that.
PATIENCE = float(os.environ.get("TASKWATT_TORTURE_PATIENCE", 600))


class Failure(Exception):
    """What must not be; `kind` tells one from another."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def asked(path, sql, damage=()):
    """Rows of an SQLite file, as they would be with the damage, which is not kept."""
    connection = sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=PATIENCE, isolation_level=None)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN")
        for statement in damage:
            if not connection.execute(statement).rowcount:
                raise Failure("script", f"there is nothing to damage: {statement}")
        return connection.execute(sql).fetchall()
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.close()


class SQLite:
    name = "sqlite"
    settings = {}

    def __init__(self, state):
        self.path = f"{state}/taskwatt.sqlite"

    def rows(self, sql, damage=()):
        return asked(self.path, sql, damage)

    # Twice the same window, which no rule of the database forbids.
    doubled = ("CREATE TEMP TABLE copied AS SELECT * FROM run LIMIT 1", "UPDATE copied SET id = 1 + (SELECT max(id) FROM run)",
               "INSERT INTO run SELECT * FROM copied")

    def samples(self):
        """How many samples each suite has."""
        return dict(self.rows("SELECT uuid, (SELECT count(*) FROM sample JOIN run ON run.id = run_id WHERE suite_run_id = suite_run.id)"
                              " FROM suite_run"))


class Postgres:
    name = "postgres"
    doubled = ("CREATE TEMP TABLE copied AS SELECT * FROM run LIMIT 1", "UPDATE copied SET id = nextval('run_id')",
               "INSERT INTO run SELECT * FROM copied")

    def __init__(self, server, database):
        self.server, self.database = server, database
        self.settings = {"record": f"host={server.directory} dbname={database} user=tester"}

    def rows(self, sql, damage=()):
        text = self.server.psql(self.database, "BEGIN", *damage, sql, "ROLLBACK")
        return [tuple(int(field) if field.isdigit() else field for field in line.split("\t")) for line in text.splitlines()]

    def samples(self):
        """There are none on a server: they stay in the bundles."""
        return None


class Server:
    """A PostgreSQL server on a Unix socket in a directory of its own, by a user who is not root."""
    # A process that is killed takes nothing with it that the system has been given: only a power cut needs fsync.
    settings = ("fsync=off", "shared_buffers=32MB")

    def __init__(self, directory):
        """`directory` is not there yet, and whoever owns it comes through to it."""
        self.programs = self.found()
        self.user = None
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(mode=0o700)
        if os.geteuid() == 0:
            self.user = next((name for name in ("postgres", "nobody") if self.is_there(name)), None)
            shutil.chown(self.directory, self.user)
        self.process = None
        self.run("initdb", "-D", self.directory / "data", "-A", "trust", "-U", "tester", "-N", "--locale=C", "-E", "UTF8")
        self.start()

    @staticmethod
    def is_there(name):
        try:
            return bool(pwd.getpwnam(name))
        except KeyError:
            return False

    @staticmethod
    def found():
        for directory in [*sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), pathlib.Path("/usr/bin")]:
            if all((directory / name).exists() for name in ("initdb", "postgres", "psql")):
                return directory
        raise Failure("script", "PostgreSQL's server is missing: `.ci/deps --test` installs it; or leave it out: --record sqlite")

    def options(self):
        return {"cwd": self.directory} | ({"user": self.user, "group": pwd.getpwnam(self.user).pw_gid, "extra_groups": []}
                                          if self.user else {})

    def run(self, program, *words):
        done = subprocess.run([self.programs / program, *words], text=True, capture_output=True, timeout=PATIENCE, **self.options())
        if done.returncode:
            raise Failure("script", f"{program} ends with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def start(self):
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.directory / "data", "-k", self.directory, "-c", "listen_addresses=",
                 *(word for setting in self.settings for word in ("-c", setting))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.options())
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.psql("postgres", "SELECT 1")
                return
            except Failure as failure:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise Failure("script", f"PostgreSQL does not start: {failure}; see {self.directory}/log")
                time.sleep(0.05)

    def kill(self):
        """What `pg_ctl stop -m immediate` does."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(PATIENCE)

    def psql(self, database, *statements, patience=PATIENCE, **more):
        words = [word for statement in statements for word in ("-c", statement)]
        done = subprocess.run(
            [self.programs / "psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", self.directory, "-U", "tester", "-d", database,
             *words], env=os.environ | {"PGOPTIONS": "-c search_path=taskwatt,pg_temp"}, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=patience, **more)
        if done.returncode:
            raise Failure("script", f"psql: {done.stderr.strip()}")
        return done.stdout

    def record(self, name):
        self.psql("postgres", f"CREATE DATABASE {name}")
        return Postgres(self, name)

    def end(self):
        if self.process and self.process.poll() is None:
            self.kill()
