"""libFuzzer, with the address sanitizer, over parsers that build alone."""
import pathlib
import re
import shutil
import subprocess

from common import ROOT, Unavailable

HERE = pathlib.Path(__file__).resolve().parent
# As in Package.swift.
FEATURES = ["ExistentialAny", "InternalImportsByDefault", "MemberImportVisibility", "NonisolatedNonsendingByDefault"]
SANITIZE = "-sanitize=fuzzer,address"
# Bytes of an input, MiB of memory with the sanitizer's share, seconds of one input.
LONGEST, MEMORY, PATIENCE = 1 << 16, 1024, 20

# Modules, each after what it needs: its Swift sources, its own features or a package's.
MODULES = {
    "Core": ("Sources/Core", True),
    "Yams": (".build/checkouts/Yams/Sources/Yams", False),
    "YAMLReading": ("Sources/YAMLReading", True),
    "WorkloadProtocol": ("Sources/WorkloadProtocol", True),
    # What the reader of CSV needs of it, and no database.
    "Reporting": ("Sources/Reporting/CSV[CW]*.swift", True),
}
# Targets: the modules they need, sources beside their own, libraries, and what inputs are made of to begin with.
TARGETS = {
    "YAML": (["Core", "Yams", "YAMLReading"], [], [], ["Systemd/taskwatt.yaml", "Sources/Running/Suites", "Plugins/*/plugin.yaml"]),
    "Messages": (["Core", "WorkloadProtocol"], [], [], ["Tests/Torture/Fuzz/Corpora/Messages"]),
    "Archive": (["Core"], ["Sources/Exchange/Bundles/TarReader.swift", "Tests/Torture/Fuzz/BundleError.swift"], [], []),
    "CSV": (["Core", "Reporting"], [f"Sources/Exchange/{name}.swift" for name in ("CSVReader", "TextEncoding", "ImportProblem")], [], []),
    "ZIP": ([], ["Plugins/onnx-model/ZIPArchive.swift"], ["-I", "Sources/CZlib", "-lz"], []),
    "Expression": ([], ["Plugins/onnx-model/DimensionExpression.swift"], [], []),
}


def run(context):
    if not shutil.which("swiftc"):
        raise Unavailable("it needs swiftc")
    build = ROOT / ".build/torture"
    build.mkdir(parents=True, exist_ok=True)
    names = sorted(TARGETS)
    programs = {}
    for name in names:
        try:
            programs[name] = target(build, name)
        except subprocess.CalledProcessError as problem:
            context.broke("other", f"{name} does not build\n{problem.stderr.decode(errors='replace')[-3000:]}")
        except FileNotFoundError as problem:
            raise Unavailable(f"{problem}; run `make build` first")
    # Building is none of the time: it is done once.
    notes = []
    for name, program in programs.items():
        notes.append(f"{name}: {fuzz(context, build, name, program, max(1, int(context.seconds / len(programs))))}")
    context.note = ", ".join(notes)


def sources(place):
    found = sorted(ROOT.glob(place if place.endswith(".swift") else f"{place}/*.swift"))
    if not found:
        raise FileNotFoundError(f"{place} is not there")
    return found


def compile_(arguments):
    subprocess.run(["swiftc", *map(str, arguments)], check=True, capture_output=True, cwd=ROOT)


def is_newer(product, sources):
    return product.exists() and all(source.stat().st_mtime <= product.stat().st_mtime for source in sources)


def options(build, strict):
    found = ["-swift-version", "6" if strict else "5", "-package-name", "taskwatt", "-O", "-DSWIFT_PACKAGE", "-parse-as-library", "-I", build, SANITIZE]
    if strict:
        for feature in FEATURES:
            found += ["-enable-upcoming-feature", feature]
    yaml = ROOT / ".build/checkouts/Yams/Sources/CYaml/include"
    return found + (["-I", yaml] if yaml.is_dir() else [])


def module(build, name, before):
    """The object files of a module, built anew where a source is younger, or a module that it may need."""
    place, strict = MODULES[name]
    product, files = build / f"{name}.o", sources(place)
    if not is_newer(product, files + before):
        compile_([*options(build, strict), "-wmo", "-c", "-module-name", name, "-emit-module", "-emit-module-path",
                  build / f"{name}.swiftmodule", "-o", product, *files])
    return [product] + (libyaml(build) if name == "Yams" else [])


def libyaml(build):
    objects = []
    for source in sorted((ROOT / ".build/checkouts/Yams/Sources/CYaml/src").glob("*.c")):
        product = build / f"{source.stem}.c.o"
        if not is_newer(product, [source]):
            subprocess.run(["clang", "-O1", "-g", "-fsanitize=fuzzer-no-link,address,undefined", "-fno-sanitize-recover=undefined",
                            "-fno-sanitize=function", "-I", source.parent.parent / "include", "-c", source, "-o", product],
                           check=True, capture_output=True)
        objects.append(product)
    return objects


def target(build, name):
    modules, beside, libraries, _ = TARGETS[name]
    objects = []
    for needed in modules:
        objects += module(build, needed, objects)
    files = [HERE / "Fuzz" / f"{name}.swift", *[ROOT / place for place in beside]]
    product = build / f"fuzz-{name}"
    if not is_newer(product, files + objects):
        undefined = ["-Xclang-linker", "-fsanitize=undefined"] if "Yams" in modules else []
        compile_([*options(build, True), *libraries, *undefined, "-wmo", "-module-name", f"Fuzz{name}", "-o", product, *files, *objects])
    return product


def fuzz(context, build, name, program, seconds):
    """How many inputs were tried in so many seconds. What it learns is kept for the next time."""
    corpus = ROOT / ".run/torture/corpora" / name
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = context.scratch / f"seeds-{name}"
    seeds.mkdir()
    number = 0
    for pattern in [f"Tests/Torture/Fuzz/Corpora/{name}", *TARGETS[name][3]]:
        for path in ROOT.glob(pattern):
            for file in [path] if path.is_file() else sorted(path.iterdir()):
                if file.is_file():
                    (seeds / str(number)).write_bytes(file.read_bytes())
                    number += 1
    found = context.scratch / f"found-{name}"
    found.mkdir()
    ended = context.execute(
        ["env", "-u", "LD_PRELOAD", program, corpus, seeds, f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={PATIENCE}",
         f"-rss_limit_mb={MEMORY}", f"-artifact_prefix={found}/", f"-seed={context.random.randrange(1 << 31)}", "-print_final_stats=1",
         "-verbosity=1"],
        patience=seconds + 120, limit=None, environment={"ASAN_OPTIONS": "detect_leaks=0:handle_abort=1:handle_sigill=1"})
    done = re.search(rb"stat::number_of_executed_units: (\d+)", ended.error) or re.search(rb"#(\d+)\s+(?:DONE|pulse)", ended.error)
    inputs = int(done[1]) if done else 0
    context.inputs += inputs
    for artifact in sorted(found.iterdir()):
        kind = {"timeout": "hang", "slow": "hang", "oom": "memory"}.get(artifact.name.split("-")[0], "crash")
        context.broke(kind, f"{name} of {artifact.stat().st_size} bytes\n{ended.error[-4000:].decode(errors='replace')}", [artifact], like=name)
    if ended.hung or ended.code != 0 and not any(found.iterdir()):
        context.broke("other", f"the fuzzer of {name} ended with {ended.code}\n{ended.error[-3000:].decode(errors='replace')}")
    return inputs
