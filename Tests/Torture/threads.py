"""The thread sanitizer over the tests of what works at once: the daemon, its queue and sessions, the sampler, plugins, connections."""
import os
import re
import shutil
import subprocess
import time

from common import ROOT, Unavailable

HERE = ROOT / "Tests/Torture"
SUPPRESSIONS = HERE / "tsan.suppressions"
SCRATCH = ROOT / ".build/tsan"
BUNDLE = SCRATCH / "debug/taskwattPackageTests.xctest"
# Suites, those of which most is at once first; what time is left of is not run.
SUITES = [
    r"ServiceTests\.",
    r"ExchangeTests\.(Export|CodeCarbon|Bundle)\w*Tests",
    r"MeteringTests\.(Sampler|SharedReadings|EdgeSample|EdgeStep|PolledMeter|SlowCounter|Gauge|CrossCheck|Tally)Tests",
    r"RunningTests\.(Runner|Batch|PluginConnection|HostilePlugin|PluginUnit|MachineWatch|Limit|Settling)Tests",
    r"EndToEndTests\.(Daemon|DaemonQueue|KilledDaemon|Listener|PageJob|Schedule)Tests",
    r"(PolledMetersTests|FetchingTests|TLSTests|RecordingTests|PluginKitTests|OpenAITests)\.",
]
# Seconds of one suite, which is some ten times as slow as without.
PATIENCE = 1800
# How .ci/test tells of a suite that has ended.
TESTS = re.compile(r"^. \S+: (\d+) passed(?:, (\d+) failed)?", re.M)
REPORT = re.compile(r"^WARNING: ThreadSanitizer: .*?^SUMMARY: ThreadSanitizer: (.*?)$", re.M | re.S)


def run(context):
    if not shutil.which("swiftc") or not shutil.which("clang"):
        raise Unavailable("it needs swiftc and clang")
    library = build()
    trust(context, library)
    # Building is none of the time, as with the fuzzers.
    context.begin()
    reports = context.scratch / "reports"
    reports.mkdir()
    failed, ran = 0, 0
    for pattern in SUITES:
        if context.is_over:
            break
        output = context.scratch / "tmp/tests"
        with open(output, "w") as file:
            tests = subprocess.Popen(
                ["nice", ROOT / ".ci/test", "--bundle", BUNDLE, "--filter", f"^{pattern}", "--limit", str(PATIENCE), "--slowest", "0"],
                env={**os.environ, **environment(library, reports), "TMPDIR": str(context.scratch / "tmp")}, stdout=file, stderr=file)
            is_whole = True
            try:
                tests.wait(max(1, context.deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                # It ends what it started.
                is_whole = False
                tests.terminate()
                tests.wait()
        said = output.read_text(errors="replace")
        found = TESTS.findall(said)
        context.inputs += sum(int(number or 0) for counts in found for number in counts)
        failed += sum(int(number or 0) for _, number in found)
        ran += len(found)
        tell(context, reports)
        if is_whole and not found:
            context.broke("other", f"no test of {pattern} ran\n{said[-3000:]}")
    # What takes ten times as long may pass a limit of time that is meant for programs as they are shipped: that is for `make test` to say.
    context.note = f"{ran} suites" + (f", {failed} tests failed, which is none of races" if failed else "")


def environment(library, reports):
    return {
        "TSAN_OPTIONS": f"suppressions={SUPPRESSIONS} log_path={reports}/report halt_on_error=0 exitcode=0 history_size=4",
        "LD_PRELOAD": str(library), "SWIFT_BACKTRACE": "enable=no",
    }


def tell(context, reports):
    """Each race once, however often it was seen."""
    for file in sorted(reports.iterdir()):
        for report in REPORT.finditer(file.read_text(errors="replace")):
            place = re.sub(r" \(\S+\+0x\w+\)( \(BuildId: \w+\))?", "", report[1])
            context.broke("race", f"{place}\n{report[0]}", like=place)
        file.unlink()


def build():
    """The tests, and what tells the sanitizer of Swift's Mutex."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    # What was fetched for the other build is not fetched again.
    for name in ("checkouts", "repositories", "artifacts", "workspace-state.json"):
        there, here = ROOT / ".build" / name, SCRATCH / name
        if there.is_dir() and not here.exists():
            shutil.copytree(there, here, symlinks=True)
        elif there.is_file() and not here.exists():
            shutil.copyfile(there, here)
    print("torture: threads: building for the thread sanitizer, which takes minutes the first time", flush=True)
    built = subprocess.run(
        ["nice", "swift", "build", "--build-tests", "--sanitize=thread", "--scratch-path", SCRATCH], cwd=ROOT, capture_output=True, text=True)
    if built.returncode != 0:
        raise RuntimeError(f"it does not build for the thread sanitizer\n{built.stdout[-3000:]}{built.stderr[-3000:]}")
    library = SCRATCH / "libtaskwatt-tsan-mutex.so"
    subprocess.run(["clang", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", HERE / "Threads/mutex.c", "-o", library], check=True)
    return library


def trust(context, library):
    """Whether a race is told, and an order by Mutex is seen: else nothing that follows would say anything."""
    probe, reports = context.scratch / "probe", context.scratch / "probe-reports"
    reports.mkdir()
    subprocess.run(
        ["swiftc", "-O", "-g", "-swift-version", "5", "-sanitize=thread", HERE / "Threads/probe.swift", "-o", probe],
        check=True, capture_output=True)
    for name, is_told in (("race", True), ("order", False)):
        subprocess.run([probe, name], env={**os.environ, **environment(library, reports)}, capture_output=True, timeout=600)
        files = list(reports.iterdir())
        told = any("SUMMARY: ThreadSanitizer" in file.read_text(errors="replace") for file in files)
        if told != is_told:
            raise Unavailable(f"the thread sanitizer {'tells of a race that is none' if told else 'does not tell of a race'} here")
        for file in files:
            file.unlink()
