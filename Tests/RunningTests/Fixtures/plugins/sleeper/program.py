#!/usr/bin/env python3
import json, sys, time


def send(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


class Refused(Exception):
    """A call that cannot be answered: a code and a message."""


def run(params, seconds):
    count, latencies = params.get("count"), []
    start = now = told = time.monotonic()
    deadline = start + params.get("duration_s", 0)
    while len(latencies) < count if count else now < deadline or not latencies:
        time.sleep(seconds)  # The inference.
        before, now = now, time.monotonic()
        latencies.append(now - before)
        if now - told > 0.2:
            told = now
            send({"method": "progress", "params": {"completed": len(latencies), "total": count}})
    return {"completed": len(latencies), "failed": 0, "start_monotonic_s": start,
            "end_monotonic_s": now, "latencies_s": latencies}


def answer(method, params):
    if method == "initialize":
        model.update(seconds=params["parameters"]["milliseconds"] / 1000, is_loaded=False)
        return {"protocol_version": 1, "workload": {"model": "nap", "engine": "time.sleep"}}
    if method == "prepare" and model:
        model["is_loaded"] = True
        return {}
    if method == "run" and model.get("is_loaded"):
        return run(params, model["seconds"])
    if method == "shutdown":
        return {}
    if method in ("prepare", "run"):
        raise Refused(-32600, f"`{method}` comes too early")
    raise Refused(-32601, f"there is no method `{method}`")


model = {}
for line in sys.stdin:
    call = {}
    try:
        call = json.loads(line)
        send({"id": call["id"], "result": answer(call["method"], call["params"])})
    except json.JSONDecodeError:
        send({"id": None, "error": {"code": -32700, "message": "the line is not JSON"}})
    except Refused as error:
        send({"id": call["id"], "error": {"code": error.args[0], "message": error.args[1]}})
    if call.get("method") == "shutdown":
        break
