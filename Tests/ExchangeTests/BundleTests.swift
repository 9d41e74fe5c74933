import Core
import Exchange
import Foundation
import Host
import Recording
import Reporting
import TestSupport
import Testing

/// A bundle is written, read by other programs, and brought into another record.
@Suite struct BundleTests {
    @Test func theSameRecordGivesTheSameBytesHereAndWhereItWasImported() async throws {
        let bench = try BundleBench()
        let first = try await bench.bundle("first")
        let second = try await bench.bundle("second")
        try shell("cmp \"$1\" \"$2\"", first, second)

        let store = try bench.otherStore()
        let outcome = try await BundleImport(store, version: "9.9").run(first, at: 1_764_100_000)
        #expect(outcome.imported == [bench.uuid] && outcome.runs == 4 && outcome.machines == [BundleBench.host])
        let third = bench.file("third")
        try await BundleWriter(store, redaction: nil, version: "9.9").write([bench.uuid], to: third)
        try shell("cmp \"$1\" \"$2\"", first, third)
    }

    /// By GNU tar, zstd, sha256sum and Python, none of which is ours.
    @Test func otherProgramsReadIt() async throws {
        let bench = try BundleBench()
        let folder = try bench.unpack(try await bench.bundle())
        let listing = try shell("tar -I zstd -tf \"$1\"", bench.file()).split(separator: "\n").map(String.init)
        #expect(listing.first == "manifest.json" && listing.count == 12)
        try shell(
            """
            cd "$1" && python3 - <<'END'
            import csv, hashlib, json
            manifest = json.load(open('manifest.json'))
            assert manifest['format'] == 'taskwatt-bundle' and manifest['version'] == 1 and not manifest['redacted']
            for entry in manifest['files']:
                data = open(entry['path'], 'rb').read()
                assert len(data) == entry['bytes'] and hashlib.sha256(data).hexdigest() == entry['sha256'], entry
            folder = 'suites/' + manifest['suites'][0]
            runs = [json.loads(line) for line in open(folder + '/runs.jsonl')]
            assert [run['stage'] for run in runs] == ['idle', 'query', 'query', 'idle-after']
            samples = list(csv.DictReader(open(folder + '/samples.csv', newline='')))
            edges = [row for row in samples if row['edge'] and row['energy_uj'] and row['run'] == '2']
            joules = (int(edges[1]['energy_uj']) - int(edges[0]['energy_uj'])) / 1e6
            assert joules == runs[1]['energy']['domains'][0]['energy_j'] == 1000, joules
            assert any(row['meter'] == 'hwmon/card, "left"/power1' for row in samples)
            table = json.load(open(folder + '/table.json'))
            # 1,300 J for 20 inferences.
            assert abs(table['gross'][0]['mean_kwh'] - 1300 / 20 * 1000 / 3.6e6) < 1e-12
            assert abs(table['net'][0]['mean_kwh'] - 800 / 20 * 1000 / 3.6e6) < 1e-12
            END
            """, folder)
    }

    @Test func importingTwiceChangesNothing() async throws {
        let bench = try BundleBench()
        let file = try await bench.bundle()
        let store = try bench.otherStore()
        _ = try await BundleImport(store, version: "9.9").run(file, at: 1)
        let before = try shell("sqlite3 \"$1\" .dump", store.path)
        let again = try await BundleImport(store, version: "9.9").run(file, at: 2)
        #expect(again.imported.isEmpty && again.known == [bench.uuid])
        #expect(try shell("sqlite3 \"$1\" .dump", store.path) == before)
    }

    /// The record then holds the machine as it knows itself, so that table and report go by machine.
    @Test func theMachineIsTheOneThatItCameFrom() async throws {
        let bench = try BundleBench()
        let store = try bench.otherStore()
        _ = try await BundleImport(store, version: "9.9").run(try await bench.bundle(), at: 1)
        let there = try #require(try store.runs().first)
        let here = try #require(try bench.record.store.runs().first)
        #expect(there.machineFingerprint == here.machineFingerprint && there.machine == BundleBench.host)
        #expect(there.record == here.record && there.source == .taskwatt)
        let (a, b) = (try bench.record.store.suite(bench.uuid), try store.suite(bench.uuid))
        #expect(a == b)
        let samples = { (store: Store) in try store.samples(suiteRun: bench.uuid).map(\.sample) }
        #expect(try samples(store) == samples(bench.record.store))
    }

    @Test func anotherFileIsNeverOverwritten() async throws {
        let bench = try BundleBench()
        let file = bench.file()
        try Data("mine".utf8).write(to: URL(fileURLWithPath: file))
        await #expect(throws: FileProblem.self) { try await bench.bundle() }
        #expect(FileManager.default.contents(atPath: file) == Data("mine".utf8))
        try await BundleWriter(bench.record.store, redaction: nil, version: "1").write(
            [bench.uuid], to: file, isReplacing: true)
        #expect(try await BundleVerifier.verify(file, version: "9.9").outcome == .warned)
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.directory.path) == ["bundle.tar.zst"])
    }

    @Test func aFailureLeavesNoHalfFile() async throws {
        let bench = try BundleBench()
        let running = try bench.record.suite("running")
        let writer = BundleWriter(bench.record.store, redaction: nil, version: "1")
        let error = await #expect(throws: BundleError.self) { try await writer.write([running], to: bench.file()) }
        #expect(error?.description.contains("is running; bundle it when it has ended") == true)
        // A suite that was ended before it measured anything: a bundle of nothing would pass every check.
        try bench.record.store.endSuiteRun(running, status: .interrupted, error: nil, at: 1_764_000_900)
        let empty = await #expect(throws: BundleError.self) { try await writer.write([running], to: bench.file()) }
        #expect(empty?.description.contains("measured nothing: it has no run to bundle") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.directory.path).isEmpty)
        let nowhere = await #expect(throws: FileProblem.self) {
            try await writer.write([bench.uuid], to: "\(bench.directory.path)/no/such/place")
        }
        #expect(nowhere?.description.contains("/no/such/place cannot be written: No such file or directory") == true)
    }

    @Test func aSuiteIsFoundByTheBeginOfItsName() async throws {
        let bench = try BundleBench()
        let store = bench.record.store
        #expect(try await BundleWriter.suites([bench.uuid.prefix(8).uppercased(), "last"], in: store) == [bench.uuid])
        await #expect(throws: UserError.self) { try await BundleWriter.suites(["%"], in: store) }
        await #expect(throws: UserError.self) { try await BundleWriter.suites([""], in: store) }
        await #expect(throws: UserError.self) {
            try await BundleWriter.suites([String(bench.uuid.prefix(3))], in: store)
        }
    }
}
