import Core
import Metering
import Synchronization

/// The samples of one window. They are fetched every few seconds, because a meter keeps only so many.
final class SampleCollector: Sendable {
    private static let interval = Duration.seconds(10)

    private let metering: any EnergyMeasuring
    private let samples = Mutex<[Sample]>([])

    init(_ metering: any EnergyMeasuring) { self.metering = metering }

    func drop() async {
        _ = await metering.takeSamples()
        samples.withLock { $0 = [] }
    }

    func collectUntilCancelled() async {
        while (try? await Task.sleep(for: Self.interval)) != nil { await fetch() }
    }

    func finish() async -> [Sample] {
        await fetch()
        // A counter's energy at the window's start comes with its end.
        return samples.withLock { $0.sorted { $0.time < $1.time } }
    }

    private func fetch() async {
        let new = await metering.takeSamples()
        samples.withLock { $0 += new }
    }
}
