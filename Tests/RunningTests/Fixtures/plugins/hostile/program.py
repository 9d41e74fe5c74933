#!/usr/bin/env -S python3 -IS
"""A plugin that speaks the protocol well until it misbehaves in the way that its first argument names.

The second argument is a mark, by which the test finds what is left of it in /proc/*/cmdline.
"""

import json
import os
import signal
import sys
import time

behaviour = sys.argv[1]
inferences = 0
begun = 0
hoard = []
initialized = []
batches = {"bad-batch": {"batch": 0}, "batch": {"batch": 4}, "batch-short": {"batch": 4}, "batch-latencies": {"batch": 4}}


def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answer(call, result):
    send({"id": call["id"], "result": result})


runs = []


def hang():
    while True:
        time.sleep(1)


def ignore_termination():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def run_result(count, **changes):
    now = time.monotonic()
    result = {"completed": count, "failed": 0, "start_monotonic_s": begun, "end_monotonic_s": now,
              "latencies_s": [0.001] * count}
    result.update(changes)
    return result


def child(leave=lambda: None, then_parent=lambda: None):
    """Forks a grandchild of the host that ignores signals and holds the pipes."""
    if os.fork() == 0:
        leave()
        ignore_termination()
        hang()
    then_parent()


def drop_environment():
    os.setsid()
    os.execve(sys.executable, [sys.executable, "-c", "import time; time.sleep(3600)", sys.argv[2]], {})


def orphan():
    """A grandchild whose parent has ended."""
    if os.fork() == 0:
        if os.fork() == 0:
            ignore_termination()
            hang()
        os._exit(0)
    os.wait()


def crash_by_signal():
    os.kill(os.getpid(), signal.SIGSEGV)
    hang()


def die(status, words="the weights are gone"):
    sys.stderr.write(words + "\n")
    sys.stderr.flush()
    os._exit(status)


def log(word):
    """Into a file beside the cache, which the test reads."""
    with open("calls.log", "a") as file:
        file.write(word + "\n")


def initialize(call):
    if behaviour == "crash-initialize":
        die(3)
    if behaviour == "exit-zero":
        os._exit(0)
    if behaviour == "hang-initialize":
        hang()
    if behaviour == "garbage":
        print("Loading weights, please wait", flush=True)
    if behaviour == "binary":
        os.write(1, bytes(range(128, 256)) + b"\x1b[31m\n")
    if behaviour == "refuse":
        return send({"id": call["id"], "error": {
            "code": 1, "message": "there is no\nengine here", "data": {"remedy": "apt install engine"}}})
    if behaviour == "once" and initialized:
        return send({"id": call["id"], "error": {"code": 2, "message": "once is enough"}})
    if behaviour == "strict" and "no_such_parameter" in call["params"]["parameters"]:
        die(6)
    initialized.append(True)
    if behaviour == "refuse-and-exit":
        send({"id": call["id"], "error": {"code": 1, "message": "no engine"}})
        os._exit(1)
    if behaviour == "stderr-flood":
        line = b"a chatty engine says nothing at all, again and again\n" * 20_000
        for _ in range(110):
            os.write(2, line)
        os.write(2, b"y" * (20 << 20) + b"\n")
    version = 99 if behaviour == "wrong-version" else 1
    if behaviour == "parrot":
        version = call["params"]["protocol_version"]
    workload = {"engine": "hostile 1", **batches.get(behaviour, {})}
    if behaviour == "cpus":
        workload["engine"] = f"on {len(os.sched_getaffinity(0))} CPUs"
    if behaviour == "dataset":
        workload["engine"] = f"data {call['params']['parameters'].get('dataset')}"
    if behaviour == "log":
        log("initialize")
    answer(call, {"protocol_version": version, "workload": workload})


def hold(mebibytes):
    """Memory that is really there."""
    hoard.append(bytearray(os.urandom(1 << 20)) * mebibytes)


def prepare(call):
    if behaviour == "hoard":
        hold(300)
        time.sleep(3600)
    if behaviour == "hoard-in-child":
        child(leave=lambda: hold(300))
        time.sleep(3600)
    if behaviour == "log":
        log("prepare")
    if behaviour == "crash-prepare":
        crash_by_signal()
    if behaviour == "hang-prepare":
        hang()
    if behaviour == "null-result":
        return answer(call, None)
    children = {
        "child": lambda: child(),
        "orphan": orphan,
        "own-group": lambda: child(leave=lambda: os.setpgid(0, 0)),
        "daemon": lambda: child(leave=os.setsid),
        "escape": lambda: child(leave=drop_environment),
        "child-then-crash": lambda: child(then_parent=lambda: (time.sleep(0.1), die(5))),
    }
    children.get(behaviour, lambda: None)()
    answer(call, {})


