"""Holds exchanges with the daemon against its OpenAPI document.

validate_api.py DOCUMENT EXCHANGES   EXCHANGES: a JSON object a line, as OpenAPITests writes them

Prints a line for each thing that is wrong, and for each operation that nothing was asked of with success.
"""
import json
import sys

import jsonschema
import openapi_spec_validator

document = json.load(open(sys.argv[1], encoding="utf-8"))
problems = [f"the document: {error.message}" for error in openapi_spec_validator.OpenAPIV31SpecValidator(document).iter_errors()]


def close(schema):
    """Clients shall bear keys that are not in the document; here each one has to be."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
        for value in schema.values():
            close(value)
    elif isinstance(schema, list):
        for value in schema:
            close(value)


close(document["components"]["schemas"])
close(document["paths"])


def check(where, schema, text):
    validator = jsonschema.Draft202012Validator({**schema, "components": document["components"]})
    for error in validator.iter_errors(json.loads(text)):
        problems.append(f"{where}: {error.json_path}: {error.message[:300]}")


def body(where, content, kind, text):
    kind = kind.split(";")[0]
    if kind not in content:
        problems.append(f"{where}: {kind} is not in the document")
    elif kind == "application/json":
        check(where, content[kind]["schema"], text)
    elif kind == "text/event-stream" and "$ref" in content[kind]["schema"]:
        for line in text.splitlines():
            if line.startswith("data:"):
                check(where, content[kind]["schema"], line.removeprefix("data:"))
    elif kind == "application/x-ndjson" and "$ref" in content[kind]["schema"]:
        for line in text.splitlines():
            check(where, content[kind]["schema"], line)


wanted = {
    (method.upper(), path) for path, item in document["paths"].items() for method in item if method != "parameters"
}
done = set()
for line in open(sys.argv[2], encoding="utf-8"):
    one = json.loads(line)
    where = f"{one['method']} {one['path']} {one['status']}"
    operation = document["paths"].get(one["path"], {}).get(one["method"].lower())
    if operation is None:
        problems.append(f"{where}: not in the document")
        continue
    named = {
        parameter["name"] for parameter in (
            document["components"]["parameters"][entry["$ref"].split("/")[-1]] if "$ref" in entry else entry
            for entry in operation.get("parameters", [])) if parameter["in"] == "query"
    }
    for name in one["query"]:
        if name not in named:
            problems.append(f"{where}: the parameter {name} is not in the document")
    if one["status"] < 300:
        done.add((one["method"], one["path"]))
        if one["request"] and "application/json" in operation.get("requestBody", {}).get("content", {}):
            body(f"{where}, request", operation["requestBody"]["content"], "application/json", one["request"])
        if str(one["status"]) not in operation["responses"]:
            problems.append(f"{where}: the status is not in the document")
            continue
    response = operation["responses"].get(str(one["status"]), operation["responses"]["default"])
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].split("/")[-1]]
    if "content" in response:
        body(where, response["content"], one["type"], one["answer"])
    elif one["answer"]:
        problems.append(f"{where}: there is an answer, and the document has none")
problems += [f"{method} {path}: never asked with success" for method, path in sorted(wanted - done)]
print("\n".join(problems))
