import Core
import Exchange
import Foundation
import Recording
import TestSupport
import Testing

@Suite struct RedactionTests {
    private let redaction: Redaction

    init() throws {
        redaction = try Redaction(
            secret: Data("secret".utf8), hostNames: ["quiet-otter.example.org"], userNames: ["alice", "root"])
    }

    @Test(arguments: [
        "/home/alice/models/bert.onnx", "see /home/alice.", "(/srv/data/alice's)", "-I/home/alice/include",
        "PATH=/opt/alice/bin:/usr/bin", "~/models/x", "./models/alice/x", "alice", "by Alice, 2026",
        "alice@example.org",
        "http://quiet-otter:8000/v1", "on quiet-otter", "QUIET-OTTER.EXAMPLE.ORG", "10.1.2.3", "shelly/192.168.7.9/0",
        "aa:bb:cc:00:11:22", "GPU-0f9a5d1c-8e4b-4b6e-9c3a-0123456789ab", "/run/user/1000/bus",
        "/home/alice/with \"quotes\".txt", "models/alice/x.onnx", "/home/alice/my models/otter.onnx",
        "fe80::1:bb:cc%eth0",
        "2001:db8:0:0:0:bb:cc:1",
    ]) func whoAndWhereIsLeftOut(_ text: String) throws {
        let result = try redaction.text(text)
        for word in ["alice", "otter", "home/", "example", "10.1.2", "192.168", "bb:cc", "8e4b", "1000", "srv"] {
            #expect(!result.lowercased().contains(word), "\(result)")
        }
        #expect(try redaction.text(text) == result, "the same name has the same pseudonym")
    }

    @Test(arguments: [
        "bert-base", "org/model-7b", "powercap/intel-rapl:0:0", "/sys/class/powercap/intel-rapl:0/energy_uj",
        "/proc/stat and the power model of AMD EPYC", "nvml/0000:65:00.0", "cuda:0", "1 / 2", "a/b", "malice",
        "aliceblue",
        "03:15:29", "0000:65:00.0", "hwmon/k10temp/temp1", "meta-llama/Llama-3.1-8B", "ONNX Runtime 1.21.0",
        "/dev/dri/renderD128", "root", "± 5 %", "name: quick\nrepeats: 3\n", "",
    ]) func theRestStaysAsItIs(_ text: String) throws { #expect(try redaction.text(text) == text) }

    @Test func anEndingStaysAndPseudonymsBelongToTheMachine() throws {
        #expect(try redaction.text("/home/alice/bert.onnx").wholeMatch(of: /path-[0-9a-f]{8}\.onnx/) != nil)
        #expect(try redaction.text("/home/alice/of.alice") == redaction.text("/home/alice/of.alice"))
        #expect(try !redaction.text("/home/alice/of.alice").contains("alice"))
        let name = try redaction.machine("quiet-otter.example.org")
        #expect(name.wholeMatch(of: /machine-[0-9a-f]{8}/) != nil)
        #expect(try redaction.text("quiet-otter is on") == "\(name) is on")
        let other = try Redaction(secret: Data("other".utf8), hostNames: [], userNames: [])
        #expect(try other.machine("quiet-otter.example.org") != name)
    }

    /// Names of clusters and projects look like any word, and the number of a job leads to who ran it.
    @Test func theJobOfABatchSystemTellsNothing() throws {
        var job = JobContext(.ci)
        (job.service, job.cluster, job.jobID, job.name, job.stepID) = ("github", "deep", "4711", "nightly", "bench")
        (job.node, job.nodeCount, job.partition, job.namespace) = ("quiet-otter.example.org", 3, "gold", "ml")
        (job.pod, job.project, job.user, job.arrayJobID, job.arrayIndex) = ("p-0", "team/secret", "0a1b", "4700", 7)
        (job.isExclusive, job.exclusiveToldBy) = (true, "SLURM_JOB_EXCLUSIVE")
        let document = try JSONDecoder().decode(
            JSONValue.self, from: JSONEncoder().encode([JobContext.key: job]))
        let redacted = try redaction.json(document)
        let text = String(decoding: try JSONEncoder().encode(redacted), as: UTF8.self)
        for word in ["deep", "4711", "4700", "nightly", "bench", "otter", "gold", "\"ml\"", "p-0", "secret", "0a1b"] {
            #expect(!text.contains(word), "\(word) in \(text)")
        }
        let told = try #require(
            JSONDecoder().decode([String: JobContext].self, from: JSONEncoder().encode(redacted))[JobContext.key])
        #expect(told.scheduler == .ci && told.service == "github" && told.nodeCount == 3 && told.arrayIndex == 7)
        #expect(told.isExclusive == true && told.exclusiveToldBy == "SLURM_JOB_EXCLUSIVE")
        // A node is the machine that the bundle is from.
        #expect(try told.node == redaction.machine("quiet-otter.example.org"))
    }