def run(call):
    global inferences, begun
    begun = time.monotonic()
    inferences += 1
    count = call["params"].get("count", 1)
    if behaviour == "crash-run":
        die(4)
    if behaviour == "crash-late" and inferences == 4:  # The warm-up is 1, so two repeats are done.
        die(4)
    if behaviour == "hang-run":
        hang()
    if behaviour == "ignore-termination":
        ignore_termination()
        child()
        hang()
    if behaviour == "fail-always" or (behaviour == "fail-first" and not runs):
        runs.append(count)
        return send({"id": call["id"], "error": {"code": 2, "message": "no memory for it"}})
    if behaviour == "count-first" and not runs:
        runs.append(count)
        return answer(call, run_result(count, completed=0, failed=count, latencies_s=None))
    if behaviour == "wrong-id":
        return send({"id": call["id"] + 7, "result": run_result(count)})
    if behaviour == "no-version":
        sys.stdout.write(json.dumps({"id": call["id"], "result": run_result(count)}) + "\n")
        return sys.stdout.flush()
    if behaviour == "other-method":
        return send({"method": "log", "params": {}})
    if behaviour == "wrong-shape":
        return answer(call, {"completed": "many", "failed": 0, "start_monotonic_s": 0, "end_monotonic_s": 1})
    if behaviour == "missing-key":
        return answer(call, {"completed": count})
    if behaviour == "huge-line":
        for _ in range(200):
            os.write(1, b"x" * (1 << 20))
        hang()
    if behaviour == "close-output":
        os.close(1)
        hang()
    if behaviour == "close-input":
        os.close(0)  # Before the answer, so that the next request finds it closed.
        answer(call, run_result(count))
        hang()
    if behaviour == "odd-progress":
        send({"method": "progress", "params": {"completed": "many"}})
    if behaviour == "some-fail" and count > 1:
        send({"method": "progress", "params": {"message": f"{count // 2} of {count} failed:\nno memory"}})
    if behaviour == "stall":
        send({"method": "progress", "params": {"completed": 1, "total": count}})
        while True:
            time.sleep(0.1)
            send({"method": "progress", "params": {"completed": 1, "total": count}})
    changes = {
        "negative-count": {"completed": -5},
        "negative-failed": {"failed": -1},
        "zero-count": {"completed": 0, "latencies_s": []},
        "overflow-count": {"completed": (1 << 63) - 1, "failed": (1 << 63) - 1},
        "all-fail": {"completed": 0, "failed": count, "latencies_s": None},
        "too-many": {"completed": count + 1, "latencies_s": None},
        "nan-latency": {"latencies_s": [float("nan")] * count},
        "negative-latency": {"latencies_s": [-1.0] * count},
        "missing-latencies": {"latencies_s": []},
        "long-latency": {"latencies_s": [1000.0] * count},
        "error-in-result": {"error": "no memory for it"},
        "empty-error": {"error": {"code": 0, "message": ""}},
        "elsewhen": {"start_monotonic_s": time.time(), "end_monotonic_s": time.time()},
        "backwards": {"start_monotonic_s": 2, "end_monotonic_s": 1},
        "metrics": {"metrics": {"output_tokens": 10 * count}},
        "bad-metrics": {"metrics": {"Tokens": 1}},
        "some-fail": {"completed": count - count // 2, "failed": count // 2, "latencies_s": None},
    }
    if behaviour in batches and behaviour != "batch-short":
        count = -(-count // 4) * 4
        latencies = count if behaviour == "batch-latencies" else count // 4
        changes = {behaviour: {"latencies_s": [0.001] * latencies}}
    if behaviour == "slow":
        for done in range(count):
            time.sleep(0.05)
            send({"method": "progress", "params": {"completed": done, "total": count}})
    answer(call, run_result(count, **changes.get(behaviour, {})))


def shutdown(call):
    answer(call, {})
    if behaviour != "stay":
        sys.exit(0)
    ignore_termination()
    hang()


if behaviour == "ignore-input":
    hang()
for text in iter(sys.stdin.readline, ""):
    request = json.loads(text)
    {"initialize": initialize, "prepare": prepare, "run": run, "shutdown": shutdown}[request["method"]](request)
if behaviour == "deaf-to-end":
    hang()
