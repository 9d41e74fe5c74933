import Core

/// A meter that a session has open.
struct OpenMeter {
    let description: MeterDescription
    let reader: any MeterReader
    /// How often this meter is read: not faster than its own period makes sense, not slower than its wraps allow.
    let intervalNanoseconds: Int64
    var nextDue: MonotonicTime
    var lastTick: MonotonicTime?
    /// The account since the session began; a window's account starts as a copy of it, and so knows the power before.
    var account: EnergyAccount
    /// At the last regular tick, to tell the power since then.
    var tickCumulative: Energy?
    var tickTime: MonotonicTime?
    var power: Power?
}

/// A window that is opening, open or settling.
struct OpenWindow {
    enum Phase { case opening, open, settling }

    var phase: Phase
    var accounts: [EnergyAccount]
    var start: MonotonicTime
    var end: MonotonicTime?
    var suspendedAtStart: Int64
    var jitter: JitterHistogram
}

/// All that a session changes as it samples; its lock is the session's.
struct SamplerState {
    var meters: [OpenMeter]
    var windows: [Int: OpenWindow] = [:]
    var nextWindowID = 1
    var samples: SampleRing
    var isStopped = false

    /// Reads every meter that is due, and tells when the next one is.
    mutating func tick(clock: any MeteringClock) -> MonotonicTime {
        let now = clock.now()
        var next = now.advanced(bySeconds: 60)
        for index in meters.indices {
            if meters[index].nextDue <= now {
                let due = meters[index].nextDue
                let interval = meters[index].intervalNanoseconds
                let time = read(index, clock: clock)
                noteTick(index, at: time)
                // Deadlines stay on their grid; those that were missed are left out, not made up for in a burst.
                let missed = max(0, (clock.now() - due) / interval)
                meters[index].nextDue = due.advanced(byNanoseconds: (missed + 1) * interval)
            }
            next = min(next, meters[index].nextDue)
        }
        return next
    }

    /// Reads one meter now, for the session's account and every window's. Nothing here allocates.
    @discardableResult
    mutating func read(_ index: Int, clock: any MeteringClock) -> MonotonicTime {
        let before = clock.now()
        let reading = meters[index].reader.read()
        let after = clock.now()
        let time = before.advanced(byNanoseconds: (after - before) / 2)
        meters[index].account.record(reading, at: time)
        for id in windows.keys {
            windows[id]?.accounts[index].record(reading, at: time)
        }
        if case .gauge(let microwatts) = reading { meters[index].power = Power(microwatts: microwatts) }
        return time
    }

    private mutating func noteTick(_ index: Int, at time: MonotonicTime) {
        if let last = meters[index].lastTick {
            let interval = Double(meters[index].intervalNanoseconds)
            let error = abs(Double(time - last) - interval) / interval
            for id in windows.keys where windows[id]?.phase == .open { windows[id]?.jitter.add(error) }
        }
        meters[index].lastTick = time
        let cumulative = meters[index].account.cumulative
        if let cumulative {
            if let before = meters[index].tickCumulative, let beforeTime = meters[index].tickTime {
                meters[index].power = (cumulative - before).over(time.seconds(since: beforeTime))
            }
            meters[index].tickCumulative = cumulative
            meters[index].tickTime = time
        }
        samples.append(
            RawSample(meter: index, time: time, energy: cumulative, power: meters[index].power))
    }
}

/// A sample before it gets its names.
struct RawSample {
    var meter: Int
    var time: MonotonicTime
    var energy: Energy?
    var power: Power?
}

/// A buffer of fixed size between the sampler and whoever records; when nobody takes samples out, the oldest make room.
struct SampleRing {
    private var storage: [RawSample?]
    private var head = 0
    private var count = 0

    init(capacity: Int) { storage = Array(repeating: nil, count: capacity) }

    mutating func append(_ sample: RawSample) {
        storage[(head + count) % storage.count] = sample
        if count < storage.count { count += 1 } else { head = (head + 1) % storage.count }
    }

    mutating func drain() -> [RawSample] {
        let all = (0..<count).compactMap { storage[(head + $0) % storage.count] }
        head = 0
        count = 0
        return all
    }
}
