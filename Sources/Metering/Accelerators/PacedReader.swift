import Accounting
import Core
import Host

/// Reads a meter of a vendor's library, not faster than its value changes.
///
/// NVML's energy counter, asked far more often than it moves, tells too little; and every question wakes the driver. So time
/// is cut into periods from half a period before the first read, and the library is asked once in each: what comes again
/// within one gets `nothingNew`. Readings on a grid of the period fall in the middle of theirs, so a late one does not push
/// the next one out.
final class PacedReader: MeterReader {
    /// After a failure the library is left alone for so long: finding a lost device again takes the driver's time.
    private static let retryNanoseconds: Int64 = 1_000_000_000

    private let periodNanoseconds: Int64
    private let clock: any MeteringClock
    private let ask: () -> Reading
    private var origin: MonotonicTime?
    private var lastPeriod: Int64 = -1
    private var failureTime: MonotonicTime?

    /// - Parameter ask: asks the library.
    init(periodSeconds: Double, clock: any MeteringClock, ask: @escaping () -> Reading) {
        periodNanoseconds = max(1, Int64(saturating: periodSeconds * 1e9))
        self.clock = clock
        self.ask = ask
    }

    func read() -> Reading {
        let now = clock.now()
        if let failureTime {
            // It was told, and there is nothing new until the library is asked again.
            guard now - failureTime >= Self.retryNanoseconds else { return .nothingNew }
        } else {
            let start = origin ?? now.advanced(byNanoseconds: -periodNanoseconds / 2)
            origin = start
            let period = (now - start) / periodNanoseconds
            guard period != lastPeriod else { return .nothingNew }
            lastPeriod = period
        }
        let reading = ask()
        switch reading {
        case .failed, .gone: failureTime = now
        case .counter, .gauge, .nothingNew, .noData: failureTime = nil
        }
        return reading
    }
}
