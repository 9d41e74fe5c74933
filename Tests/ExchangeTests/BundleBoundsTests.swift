import Core
import Foundation
import Glibc
import TestSupport
import Testing

@testable import Exchange

/// Each bound of a bundle at its number and beyond, and checks whose time goes with the length of what they check.
@Suite(.timeLimit(.minutes(2))) struct BundleBoundsTests {
    private let bench: BundleBench

    init() throws { bench = try BundleBench() }

    private func problem(of file: String, _ bounds: BundleBounds) async throws -> String? {
        do {
            _ = try await BundleVerifier.verify(try await UnpackedBundle(file, bounds: bounds), version: "9.9")
            return nil
        } catch let error as BundleError {
            return error.description
        }
    }

    /// The bound at what the bench's bundle has, and one less.
    private func isBound<Number: FixedWidthInteger>(
        _ bound: WritableKeyPath<BundleBounds, Number>, at number: Number, _ file: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        var bounds = BundleBounds.standard
        bounds[keyPath: bound] = number
        #expect(try await problem(of: file, bounds) == nil, "\(bound)", sourceLocation: sourceLocation)
        bounds[keyPath: bound] = number - 1
        let found = try await problem(of: file, bounds)
        #expect(found?.contains("\(number - 1)") == true, "\(bound): \(found ?? "")", sourceLocation: sourceLocation)
    }

    @Test func numbers() async throws {
        let file = try await bench.bundle()
        let folder = try bench.unpack(file)
        func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }
        func longestLine(_ name: String) throws -> Int {
            try bytes("\(folder)/suites/\(bench.uuid)/\(name)").split(separator: UInt8(ascii: "\n")).map(\.count).max()
                ?? 0
        }
        let manifest = try bytes("\(folder)/manifest.json")
        let files = try JSONDecoder().decode(BundleManifest.self, from: Data(manifest)).files
        try await isBound(\.files, at: files.count, file)
        try await isBound(\.manifestBytes, at: Int64(manifest.count), file)
        try await isBound(\.runs, at: 4, file)
        try await isBound(\.domains, at: 2, file)
        try await isBound(\.meters, at: 2, file)
        try await isBound(\.runBytes, at: longestLine("runs.jsonl"), file)
        try await isBound(\.sampleBytes, at: longestLine("samples.csv"), file)
        var bounds = BundleBounds.standard
        bounds.bytes = files.reduce(0) { $0 + $1.bytes }
        #expect(try await problem(of: file, bounds) == nil)
        bounds.bytes -= 1
        #expect(try await problem(of: file, bounds)?.contains("would unpack to") == true)
    }

    /// What a run names many times over would be looked for as often in each check.
    @Test func aDomainIsThereOnce() async throws {
        let twice = try await bench.altered(
            "runs.jsonl",
            """
            import json
            lines = [json.loads(line) for line in text.splitlines()]
            lines[1]['energy']['domains'] *= 2
            text = ''.join(json.dumps(line) + chr(10) for line in lines)
            """)
        #expect(try await problem(of: twice, .standard)?.contains("runs.jsonl, line 2") == true)
        let many = try await bench.altered(
            "runs.jsonl",
            """
            import json
            lines = [json.loads(line) for line in text.splitlines()]
            lines[1]['energy']['total']['domain_ids'] *= 300
            text = ''.join(json.dumps(line) + chr(10) for line in lines)
            """)
        #expect(try await problem(of: many, .standard)?.contains("runs.jsonl, line 2") == true)
    }

    /// 33 KB of zstd that are 1 GiB of zeros after the archive's end were read to the end.
    @Test func whatFollowsTheEndIsNotRead() async throws {
        let file = try await bench.bundle()
        func padded(_ bytes: String) throws -> String {
            let name = bench.file("padded-\(bytes)")
            try shell("(zstd -dcq \"$1\"; head -c \(bytes) /dev/zero) | zstd -qf -o \"$2\"", file, name)
            return name
        }
        #expect(try await problem(of: padded("\(100 * 512)"), .standard) == nil)
        let found = try await problem(of: padded("1G"), .standard)
        #expect(found?.contains("\(BundleBounds.standard.endBlocks)") == true)
        var bounds = BundleBounds.standard
        // The end of an archive is two blocks.
        bounds.endBlocks = 1
        #expect(try await problem(of: file, bounds) != nil)
    }

    /// A window of zstd of 128 MiB is memory that nobody's bundle asks for.
    @Test func theWindowOfZstdIsBounded() async throws {
        let file = try await bench.bundle()
        let wide = bench.file("wide")
        try shell(
            "(zstd -dcq \"$1\"; head -c 10000 /dev/zero) | zstd -q --long=27 --ultra -1 -o \"$2\"", file, wide)
        #expect(try await problem(of: wide, .standard) != nil)
        let ours = bench.file("ours")
        try shell("zstd -dcq \"$1\" | zstd -q -19 -o \"$2\"", file, ours)
        #expect(try await problem(of: ours, .standard) == nil)
    }

    // MARK: Time that goes with the length

    private static func edges(_ count: Int) -> MeterSeries {
        var samples = MeterSamples()
        for index in 0..<count {
            _ = samples.append(
                Sample(
                    meterID: "m", time: MonotonicTime(nanoseconds: 1_000_000_000 + Int64(index / 2) * 10_000),
                    wallTime: 0, energy: Energy(microjoules: Int64(index)), power: nil,
                    edge: index.isMultiple(of: 2) ? .end : .start), isGauge: false)
        }
        return MeterSeries(
            meter: BundleBench.counter,
            window: Window(start: MonotonicTime(seconds: 0), end: MonotonicTime(seconds: 1000)), intervalSeconds: 0.1,
            samples: samples)
    }

    /// Seconds of this thread's CPU time, which other work on the machine does not change.
    private static func seconds(_ body: () -> Void) -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let start = now()
        body()
        return now() - start
    }

    /// Was quadratic: a file of 507 KB held everything up. Four times the edges are four times the work, and not sixteen.
    @Test func blocksOfAnIdleWindowAreFoundInLinearTime() {
        func check(_ count: Int) -> Double {
            let series = Self.edges(count)
            return Self.seconds {
                for block in series.innerWindows(most: .max) { _ = series.energyBetweenEdges(block) }
            }
        }
        _ = check(1000)
        let (short, long) = (check(4000), check(16_000))
        #expect(long < 9 * short, "\(short) s and \(long) s")
    }

    /// Any number of edges in one microsecond.
    @Test func edgesAtOneMoment() {
        func check(_ count: Int) -> Double {
            var samples = MeterSamples()
            for index in 0..<count {
                _ = samples.append(
                    Sample(
                        meterID: "m", time: MonotonicTime(seconds: 5), wallTime: 0, energy: Energy(microjoules: 1),
                        power: nil, edge: index.isMultiple(of: 2) ? .start : .end), isGauge: false)
            }
            let window = Window(start: MonotonicTime(seconds: 0), end: MonotonicTime(seconds: 10))
            let series = MeterSeries(meter: BundleBench.counter, window: window, intervalSeconds: 0.1, samples: samples)
            return Self.seconds {
                for block in series.innerWindows(most: .max) { _ = series.energyBetweenEdges(block) }
            }
        }
        _ = check(1000)
        let (short, long) = (check(4000), check(16_000))
        #expect(long < 9 * short, "\(short) s and \(long) s")
    }

    @Test func blocksOfAnIdleWindowHaveABound() {
        #expect(Self.edges(100).innerWindows(most: 10).count == 11)
        #expect(Self.edges(20).innerWindows(most: 10).count < 11)
    }

    // MARK: Samples on the disk

    /// A column that is laid into a spool gives back what one in memory does.
    @Test func theSpoolGivesBackWhatWasLaidThere() throws {
        let spool = try SampleSpool(in: bench.directory.path)
        for round in 1...2 {
            spool.restart()
            var (laid, kept) = (MeterSamples(spool), MeterSamples())
            for index in 0..<(round * 3000) {
                let edge: WindowEdge? = index.isMultiple(of: 7) ? .start : index.isMultiple(of: 11) ? .end : nil
                let sample = Sample(
                    meterID: "m", time: MonotonicTime(nanoseconds: Int64(index) * 1000), wallTime: 0,
                    energy: index.isMultiple(of: 3) ? nil : Energy(microjoules: Int64(index)),
                    power: index.isMultiple(of: 5) ? nil : Power(microwatts: Int64(-index)), edge: edge)
                let isTaken = (laid.append(sample, isGauge: true), kept.append(sample, isGauge: true))
                #expect(isTaken == (true, true))
            }
            #expect(laid.regular.elementsEqual(kept.regular) && laid.edges.elementsEqual(kept.edges))
            #expect(laid.points.elementsEqual(kept.points))
            #expect(laid.regular.reversed().elementsEqual(kept.regular.reversed()))
            #expect(spool.failure == nil)
            let early = Sample(
                meterID: "m", time: MonotonicTime(nanoseconds: 5), wallTime: 0, energy: nil, power: nil)
            let isTaken = laid.append(early, isGauge: true)
            #expect(!isTaken)
        }
    }
}
