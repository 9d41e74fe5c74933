import Core

/// A meter that a session has open.
struct OpenMeter {
    let description: MeterDescription
    let reader: any MeterReader
    /// How often this meter is read: not faster than its own period makes sense, not slower than its wraps allow.
    let intervalNanoseconds: Int64
    var nextDue: MonotonicTime
    /// Whether it has given a reading, or failed to.
    var hasAnswered = false
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

    let id: Int
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
    /// An array, which is changed in place by its indices: a dictionary whose keys are gone through would be copied, with
    /// every account in it, at each change.
    private var windows: [OpenWindow] = []
    private var nextWindowID = 1
    var samples: SampleRing
    var isStopped = false

    init(meters: [OpenMeter], samples: SampleRing) {
        self.meters = meters
        self.samples = samples
    }

    // MARK: Windows

    /// Begins a window, whose accounts know what was before it.
    mutating func addWindow(at time: MonotonicTime) -> Int {
        let id = nextWindowID
        nextWindowID += 1
        windows.append(
            OpenWindow(
                id: id, phase: .opening, accounts: meters.map(\.account), start: time, suspendedAtStart: 0,
                jitter: JitterHistogram()))
        return id
    }

    /// - Returns: `nil` where there is no such window.
    func window<Value>(_ id: Int, _ body: (OpenWindow) -> Value) -> Value? {
        windows.first { $0.id == id }.map(body)
    }

    /// Changes a window in place; does nothing where there is none.
    mutating func changeWindow(_ id: Int, _ body: (inout OpenWindow) -> Void) {
        guard let index = windows.firstIndex(where: { $0.id == id }) else { return }
        body(&windows[index])
    }

    mutating func removeWindow(_ id: Int) -> OpenWindow? {
        windows.firstIndex { $0.id == id }.map { windows.remove(at: $0) }
    }

    // MARK: Readings

    /// Reads every meter that is due, and tells when the next one is.
    mutating func tick(clock: any MeteringClock) -> MonotonicTime {
        let now = clock.now()
        var next = now.advanced(bySeconds: 60)
        for index in meters.indices {
            if meters[index].nextDue <= now {
                let due = meters[index].nextDue
                let interval = meters[index].intervalNanoseconds
                let time = read(index, clock: clock)
                noteInterval(index, at: now)
                if let time { noteSample(index, at: time) }
                // Deadlines stay on their grid; those that were missed are left out, not made up for in a burst.
                let missed = max(0, (clock.now() - due) / interval)
                meters[index].nextDue = due.advanced(byNanoseconds: (missed + 1) * interval)
            }
            next = min(next, meters[index].nextDue)
        }
        return next
    }

    /// Reads one meter now, for the session's account and every window's. Nothing here allocates.
    ///
    /// - Returns: when the reading was made; `nil` if there is none.
    @discardableResult
    mutating func read(_ index: Int, clock: any MeteringClock) -> MonotonicTime? {
        let before = clock.now()
        let reading = meters[index].reader.read()
        let after = clock.now()
        if case .nothingNew = reading { return nil }
        meters[index].hasAnswered = true
        let time = meters[index].reader.readTime ?? before.advanced(byNanoseconds: (after - before) / 2)
        meters[index].account.record(reading, at: time)
        for window in windows.indices { windows[window].accounts[index].record(reading, at: time) }
        if case .gauge(let microwatts) = reading { meters[index].power = Power(microwatts: microwatts) }
        return time
    }

    private mutating func noteInterval(_ index: Int, at time: MonotonicTime) {
        if let last = meters[index].lastTick {
            let interval = Double(meters[index].intervalNanoseconds)
            let error = abs(Double(time - last) - interval) / interval
            for window in windows.indices where windows[window].phase == .open { windows[window].jitter.add(error) }
        }
        meters[index].lastTick = time
    }

    private mutating func noteSample(_ index: Int, at time: MonotonicTime) {
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
