"""Bundles of suites that nobody measured, as another Taskwatt would send them."""
import copy
import importlib.machinery
import importlib.util
import io
import json
import hashlib
import pathlib
import subprocess
import tarfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
# Of each suite; the windows are of so many seconds each, read so often a second.
WINDOWS, SECONDS, HERTZ = 3, 2, 10
SAMPLES = WINDOWS * (SECONDS * HERTZ + 3)


def documents():
    """The maker of bundles of the benchmarks knows what is in one."""
    loader = importlib.machinery.SourceFileLoader("long_bundle", str(REPOSITORY / "Tests/Benchmarks/long-bundle"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("long_bundle", loader))
    loader.exec_module(module)
    return module


LONG = documents()


def energy(watts):
    """Of a whole suite, in microjoules."""
    return WINDOWS * SECONDS * watts * 10**6


def bundle(uuid, host, watts, windows=WINDOWS, seconds=SECONDS, hertz=HERTZ, made_by="fleet-torture", described=lambda number: {}):
    """The bytes of a bundle: one suite at so many watts, of idle windows but for what is described of one by its number."""
    contents = LONG.documents(seconds, 1 / hertz)
    runs, lines = [], ["run,meter,monotonic_ns,wall_unix_s,energy_uj,power_uw,edge\n"]
    for number in range(windows):
        start = LONG.START + number * (seconds + 1)
        run = copy.deepcopy(contents["runs.jsonl"])
        run["started_at_unix_s"] = LONG.WALL + start
        run["idle_power_w"] = watts
        figures = run["energy"]
        figures["window"] |= {"start_monotonic_s": start, "end_monotonic_s": start + seconds}
        for part in [figures["total"], *figures["domains"]]:
            part["energy_j"] = watts * seconds
        runs.append(json.dumps(run | described(number)))
        steps = seconds * hertz
        for step, edge in [(0, "start"), *((step, "") for step in range(steps + 1)), (steps, "end")]:
            time = start + step / hertz
            counter = 10**9 + round(watts * 10**6 * (time - LONG.START))
            power = "" if edge else watts * 10**6
            lines.append(f"{number + 1},{LONG.METER},{round(time * 10**9)},{LONG.WALL + time},{counter},{power},{edge}\n")
    suite = contents["suite.json"] | {
        "uuid": uuid, "suite": made_by, "machine": {"name": host, "fingerprint": LONG.fingerprint(host + "{}\n")},
        "ended_at_unix_s": LONG.WALL + LONG.START + windows * (seconds + 1)}
    texts = {name: json.dumps(value) + "\n" for name, value in contents.items()} | {
        "suite.json": json.dumps(suite) + "\n", "runs.jsonl": "\n".join(runs) + "\n", "samples.csv": "".join(lines),
        "suite.yaml": "# made\n"}
    files = {f"suites/{uuid}/{name}": text.encode() for name, text in sorted(texts.items())}
    manifest = {
        "format": "taskwatt-bundle", "version": 1, "created_by": made_by, "redacted": False, "suites": [uuid],
        "files": [{"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for path, data in files.items()]}
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as packed:
        for path, data in [("manifest.json", json.dumps(manifest).encode()), *files.items()]:
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            packed.addfile(entry, io.BytesIO(data))
    return subprocess.run(["zstd", "-q", "-c"], input=archive.getvalue(), stdout=subprocess.PIPE, check=True).stdout
