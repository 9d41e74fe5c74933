import Accounting
import Core
import Host

/// A meter that a session has open.
struct OpenMeter {
    let description: MeterDescription
    /// `nil` once its device has gone: nothing of it stays open.
    private(set) var reader: (any MeterReader)?
    private var open: @Sendable () -> any MeterReader
    /// How often this meter is read: not faster than its own period makes sense, not slower than its wraps allow.
    let intervalNanoseconds: Int64
    var nextDue: MonotonicTime
    /// Whether it has given a reading, or failed to.
    var hasAnswered = false
    var lastTick: MonotonicTime?
    var firstTick: MonotonicTime?
    /// Whether its value changes.
    var life: LifeSigns
    /// The account since the session began; a window's account starts as a copy of it, and so knows the power before.
    var account: EnergyAccount
    /// At the last regular tick, to tell the power since then.
    var tickCumulative: Energy?
    var tickTime: MonotonicTime?
    var power: Power?
    /// The last reading that said something, if only that the meter has not answered yet.
    private(set) var lastReading: Reading?
    private(set) var scrapes = MeterScrapes()
    private var outage: Outage
    /// Whether the next regular reading is not one interval after the last one, on purpose.
    private var isOffGrid = false

    init(
        description: MeterDescription, open: @escaping @Sendable () -> any MeterReader, intervalNanoseconds: Int64,
        nextDue: MonotonicTime, life: LifeSigns, account: EnergyAccount
    ) {
        self.description = description
        self.open = open
        self.intervalNanoseconds = intervalNanoseconds
        self.nextDue = nextDue
        self.life = life
        self.account = account
        reader = open()
        outage = Outage(intervalNanoseconds: intervalNanoseconds)
    }

    /// Whether its device had gone.
    var isClosed: Bool { reader == nil }

    /// Opens it again where its device had gone.
    ///
    /// - Parameter open: where it is now; `nil` for where it was.
    mutating func reopen(at now: MonotonicTime, _ open: (@Sendable () -> any MeterReader)? = nil) {
        guard isClosed else { return }
        if let open { self.open = open }
        reader = self.open()
        outage.end()
        (nextDue, isOffGrid) = (now, true)
    }

    /// Opens it again where its device had gone and is back. A look that finds nothing is no reading, and is told nobody.
    mutating func lookAgain() {
        guard isClosed else { return }
        let found = open()
        if case .gone = found.read() { return }
        reader = found
        outage.end()
    }

    /// What came of its last reading; `nil` before the first.
    var condition: MeterCondition? {
        lastReading.map { MeterCondition($0, isPlausible: account.isPlausible($0)) }
    }

    /// Reads the meter for the session's account.
    ///
    /// - Parameters:
    ///   - latest: the time just before; becomes the time just after.
    ///   - isEdge: whether it is for a window's edge.
    ///   - longest: a reading that took longer, in nanoseconds, is dropped: nobody knows when in that time it was made.
    /// - Returns: `nil` if there is nothing new.
    mutating func read(
        latest: inout MonotonicTime, clock: any MeteringClock, isEdge: Bool = false, longest: Int64 = .max
    ) -> TimedReading? {
        let before = latest
        guard let reader, outage.mayRead(at: before, isEdge: isEdge) else { return nil }
        let reading = isEdge ? reader.readAtEdge() : reader.read()
        latest = clock.now()
        let took = latest - before
        guard reading.isAnswer else {
            if case .noData = reading { lastReading = reading }
            return nil
        }
        lastReading = reading
        scrapes.note(reading, isPlausible: account.isPlausible(reading), took: reader.tookNanoseconds ?? took)
        switch reading {
        // What is polled in the background is left alone there.
        case .failed where !reader.isPolled: outage.noteFailure(at: latest, took: took)
        case .gone: self.reader = nil
        default: outage.end()
        }
        // A failure has no time of its own that could be wrong.
        if took > longest, reading.value != nil { return nil }
        hasAnswered = true
        let time = reader.readTime ?? before.advanced(byNanoseconds: took / 2)
        account.record(reading, at: time)
        life.note(reading, at: time)
        switch reading {
        case .gauge(let microwatts) where account.isPlausible(microwatts):
            power = Power(microwatts: microwatts)
            life.movement.note(Double(microwatts), at: time)
        // What is not known is not zero.
        case .noData, .failed, .gone, .gauge: power = nil
        case .counter, .nothingNew: break
        }
        return TimedReading(reading: reading, time: time)
    }

