#!/usr/bin/env python3
"""Holds what went over the pipes, or manifests, against the JSON Schemas of the protocol.

validate.py SCHEMAS traffic LOG   LOG is what tee.py keeps; prints {schema: messages}
validate.py SCHEMAS manifest YAML…

Exits with 1 and a line for each message that does not fit, with its file.
"""
import collections
import json
import pathlib
import sys

import jsonschema
import yaml

directory, what, *files = sys.argv[1:]
validators = {}
for path in pathlib.Path(directory).glob("*.schema.json"):
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validators[path.name.removesuffix(".schema.json")] = jsonschema.Draft202012Validator(schema)
seen, problems = collections.Counter(), []


def check(file, name, value):
    seen[name] += 1
    for error in validators[name].iter_errors(value):
        problems.append(f"{file}: {name}: {error.json_path}: {error.message}")


def traffic(file):
    # The calls of a plugin are numbered from 1 in each of its processes.
    methods = {}
    for text in pathlib.Path(file).read_text(encoding="utf-8").splitlines():
        entry = json.loads(text)
        message = json.loads(entry["line"])
        if entry["from"] == "host":
            methods[message["id"]] = message["method"]
            check(file, f"{message['method']}.request", message)
        elif "method" in message:
            check(file, message["method"] if message["method"] in validators else "progress", message)
        elif "error" in message:
            check(file, "error", message)
        else:
            check(file, f"{methods[message['id']]}.result", message)


for file in files:
    if what == "traffic":
        traffic(file)
    else:
        check(file, "plugin", yaml.safe_load(pathlib.Path(file).read_text(encoding="utf-8")))
print(json.dumps(seen))
for problem in problems:
    print(problem, file=sys.stderr)
sys.exit(1 if problems else 0)
