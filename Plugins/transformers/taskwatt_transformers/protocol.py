"""The plugin protocol, version 1: JSON-RPC 2.0, one message a line (Sources/WorkloadProtocol/README.md)."""

import json
import math
import os
import select
import sys
import threading
import time
import traceback

from .problem import FAILED, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, Problem, cause, place

VERSION = 1
PROGRESS_INTERVAL = 0.2  # Seconds: often enough to be seen, too seldom to be measured.


class Output:
    """Writes messages, from any thread, to a descriptor that nothing else writes to."""

    def __init__(self, descriptor):
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, message):
        line = json.dumps({"jsonrpc": "2.0", **message}, allow_nan=False).encode() + b"\n"
        with self._lock:
            while line:
                try:
                    line = line[os.write(self._descriptor, line):]
                except OSError:
                    os._exit(1)  # Nobody reads any more.

    def progress(self, **params):
        self.send({"method": "progress", "params": params})

    def end_with_reader(self):
        """Ends the process when its host is gone: it would burn energy for nobody."""

        def watch():
            poll = select.poll()
            poll.register(self._descriptor, 0)
            while not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll()):
                pass
            os._exit(1)

        threading.Thread(target=watch, daemon=True, name="host-watcher").start()


class Server:
    """Turns lines into calls of a workload, which `make` makes anew for each `initialize`.

    A workload has `initialize(params)`, which returns the answer's `workload`, `prepare()`, `infer()`, which answers
    `batch` queries and waits for the device, and `close()`.
    """

    def __init__(self, make, output):
        self._make, self._output = make, output
        self._workload, self._prepared = None, False

    def serve(self, lines):
        """Answers until the input ends or `shutdown` was answered."""
        for line in lines:
            if not line.strip():
                continue
            identity, goes_on = None, True
            try:
                identity, method, params = self._parse(line)
                result = self._call(method, params)
                goes_on = method != "shutdown"
                self._output.send({"id": identity, "result": result})
            except Problem as problem:
                self._refuse(getattr(problem, "identity", identity), problem)
            except Exception as error:  # Whatever a library throws is an answer, and never the end.
                traceback.print_exc(file=sys.stderr)
                self._refuse(identity, Problem(f"{type(error).__name__}: {cause(error)} ({place(error)})", code=FAILED))
            if not goes_on:
                return

    def _refuse(self, identity, problem):
        error = {"code": problem.code, "message": problem.message}
        if problem.remedy:
            error["data"] = {"remedy": problem.remedy}
        self._output.send({"id": identity, "error": error})

    def _parse(self, line):
        try:
            call = json.loads(line)
        except ValueError:
            raise Problem("the line is not JSON", code=PARSE_ERROR) from None
        if not isinstance(call, dict):
            raise Problem("not a JSON-RPC 2.0 request", code=INVALID_REQUEST)
        identity, method, params = call.get("id"), call.get("method"), call.get("params", {})
        known = isinstance(identity, int) and not isinstance(identity, bool)
        if not known or call.get("jsonrpc") != "2.0" or not isinstance(method, str):
            problem = Problem("not a JSON-RPC 2.0 request", code=INVALID_REQUEST)
            problem.identity = identity if known else None
            raise problem
        if method not in ("initialize", "prepare", "run", "shutdown"):
            problem = Problem(f"there is no method `{method}`", code=METHOD_NOT_FOUND)
        elif not isinstance(params, dict):
            problem = Problem("the parameters do not fit: `params` must be an object", code=INVALID_PARAMS)
        else:
            return identity, method, params
        problem.identity = identity
        raise problem

    def _call(self, method, params):
        if method == "initialize":
            return self._initialize(params)
        if method == "prepare":
            if self._workload is None:
                raise Problem("`initialize` comes first", code=INVALID_REQUEST)
            self._prepared = False
            self._workload.prepare()
            self._prepared = True
        elif method == "run":
            if not self._prepared:
                raise Problem("`prepare` comes first", code=INVALID_REQUEST)
            return self._run(params)
        return {}

    def _initialize(self, params):
        # Whatever fails from here on, the model that was there before is not the one that was asked for.
        if self._workload is not None:
            self._workload.close()
        self._workload, self._prepared = None, False
        kinds = {"protocol_version": int, "task": str, "device": str, "seed": int, "cache_directory": str}
        for name, kind in {**kinds, "parameters": dict}.items():
            value = params.get(name, {} if kind is dict else None)
            if not isinstance(value, kind) or isinstance(value, bool):
                said = "is missing" if value is None else f"must not be `{value}`"
                raise Problem(f"the parameters do not fit: `{name}` {said}", code=INVALID_PARAMS)
        if not isinstance(params.get("model"), (str, type(None))):
            raise Problem("the parameters do not fit: `model` must be a text", code=INVALID_PARAMS)
        if params["protocol_version"] != VERSION:
            said = f"this plugin speaks version {VERSION} of the protocol, not {params['protocol_version']}"
            raise Problem(said, code=INVALID_REQUEST)
        workload = self._make(lambda message: self._output.progress(message=message))
        description = workload.initialize(params)
        self._workload = workload
        return {"protocol_version": VERSION, "workload": description}

    def _run(self, params):
        count, duration = params.get("count"), params.get("duration_s")
        is_count = isinstance(count, int) and not isinstance(count, bool) and count > 0 and duration is None
        is_duration = isinstance(duration, (int, float)) and not isinstance(duration, bool) and count is None
        if not is_count and not (is_duration and 0 < duration < math.inf):
            raise Problem("`run` needs either `count` or `duration_s`, above zero", code=INVALID_PARAMS)
        return self._measure(count, duration)

    def _measure(self, count, duration):
        """The measured loop: whole batches, until `count` inferences were tried or `duration` seconds are over.

        The workload waits for its device before it begins, after each batch, and so at the end too.
        """
        workload, batch = self._workload, self._workload.batch
        completed, failed, latencies, first = 0, 0, [], None
        workload.synchronize()
        start = before = told = time.monotonic()
        deadline = start + duration if duration else math.inf
        while completed + failed < count if count else before < deadline or not completed + failed:
            try:
                workload.infer()
            except Exception as error:
                failed += batch
                if first is None:
                    first = error
                    traceback.print_exc(file=sys.stderr)
                before = time.monotonic()
            else:
                now = time.monotonic()
                completed += batch
                latencies.append(now - before)
                before = now
            if before - told > PROGRESS_INTERVAL:
                told = before
                self._output.progress(completed=completed, **({"total": count} if count else {}))
        end = time.monotonic()
        if not completed:
            if isinstance(first, Problem):
                raise first
            said = f"every inference failed: {type(first).__name__}: {cause(first)} ({place(first)})"
            raise Problem(said, code=FAILED)
        if failed:
            said = f"{failed} of {completed + failed} inferences failed, the first with: {cause(first)}"
            self._output.progress(message=said)
        return {
            "completed": completed, "failed": failed, "start_monotonic_s": start, "end_monotonic_s": end,
            "latencies_s": latencies,
        }