    /// A regular reading, which was due.
    ///
    /// - Parameters:
    ///   - now: when the sampler woke up.
    ///   - latest: as in `read`.
    ///   - isMeasured: whether a window is open.
    /// - Returns: the reading, and the error of the interval since the tick before, relative to the nominal one.
    mutating func tick(
        at now: MonotonicTime, latest: inout MonotonicTime, clock: any MeteringClock, isMeasured: Bool
    ) -> (TimedReading?, intervalError: Double?) {
        let timed = read(latest: &latest, clock: clock)
        var error: Double?
        if let lastTick, !isOffGrid {
            error = abs(Double(now - lastTick) - Double(intervalNanoseconds)) / Double(intervalNanoseconds)
        }
        isOffGrid = false
        lastTick = now
        if firstTick == nil { firstTick = now }
        if isClosed {
            // The time goes on, unseen. In a window, whose account it is missing in, it is looked for more often.
            (nextDue, isOffGrid) = (now.advanced(bySeconds: isMeasured ? 0.1 : 1), true)
            return (timed, error)
        }
        // Deadlines stay on their grid; those that were missed are left out, not made up for in a burst.
        let late = latest - nextDue
        let missed = late < intervalNanoseconds ? 0 : late / intervalNanoseconds
        nextDue = nextDue.advanced(byNanoseconds: (missed + 1) * intervalNanoseconds)
        // One that fails wakes nobody before it is tried again.
        let left = outage.retryTime - nextDue
        if left > 0 {
            nextDue = nextDue.advanced(byNanoseconds: ((left - 1) / intervalNanoseconds + 1) * intervalNanoseconds)
            isOffGrid = true
        }
        if let timed, case .counter = timed.reading { notePower(at: timed.time) }
        return (timed, error)
    }

    /// The power of a counter is that since the regular reading before.
    private mutating func notePower(at time: MonotonicTime) {
        guard let cumulative = account.cumulative else { return }
        if account.isAfterGap {
            power = nil
        } else if let before = tickCumulative, let beforeTime = tickTime {
            power = (cumulative - before).over(time.seconds(since: beforeTime))
            if let power { life.movement.note(Double(power.microwatts), at: time) }
        }
        tickCumulative = cumulative
        tickTime = time
    }
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
    /// Each open window costs a little at every reading; of those that nobody closes the oldest are dropped.
    private static let mostWindows = 64
    private var nextWindowID = 1
    var samples: SampleRing
    /// Of all intervals since the session began.
    private(set) var jitter = JitterHistogram()
    var isStopped = false
    private let load: ProcessorLoad?
    private var loadMovement = Movement()

    /// - Parameter load: what meters that stand still are held against, beside each other.
    init(meters: [OpenMeter], samples: SampleRing, load: ProcessorLoad? = nil) {
        self.meters = meters
        self.samples = samples
        self.load = load
    }

    /// Stops, and lets go of everything.
    mutating func close() {
        isStopped = true
        meters = []
        windows = []
        samples = SampleRing(capacity: 0)
    }

    // MARK: Windows

