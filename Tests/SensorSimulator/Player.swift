import Foundation
import Glibc
import Synchronization

/// Writes the sensors' files as time goes by, each at its own period. A write that comes late holds the energy of the time
/// when it was made, as a slow chip's would; the longest time between two writes is reported, for it is the update step
/// that a reader really saw.
final class Player: Sendable {
    /// One file that moves.
    struct Channel: Sendable {
        var id: String
        var path: String
        var period: Double
        var value: @Sendable (Double) -> Content
    }

    /// What a file holds at a time.
    enum Content {
        case number(Int64)
        /// The read fails.
        case unreadable
        /// The directory with the file is not there.
        case gone
    }

    private struct Progress {
        var isStopped = false
        var longestGap: [String: Double] = [:]
    }

    private let channels: [Channel]
    private let progress = Mutex(Progress())

    init(_ spec: SimulatorSpec, begin: Double) throws {
        var channels: [Channel] = []
        for zone in spec.zones ?? [] {
            var offset = 0.0
            if let after = zone.wrapsAfter, let range = zone.range {
                offset = Double(range) / 1e6 - zone.load.energy(to: begin + after)
            }
            let path = try SimulatedTree.make(zone)
            channels.append(
                Channel(id: "powercap/\(zone.zone)", path: path, period: zone.update) { [offset] time in
                    Self.content(of: zone, offset: offset, at: time, begin: begin)
                })
        }
        for (number, chip) in (spec.chips ?? []).enumerated() {
            let path = try SimulatedTree.make(chip, number: number)
            channels.append(
                Channel(id: "hwmon/\(chip.driver)", path: path, period: chip.update) { time in
                    switch chip.kind {
                    case .average:
                        let joules = chip.load.energy(to: time) - chip.load.energy(to: time - chip.update)
                        return .number(Int64(joules / chip.update * 1e6))
                    case .input: return .number(Int64(chip.load.power(at: time) * 1e6))
                    // Milliamperes at 12 V.
                    case .rail: return .number(Int64(chip.load.power(at: time) / 12 * 1000))
                    case .energy: return .number(Int64(chip.load.energy(to: time) * 1e6))
                    }
                })
        }
        self.channels = channels
    }

    /// The counter of a zone, with whatever befalls it.
    private static func content(
        of zone: SimulatorSpec.Zone, offset: Double, at time: Double, begin: Double
    ) -> Content {
        func isBetween(_ from: Double?, _ to: Double?) -> Bool {
            guard let from, let to else { return false }
            return (begin + from..<begin + to).contains(time)
        }
        if isBetween(zone.failsFrom, zone.failsTo) { return .unreadable }
        if isBetween(zone.goneFrom, zone.goneTo) { return .gone }
        var joules = zone.load.energy(to: time) + offset
        if let at = zone.stepsBackAt, time >= begin + at { joules -= 50 }
        if let back = zone.goneTo, time >= begin + back { joules -= zone.load.energy(to: begin + back) + offset }
        let unit = zone.unit ?? 1
        let microjoules = Int64((joules * 1e6 / unit).rounded(.down) * unit)
        return .number(zone.range.map { ((microjoules % $0) + $0) % $0 } ?? microjoules)
    }

    /// Plays until `stop`; the first values are written before this returns.
    func start() {
        let files = channels.map { open($0.path, O_WRONLY | O_CLOEXEC) }
        let begin = monotonic()
        for index in channels.indices {
            Self.write(channels[index].value(begin), to: files[index], of: channels[index])
        }
        let thread = Thread { [channels, self] in
            // A real chip is not kept waiting by what the machine computes. Without the right to that, gaps are reported.
            var parameter = sched_param(sched_priority: 10)
            if sched_setscheduler(0, SCHED_FIFO, &parameter) != 0 { setpriority(__priority_which_t(0), 0, -10) }
            var next = channels.map { begin + $0.period }
            var last = channels.map { _ in begin }
            while true {
                guard let earliest = next.min() else { return }
                sleep(until: earliest)
                for index in channels.indices where next[index] <= monotonic() {
                    let now = monotonic()
                    Self.write(channels[index].value(now), to: files[index], of: channels[index])
                    let gap = monotonic() - last[index]
                    last[index] = now
                    let missed = max(0, ((now - next[index]) / channels[index].period).rounded(.down))
                    next[index] += (missed + 1) * channels[index].period
                    let isStopped = progress.withLock { progress in
                        progress.longestGap[channels[index].id] = max(gap, progress.longestGap[channels[index].id] ?? 0)
                        return progress.isStopped
                    }
                    if isStopped { return }
                }
            }
        }
        thread.start()
    }

    /// The longest time between two updates of each file, in seconds.
    func stop() -> [String: Double] {
        progress.withLock { progress in
            progress.isStopped = true
            return progress.longestGap
        }
    }

    private static func write(_ content: Content, to file: Int32, of channel: Channel) {
        let directory = (channel.path as NSString).deletingLastPathComponent
        let isGone = access(directory, F_OK) != 0
        guard case .number(let value) = content else {
            // An empty file is a failed read, as ENODEV is of sysfs, for those who have it open.
            ftruncate(file, 0)
            if case .gone = content, !isGone { rename(directory, "\(directory) gone") }
            return
        }
        if isGone { rename("\(directory) gone", directory) }
        var text = "\(value)\n"
        text.withUTF8 { bytes in
            _ = pwrite(file, bytes.baseAddress, bytes.count, 0)
            // After a wrap the number is shorter than what was there.
            ftruncate(file, bytes.count)
        }
    }
}

/// CLOCK_MONOTONIC in seconds.
func monotonic() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

private func sleep(until deadline: Double) {
    let whole = deadline.rounded(.down)
    var time = timespec(tv_sec: Int(whole), tv_nsec: Int((deadline - whole) * 1e9))
    while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
}
