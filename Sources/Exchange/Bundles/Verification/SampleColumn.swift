import Core
import Foundation
import Glibc

/// What the checks read of one sample.
struct SampleEntry: Hashable {
    var time: MonotonicTime
    var energy: Energy?
    var power: Power?
    var edge: WindowEdge?
}

/// The file that samples are laid into while a run is checked: the checks go over them many times, and a day at 1 kHz is more than there
/// is memory. It is used anew for each run, and is gone with its directory.
final class SampleSpool {
    private let descriptor: Int32
    private let directory: String
    private var end: off_t = 0
    /// A disk that is full. What was read since is nothing, so it is asked for when a run is done.
    private(set) var failure: BundleError?

    init(in directory: String) throws {
        self.directory = directory
        descriptor = open("\(directory)/samples.spool", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw BundleError("\(directory) cannot be written", remedy: "make room", cause: .machine)
        }
    }

    deinit { close(descriptor) }

    /// Forgets what is there.
    func restart() {
        end = 0
        ftruncate(descriptor, 0)
    }

    /// - Returns: where it stands.
    fileprivate func append(_ bytes: UnsafeRawBufferPointer) -> off_t {
        let start = end
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = pwrite(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count, end)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                failure =
                    failure
                    ?? BundleError(
                        "\(directory) cannot be written: the disk may be full", remedy: "make room", cause: .machine)
                return start
            }
            end += off_t(count)
            rest = rest.dropFirst(count)
        }
        return start
    }

    fileprivate func read(_ bytes: UnsafeMutableRawBufferPointer, at start: off_t) {
        var done = 0
        while done < bytes.count {
            let count = pread(
                descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, start + off_t(done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                failure = failure ?? BundleError("\(directory) cannot be read", cause: .machine)
                return
            }
            done += count
        }
    }
}

/// Samples in order of time, of which a block is in memory and the others are in a spool.
final class SampleColumn: RandomAccessCollection {
    private struct Packed {
        static let none = Int64.min
        var time: Int64 = 0
        var energy = none
        var power = none
        var edge: Int64 = 0
    }

    /// Of 32 bytes each: two blocks of a column are in memory at most, so that 512 meters with three columns have 48 MiB.
    private static let blockEntries = 512

    private let spool: SampleSpool?
    private var blocks: [off_t] = []
    private var tail: [Packed] = []
    private var read: [Packed] = []
    private var readBlock = -1

    /// - Parameter spool: `nil` keeps all in memory.
    init(_ spool: SampleSpool?) { self.spool = spool }

    var startIndex: Int { 0 }
    var endIndex: Int { blocks.count * Self.blockEntries + tail.count }

    func append(_ time: MonotonicTime, energy: Energy? = nil, power: Power? = nil, edge: WindowEdge? = nil) {
        // The one value that stands for none is no power of anything.
        tail.append(
            Packed(
                time: time.nanoseconds, energy: energy?.microjoules ?? Packed.none,
                power: power?.microwatts ?? Packed.none, edge: edge == nil ? 0 : edge == .start ? 1 : 2))
        guard let spool, tail.count == Self.blockEntries else { return }
        blocks.append(tail.withUnsafeBytes { spool.append($0) })
        tail.removeAll(keepingCapacity: true)
    }

    subscript(index: Int) -> SampleEntry {
        let packed = packed(index)
        return SampleEntry(
            time: MonotonicTime(nanoseconds: packed.time),
            energy: packed.energy == Packed.none ? nil : Energy(microjoules: packed.energy),
            power: packed.power == Packed.none ? nil : Power(microwatts: packed.power),
            edge: packed.edge == 0 ? nil : packed.edge == 1 ? .start : .end)
    }

    private func packed(_ index: Int) -> Packed {
        let (block, place) = index.quotientAndRemainder(dividingBy: Self.blockEntries)
        guard block < blocks.count, let spool else { return tail[index - blocks.count * Self.blockEntries] }
        if block != readBlock {
            if read.isEmpty { read = [Packed](repeating: Packed(), count: Self.blockEntries) }
            read.withUnsafeMutableBytes { spool.read($0, at: blocks[block]) }
            readBlock = block
        }
        return read[place]
    }
}

extension RandomAccessCollection<SampleEntry> where Index == Int {
    /// The place of the first sample that is not before a time, by halving.
    func firstIndex(notBefore time: MonotonicTime) -> Int { partitioningIndex { $0.time >= time } }

    /// The place of the first sample after a time.
    func firstIndex(after time: MonotonicTime) -> Int { partitioningIndex { $0.time > time } }
}

/// The samples of one meter in one run.
struct MeterSamples {
    /// At the sampler's interval.
    let regular: SampleColumn
    /// At the edges of windows.
    let edges: SampleColumn
    /// Those of both that show a power, one for each time: the series of a gauge.
    let points: SampleColumn
    /// The largest power that is in one, in microwatts.
    private(set) var mostStated: Int64 = 0
    private var last: MonotonicTime?
    private var lastPoint: MonotonicTime?

    init(_ spool: SampleSpool? = nil) {
        (regular, edges, points) = (SampleColumn(spool), SampleColumn(spool), SampleColumn(spool))
    }

    /// - Returns: false for one that is before the sample before it.
    mutating func append(_ sample: Sample, isGauge: Bool) -> Bool {
        if let last, sample.time < last { return false }
        last = sample.time
        mostStated = max(mostStated, sample.power?.microwatts ?? 0)
        let column = sample.edge == nil ? regular : edges
        column.append(sample.time, energy: sample.energy, power: sample.power, edge: sample.edge)
        if isGauge, let power = sample.power, sample.time != lastPoint {
            points.append(sample.time, power: max(.zero, power))
            lastPoint = sample.time
        }
        return true
    }
}

/// The samples of one run, by their meters, laid out for its checks.
struct RunSamples {
    private(set) var meters: [String: MeterSamples] = [:]
    /// Meters that have samples and no energy.
    private(set) var strangers: Set<String> = []
    /// The least and the most seconds that the wall clock was before the monotonic one.
    private(set) var offsets: ClosedRange<Double>?
    private let kinds: [String: MeterKind]
    private let spool: SampleSpool?

    init(of run: RunRecord, _ spool: SampleSpool?) {
        self.spool = spool
        kinds = Dictionary(run.energy.domains.map { ($0.id, $0.kind) }, uniquingKeysWith: { first, _ in first })
        spool?.restart()
    }

    /// - Returns: what is wrong with it; `nil` of a good one.
    mutating func append(_ sample: Sample) -> String? {
        let offset = sample.wallTime - sample.time.seconds
        offsets = min(offsets?.lowerBound ?? offset, offset)...max(offsets?.upperBound ?? offset, offset)
        guard let kind = kinds[sample.meterID] else {
            strangers.insert(sample.meterID)
            return strangers.count <= BundleBounds.standard.domains ? nil : "too many meters have samples and no energy"
        }
        let isInOrder = meters[sample.meterID, default: MeterSamples(spool)].append(sample, isGauge: kind == .gauge)
        return isInOrder ? nil : "a sample of \(sample.meterID) is earlier than the one before it"
    }
}