    /// Begins a window, whose accounts know what was before it.
    mutating func addWindow(at time: MonotonicTime) -> Int {
        let id = nextWindowID
        nextWindowID += 1
        if windows.count >= Self.mostWindows { windows.removeFirst() }
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

    /// Opens the meters again whose devices had gone, at a window's edges: whoever measures for a while and looks for no meters then
    /// notices that one is back.
    mutating func reopenClosed(at now: MonotonicTime) {
        for index in meters.indices where meters[index].isClosed { meters[index].reopen(at: now) }
    }

    /// Reads every meter that is due, and tells when the next one is. Nothing here allocates.
    mutating func tick(clock: any MeteringClock) -> MonotonicTime {
        let now = clock.now()
        var next = now.advanced(bySeconds: 60)
        // The time after one reading is the time before the next: a reading costs one look at the clock.
        var latest = now
        // How far off the sampler woke up is told once, by the first meter that was due.
        var intervalError: Double?
        for index in meters.indices {
            if meters[index].nextDue <= now {
                if !windows.isEmpty { meters[index].lookAgain() }
                let (reading, error) = meters[index].tick(
                    at: now, latest: &latest, clock: clock, isMeasured: !windows.isEmpty)
                if intervalError == nil { intervalError = error }
                if let reading {
                    note(index, reading)
                    samples.append(
                        RawSample(
                            meter: index, time: reading.time, energy: meters[index].tickCumulative,
                            power: meters[index].power))
                }
            }
            next = min(next, meters[index].nextDue)
        }
        if let share = load?.share(at: now) { loadMovement.note(share, at: now, isShare: true) }
        if let intervalError {
            jitter.add(intervalError)
            for window in windows.indices where windows[window].phase == .open {
                windows[window].jitter.add(intervalError)
            }
        }
        return next
    }

    /// Whether something else moved since a meter has the value that it has. An accelerator that idles may say the same all day,
    /// whatever the processors do: against its value only another meter of its own silicon says anything.
    func hasMovedBeside(_ index: Int) -> Bool {
        let (own, since) = (meters[index].description, meters[index].life.since)
        let isAlone = own.scope == .accelerator && meters[index].life.value != 0
        if !isAlone, loadMovement.happened(after: since) { return true }
        return meters.indices.contains { other in
            other != index && (!isAlone || meters[other].description.silicon == own.silicon)
                && meters[other].life.movement.happened(after: since)
        }
    }

    /// Whether a meter's value has stood still for too long to be one.
    func isDead(_ index: Int, at now: MonotonicTime) -> Bool {
        let (meter, life) = (meters[index].description, meters[index].life)
        guard meter.isWatched, let value = life.value, !meter.mayStand(at: value) else { return false }
        return life.readings >= MeterEvidence.deadReadings
            && now.seconds(since: life.since) >= MeterEvidence.deadSeconds && hasMovedBeside(index)
    }

    /// Reads one meter now, for the session's account and every window's.
    ///
    /// - Parameters:
    ///   - edge: keeps a gauge's reading among the samples: a window's energy is made of it too.
    ///   - longest: a reading that took longer, in nanoseconds, is dropped.
    mutating func read(_ index: Int, edge: WindowEdge? = nil, clock: any MeteringClock, longest: Int64 = .max) {
        var latest = clock.now()
        guard let reading = meters[index].read(latest: &latest, clock: clock, isEdge: true, longest: longest)
        else { return }
        note(index, reading)
        if let edge, case .gauge = reading.reading {
            samples.append(
                RawSample(meter: index, time: reading.time, energy: nil, power: meters[index].power, edge: edge))
        }
    }

    /// Keeps among the samples from which reading of each gauge a window begins.
    mutating func noteGaugesAtStart() {
        for index in meters.indices {
            guard let last = meters[index].account.lastGaugeSample else { continue }
            samples.append(RawSample(meter: index, time: last.time, energy: nil, power: last.power, edge: .start))
        }
    }

    /// Keeps among the samples what the counters' energies were at a window's edges.
    mutating func noteCounters(of window: OpenWindow, end: MonotonicTime) {
        for (index, account) in window.accounts.enumerated() {
            guard let edges = account.edges else { continue }
            samples.append(
                RawSample(meter: index, time: window.start, energy: edges.start, power: nil, edge: .start))
            samples.append(RawSample(meter: index, time: end, energy: edges.end, power: nil, edge: .end))
        }
    }

    /// Hands a reading to the windows.
    private mutating func note(_ index: Int, _ timed: TimedReading) {
        for window in windows.indices { windows[window].accounts[index].record(timed.reading, at: timed.time) }
    }
}

/// A sample before it gets its names.
struct RawSample {
    var meter: Int
    var time: MonotonicTime
    var energy: Energy?
    var power: Power?
    var edge: WindowEdge?
}

/// A buffer of fixed size between the sampler and whoever records; when nobody takes samples out, the oldest make room.
struct SampleRing {
    private var storage: [RawSample?]
    private var head = 0
    private var count = 0

    init(capacity: Int) { storage = Array(repeating: nil, count: max(0, capacity)) }

    mutating func append(_ sample: RawSample) {
        let capacity = storage.count
        let tail = head + count
        storage[tail < capacity ? tail : tail - capacity] = sample
        if count < capacity {
            count += 1
        } else {
            head = head + 1 < capacity ? head + 1 : 0
        }
    }

    mutating func drain() -> [RawSample] {
        let all = (0..<count).compactMap { storage[(head + $0) % storage.count] }
        head = 0
        count = 0
        return all
    }
}
