"""A daemon that is killed at random moments, more than a hundred times in its share: what it told of is in the record, which is whole."""
import sqlite3
import time

from common import ENDLESS, Told, lost


def run(context):
    told, longest_start = [], 0.0
    while not context.is_over:
        start = time.monotonic()
        daemon = context.daemon()
        # One in eight dies while it starts.
        if context.random.random() < 0.125:
            time.sleep(context.random.random() * 0.3)
            daemon.kill()
            context.inputs += 1
            continue
        if not daemon.answers():
            return context.broke(
                "hang" if daemon.is_alive else "crash", f"after kill {context.inputs} the daemon does not start\n{daemon.tail()}",
                list(context.state.iterdir()))
        longest_start = max(longest_start, time.monotonic() - start)
        follower = Told(daemon, told)
        if not any(job["state"] in ("running", "queued") for job in daemon.jobs()):
            context.taskwatt(*ENDLESS)
        # In the idle baseline, the load, or the repeats, which take a tenth of a second each.
        time.sleep(context.random.choice((0.5, 1, 4)) * context.random.random())
        if not daemon.is_alive:
            context.broke("crash", f"the daemon ended by itself\n{daemon.tail()}")
        daemon.peak_kib
        daemon.kill()
        follower.join(10)
        context.inputs += 1
        end = time.monotonic() + 30
        while context.processes("plugin-program") and time.monotonic() < end:
            time.sleep(0.05)
        left = context.processes("plugin-program")
        if left:
            context.broke("other", f"kill {context.inputs} left the plugin's processes {left}")
    daemon = context.daemon()
    if not daemon.answers():
        return context.broke("crash", f"the daemon does not start at the end\n{daemon.tail()}", list(context.state.iterdir()))
    for job in daemon.jobs():
        daemon.ask("DELETE", f"/v1/jobs/{job['id']}")
    if not daemon.stop():
        context.broke("hang", "the daemon does not end by SIGTERM")
    database = sqlite3.connect(context.state / "taskwatt.sqlite")
    try:
        whole = [row[0] for row in database.execute("PRAGMA integrity_check")]
        if whole != ["ok"]:
            context.broke("other", "the record is not whole: " + "; ".join(whole), list(context.state.iterdir()))
        dangling = database.execute("PRAGMA foreign_key_check").fetchall()
        if dangling:
            context.broke("other", f"the record has rows that point nowhere: {dangling[:5]}", list(context.state.iterdir()))
        running = database.execute("SELECT uuid FROM suite_run WHERE status = 'running'").fetchall()
        if running:
            context.broke("other", f"{len(running)} suites are said to run still: {running[:5]}", list(context.state.iterdir()))
        missing = lost(told, database)
        for result in missing:
            context.broke("lost", f"a client was told of {result}, and the record does not have it", [context.state / "taskwatt.sqlite"])
    finally:
        database.close()
    if not told and context.inputs >= 20:
        context.broke("other", "nobody was told of any result: nothing was tried")
    context.note = f"{len(told)} results told of, longest start {longest_start:.1f} s"