    @Test func serialNumbersAndErrorsAreLeftOutOfDocuments() throws {
        let document = try redaction.json(
            .object([
                "serial": .string("SN-1"), "board_serial": .integer(4711), "gpu_uuid": .string("x"),
                "error": .string("anything at all"), "device": .string("alice"),
                "file": .string("/data/my models/m.onnx"),
                "list": .array([.string("alice"), .integer(3)]), "task": .string("fill-mask"),
                "of": .object(["/home/alice/x": .integer(1), "kernel": .integer(2)]),
            ]))
        guard case .object(let values) = document else {
            Issue.record("no object")
            return
        }
        #expect(values["error"] == .string("left out by --redact"))
        #expect(values["device"] == .string("alice"), "a word of ours, whatever somebody is called")
        for key in ["serial", "board_serial", "gpu_uuid"] {
            #expect(values[key]?.stringValue?.wholeMatch(of: /serial-[0-9a-f]{8}/) != nil)
        }
        #expect(values["file"]?.stringValue?.wholeMatch(of: /path-[0-9a-f]{8}\.onnx/) != nil)
        #expect(values["task"] == .string("fill-mask"))
        guard case .object(let inner) = values["of"] else {
            Issue.record("no object")
            return
        }
        #expect(inner.count == 2 && inner["kernel"] == .integer(2) && !inner.keys.contains { $0.contains("alice") })
    }

    @Test func programsThatRanAreLeftOutAndHelpStaysReadable() throws {
        let document = try redaction.json(
            .array([
                .object([
                    "id": .string("busy-cpus"), "verdict": .string("warn"),
                    "found": .string(
                        "80.2 % of all CPUs\(Preflight.programs)secret-project 41.1 %, python3 1.0 %\nand this"),
                    "remedy": .string("mount the directory /run/taskwatt (-v /run/taskwatt:/run/taskwatt)"),
                ])
            ]))
        guard case .array(let checks) = document, case .object(let check)? = checks.first else {
            Issue.record("no check")
            return
        }
        let found = try #require(check["found"]?.stringValue)
        #expect(found.hasPrefix("80.2 %") && found.hasSuffix("\nand this"))
        #expect(!found.contains("secret-project") && !found.contains("python3"))
        #expect(check["remedy"]?.stringValue?.contains("(-v /run/taskwatt:/run/taskwatt)") == true)
        // What only begins so is another path.
        #expect(try redaction.text("/run/taskwatt-of-alice").hasPrefix("path-"))
    }

    /// The unpacked bundle holds none of it, in no file; and it verifies, imports and belongs to the other one.
    @Test func aRedactedBundleTellsNothingAndIsWhole() async throws {
        let bench = try BundleBench(error: "alice's plugin died in /home/alice/src on quiet-otter")
        let file = try await bench.bundle("r", redaction: redaction)
        let folder = try bench.unpack(file)
        let found = try shell(
            "grep -rilE 'alice|otter|example.org|/home|SN-4711|my models|plugin died' \"$1\" || true", folder)
        #expect(found.isEmpty, "\(found)")
        #expect(try shell("grep -c '\"redacted\" : true' \"$1/manifest.json\"", folder) == "1\n")

        let result = try await BundleVerifier.verify(file, version: "9.9")
        #expect(result.isRedacted && Set(result.allFindings.map(\.rule)) == [.contended], "\(result.allFindings)")
        let name = try redaction.machine(BundleBench.host)
        let store = try bench.otherStore()
        let outcome = try await BundleImport(store, version: "9.9").run(file, at: 1)
        #expect(outcome.machines == [name])

        // A second suite of the same machine, in another bundle, is of the same machine there.
        let second = try BundleBench()
        _ = try await BundleImport(store, version: "9.9").run(try await second.bundle("s", redaction: redaction), at: 2)
        #expect(Set(try store.runs().map(\.machineFingerprint)).count == 1)
        #expect(Set(try store.runs().map(\.machine)) == [name])
    }

    @Test func thisMachinesNamesAreKnown() throws {
        let here = try Redaction.ofThisMachine()
        let host = ProcessInfo.processInfo.hostName
        if host != "localhost" { #expect(try here.text("on \(host)") == "on \(here.machine(host))") }
        #expect(try here.machine("a") == Redaction.ofThisMachine().machine("a"))
    }
}
