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

# Undefined behaviour ends a program of C as a wild address does. Functions of other libraries are called through types that leave out
# their `const`s and structures, which is what `function` would object to.
SANITIZE_C = "-fsanitize=fuzzer-no-link,address,undefined", "-fno-sanitize-recover=undefined", "-fno-sanitize=function"

# Modules of C: their sources and headers.
C_MODULES = {
    "CYaml": (".build/checkouts/Yams/Sources/CYaml/src", ".build/checkouts/Yams/Sources/CYaml/include"),
    "COnnxRuntime": ("Sources/COnnxRuntime", "Sources/COnnxRuntime/include"),
    "CPCI": ("Sources/CPCI", "Sources/CPCI/include"),
    "CLinux": ("Sources/CLinux", "Sources/CLinux/include"),
}
SYSTEM = ["-I", "Sources/CZlib", "-I", "Sources/COpenSSL"]
# As in the packages' own Package.swift.
HTTP_TYPES = [option for version in ("1.0", "1.1", "1.2", "1.3", "1.6", "1.7")
              for option in ("-enable-experimental-feature", f"AvailabilityMacro=HTTPTypes {version}: macOS 10.0")]
# Modules, each after what it needs: its Swift sources, its language mode and features, or `None` for ours.
MODULES = {
    "Core": ("Sources/Core", None),
    "Yams": (".build/checkouts/Yams/Sources/Yams", ["-swift-version", "5"]),
    "SwiftProtobuf": (".build/checkouts/swift-protobuf/Sources/SwiftProtobuf", ["-swift-version", "6"]),
    "HTTPTypes": (".build/checkouts/swift-http-types/Sources/HTTPTypes", ["-swift-version", "6", *HTTP_TYPES]),
    "YAMLReading": ("Sources/YAMLReading", None),
    "Digests": ("Sources/Digests", None),
    "WorkloadProtocol": ("Sources/WorkloadProtocol", None),
    "PluginKit": ("Sources/PluginKit", None),
    "Onnx": ("Sources/Onnx", None),
    # What the reader of CSV needs of it, and no database.
    "Reporting": ("Sources/Reporting/CSV[CW]*.swift", None),
}
FUZZ = "Tests/Torture/Fuzz"
ONNX = ["Core", "COnnxRuntime", "Digests", "SwiftProtobuf", "Onnx", "WorkloadProtocol", "PluginKit"]
LISTENER = [f"Sources/Listening/{name}.swift" for name in ("AccessToken", "HostNames", "ListenAddress", "RequestHead")]
# Targets: the modules they need, sources beside their own, libraries, and what inputs are made of to begin with beside their corpora.
TARGETS = {
    "YAML": (["Core", "CYaml", "Yams", "YAMLReading"], [], [], ["Systemd/taskwatt.yaml", "Sources/Suites", "Plugins/*/plugin.yaml"]),
    "Suites": (
        ["Core", "CYaml", "Yams", "YAMLReading", "WorkloadProtocol"],
        ["Sources/Suites", f"{FUZZ}/Stubs/PackageResources.swift",
         *(f"Sources/PluginHosting/{name}.swift" for name in ("PluginManifest+YAML", "MemorySize"))],
        [], ["Sources/Suites/tiny.yaml", "Plugins/*/plugin.yaml"]),
    "Messages": (["Core", "WorkloadProtocol"], [], [], []),
    "JSON": (
        ["Core"], ["Sources/Exchange/ImportBatch.swift"], [], [f"{FUZZ}/Corpora/Messages"]),
    "Archive": (["Core"], ["Sources/Exchange/Bundles/TarReader.swift", f"{FUZZ}/Stubs/BundleError.swift"], [], []),
    "CSV": (["Core", "Reporting"], [f"Sources/Exchange/{name}.swift" for name in ("CSVReader", "TextEncoding", "ImportProblem")], [], []),
    "ZIP": ([], ["Plugins/onnx-model/ZIPArchive.swift"], ["-lz"], []),
    "NPY": (ONNX, ["Plugins/onnx-model"], ["-lz", "-lcrypto", "-lssl"], [f"{FUZZ}/Corpora/ZIP"]),
    "Model": (ONNX, ["Plugins/onnx-model"], ["-lz", "-lcrypto", "-lssl"], []),
    "Expression": ([], ["Plugins/onnx-model/DimensionExpression.swift"], [], []),
    "Head": (["Core", "Digests", "HTTPTypes"], LISTENER, ["-lcrypto", "-lssl"], []),
    "Answer": (
        ["Core", "WorkloadProtocol", "PluginKit"],
        [f"Plugins/openai/{name}.swift" for name in ("EventStream", "JSON", "Reply", "RunFigures", "ServerFault")], [], []),
    # Of C: what there is of our own, and works with what comes from outside. CCurl, CNVML and CAMDSMI are tables of a library's functions,
    # which the tests try with libraries of their own and the same checks (see `undefined` in Package.swift); the others have no sources.
    "PCI": (["CPCI"], [], ["-lpci"], []),
    "Descriptors": (["CLinux"], [], [], []),
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


def sources(place, kind="swift"):
    found = sorted(ROOT.glob(place if place.endswith(f".{kind}") else f"{place}/*.{kind}"))
    if not found:
        raise FileNotFoundError(f"{place} is not there")
    return found


def compile_(arguments, compiler="swiftc"):
    subprocess.run([compiler, *map(str, arguments)], check=True, capture_output=True, cwd=ROOT)


def is_newer(product, sources):
    return product.exists() and all(source.stat().st_mtime <= product.stat().st_mtime for source in sources)


def options(build, language=None):
    found = ["-package-name", "taskwatt", "-O", "-DSWIFT_PACKAGE", "-DLIBFUZZER", "-parse-as-library", "-I", build, SANITIZE, *SYSTEM]
    found += language or ["-swift-version", "6", *(option for feature in FEATURES for option in ("-enable-upcoming-feature", feature))]
    for _, headers in C_MODULES.values():
        found += ["-I", build / "maps" / headers.replace("/", "-")]
    return found


def module(build, name, before):
    """The object files of a module, built anew where a source is younger, or a module that it may need."""
    if name in C_MODULES:
        return objects_of_c(build, name)
    place, language = MODULES[name]
    product, files = build / f"{name}.o", sources(place)
    if not is_newer(product, files + before):
        compile_([*options(build, language), "-wmo", "-c", "-module-name", name, "-emit-module", "-emit-module-path",
                  build / f"{name}.swiftmodule", "-o", product, *files])
    return [product]


def objects_of_c(build, name):
    place, headers = C_MODULES[name]
    maps = build / "maps" / headers.replace("/", "-")
    own = ROOT / headers / "module.modulemap"
    maps.mkdir(parents=True, exist_ok=True)
    # SwiftPM makes one where there is none.
    text = re.sub(r'header "(?!/)', f'header "{ROOT / headers}/', own.read_text()) if own.exists() else (
        f'module {name} {{\n    umbrella header "{ROOT / headers / name}.h"\n    export *\n}}\n')
    if not (maps / "module.modulemap").exists() or (maps / "module.modulemap").read_text() != text:
        (maps / "module.modulemap").write_text(text)
    objects = []
    for source in sources(place, "c"):
        product = build / f"{name}-{source.stem}.o"
        if not is_newer(product, [source, *(ROOT / headers).glob("*.h")]):
            compile_(["-O1", "-g", *SANITIZE_C, "-I", headers, "-c", source, "-o", product], "clang")
        objects.append(product)
    return objects


def target(build, name):
    modules, beside, libraries, _ = TARGETS[name]
    objects = []
    for needed in modules:
        objects += module(build, needed, objects)
    product = build / f"fuzz-{name}"
    own = HERE / "Fuzz" / f"{name}.c"
    if own.exists():
        if not is_newer(product, [own, *objects]):
            headers = [option for needed in modules for option in ("-I", C_MODULES[needed][1])]
            compile_(["-O1", "-g", *SANITIZE_C, "-fsanitize=fuzzer", *headers, own, *objects, *libraries, "-o", product], "clang")
        return product
    entry = build / f"{name}-entry.swift"
    text = (f'@_cdecl("LLVMFuzzerTestOneInput") public func entry(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {{\n'
            f"    fuzz{name}(UnsafeRawBufferPointer(start: bytes, count: count))\n    return 0\n}}\n")
    if not entry.exists() or entry.read_text() != text:
        entry.write_text(text)
    files = [HERE / "Fuzz" / f"{name}.swift", HERE / "Fuzz/Support.swift", entry]
    for place in beside:
        files += sources(place)
    if not is_newer(product, files + objects):
        undefined = ["-Xclang-linker", "-fsanitize=undefined"] if any(needed in C_MODULES for needed in modules) else []
        compile_([*options(build), *libraries, *undefined, "-wmo", "-module-name", f"Fuzz{name}", "-o", product, *files, *objects])
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
