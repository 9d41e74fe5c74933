#!/usr/bin/env python3
"""A workload plugin. The protocol is JSON-RPC 2.0, one message a line; see the README of taskwatt's plugin protocol."""
import inspect
import json
import os
import sys
import time
import traceback

# Standard output belongs to the protocol: what a library prints goes to standard error instead.
protocol = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
# The directory stays as it is, whose Python files are part of what is measured.
sys.dont_write_bytecode = True


class Problem(Exception):
    """An error for the user: code 1 if something is missing on this machine, 2 if the work failed."""

    def __init__(self, code, message, remedy=None):
        super().__init__(message)
        self.code, self.remedy = code, remedy


def place(error):
    """File and line of an error: the innermost of this directory, else where it was raised."""
    home = os.path.dirname(os.path.abspath(__file__))
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if os.path.dirname(os.path.abspath(frame.filename)) == home]
    if isinstance(error, SyntaxError) and error.filename:
        return f"{os.path.basename(error.filename)}, line {error.lineno}"
    frame = (own or frames or [None])[-1]
    return f"{os.path.basename(frame.filename)}, line {frame.lineno}" if frame else "an unknown place"


class Workload:
    """The functions of model.py."""

    def __init__(self, params):
        """Reads what is asked for; nothing is measured yet."""
        self.parameters = params["parameters"]
        # The record's words on what runs. If model.py uses params["device"], add it as "device"; else only `cpu` can be asked for.
        self.description = {"model": params.get("model") or "{{name}}", "engine": "python"}
        import model  # Not before: an error in it is an answer like any other.

        self.model = model

    def prepare(self):
        """Loads the model, and nothing else: its energy is measured."""
        try:
            inspect.signature(self.model.prepare).bind(**self.parameters)
        except TypeError as error:
            given = ", ".join(f"`{name}`" for name in self.parameters) or "none"
            raise Problem(2, f"model.py: prepare() does not fit the parameters of plugin.yaml ({given}): {error}",
                          "give it an argument for each of them, or take them out of plugin.yaml") from error
        self.model.prepare(**self.parameters)

    def infer(self):
        """Answers one query."""
        self.model.infer()


def send(message):
    protocol.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    protocol.flush()


def run(workload, params):
    count, duration = params.get("count"), params.get("duration_s")
    if (count is None) == (duration is None) or not (count or duration) > 0:
        raise Problem(-32602, "`run` needs either `count` or `duration_s`, above zero")
    latencies, failed, failure = [], 0, None
    start = now = told = time.monotonic()
    while len(latencies) + failed < count if count else now < start + duration or not latencies and not failed:
        before = time.monotonic()
        try:
            workload.infer()
            latencies.append(time.monotonic() - before)
        except Exception as error:
            failed, failure = failed + 1, failure or error
        now = time.monotonic()
        if now - told > 0.2:
            told = now
            send({"method": "progress", "params": {"completed": len(latencies), "total": count}})
    if not latencies:
        raise failure
    return {"completed": len(latencies), "failed": failed, "start_monotonic_s": start, "end_monotonic_s": now,
            "latencies_s": latencies}


class Server:
    workload = None
    is_prepared = False

    def answer(self, method, params):
        if method == "initialize":
            self.workload, self.is_prepared = None, False
            if params.get("protocol_version") != 1:
                raise Problem(-32600, "this plugin speaks version 1 of the protocol")
            self.workload = Workload(params)
            return {"protocol_version": 1, "workload": self.workload.description}
        if method == "prepare":
            if self.workload is None:
                raise Problem(-32600, "`initialize` comes first")
            self.workload.prepare()
            self.is_prepared = True
            return {}
        if method == "run":
            if not self.is_prepared:
                raise Problem(-32600, "`prepare` comes first")
            return run(self.workload, params)
        if method == "shutdown":
            return {}
        raise Problem(-32601, f"there is no method `{method}`")


def main():
    server = Server()
    for line in sys.stdin:
        identifier = method = None
        try:
            call = json.loads(line)
        except json.JSONDecodeError:
            send({"id": None, "error": {"code": -32700, "message": "the line is not JSON"}})
            continue
        try:
            identifier, method = call.get("id"), call["method"]
            send({"id": identifier, "result": server.answer(method, call.get("params") or {})})
        except Problem as problem:
            error = {"code": problem.code, "message": str(problem)}
            if problem.remedy:
                error["data"] = {"remedy": problem.remedy}
            send({"id": identifier, "error": error})
        except Exception as error:
            text = " ".join(f"{place(error)}: {type(error).__name__}: {error}".split())
            send({"id": identifier, "error": {"code": 2, "message": text}})
        if method == "shutdown":
            return


main()
