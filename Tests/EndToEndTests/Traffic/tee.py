#!/usr/bin/env python3
"""tee.py LOG PROGRAM [ARGUMENT…]: a plugin that is another one, and keeps what goes over its pipes, a JSON object a line."""
import json
import subprocess
import sys
import threading

log = open(sys.argv[1], "a", encoding="utf-8")
lock = threading.Lock()
plugin = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def relay(source, target, sender):
    for line in iter(source.readline, b""):
        with lock:
            log.write(json.dumps({"from": sender, "line": line.decode()}) + "\n")
            log.flush()
        target.write(line)
        target.flush()
    if sender == "host":
        target.close()


threading.Thread(target=relay, args=(sys.stdin.buffer, plugin.stdin, "host"), daemon=True).start()
relay(plugin.stdout, sys.stdout.buffer, "plugin")
sys.exit(plugin.wait())
