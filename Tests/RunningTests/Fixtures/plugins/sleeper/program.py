#!/usr/bin/env python3
import json, sys, time


def send(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


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


for line in sys.stdin:
    call = json.loads(line)
    method, params, result = call["method"], call["params"], {}
    if method == "initialize":
        seconds = params["parameters"]["milliseconds"] / 1000
        result = {"protocol_version": 1, "workload": {"model": "nap", "engine": "time.sleep"}}
    elif method == "run":
        result = run(params, seconds)
    send({"id": call["id"], "result": result})
    if method == "shutdown":
        break
