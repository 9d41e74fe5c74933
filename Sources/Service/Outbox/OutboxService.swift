import API
import Core
import Forwarding
import Host
import Listening
import Logging
import Recording
import ServiceLifecycle

/// Has the outbox sent while nothing is measured: to pack a bundle takes a processor for a moment, and the network's interrupts take what a
/// measurement would see as others' share.
struct OutboxService: Service {
    /// How often it is looked for something to send, and for a quiet moment.
    private static let look = Duration.seconds(5)
    /// After an error of the record, which is told once.
    private static let pause = Duration.seconds(60)

    let sender: Sender?
    let queue: JobQueue
    let sessions: ClientSessions
    let store: Store
    let logger: Logger

    func run() async throws {
        guard let sender else { return try await gracefulShutdown() }
        await withTaskExecutorPreference(WorkerThreads.outbox) { await send(sender) }
    }

    private func send(_ sender: Sender) async {
        var gate = QuietGate(at: Clocks.monotonic())
        var problem: String?
        while true {
            var pause = Self.look
            let isMeasuring = await isMeasuring
            if gate.opens(isMeasuring: isMeasuring, at: Clocks.monotonic()) {
                do throws(StoreError) {
                    let step = try await sender.step()
                    tell(step)
                    // What is sent is followed by the next at once, where nothing is measured.
                    switch step {
                    case .idle, .postponed: break
                    default: if !isMeasuring { pause = .zero }
                    }
                    problem = nil
                } catch {
                    if problem != "\(error)" { logger.error("the outbox cannot be read or written: \(error)") }
                    problem = "\(error)"
                    pause = Self.pause
                }
            } else {
                sender.watch.look(store)
            }
            guard await EventStream.sleep(pause) else { return }
        }
    }

    var isMeasuring: Bool {
        get async {
            if await sessions.count > 0 { return true }
            // Whoever holds the queue measures in a process of his own.
            if await !queue.holds.isEmpty { return true }
            return await queue.counts.now[.running, default: 0] > 0
        }
    }

    /// Lets nothing be sent while something is measured. On a machine that never rests one suite is, every six hours.
    struct QuietGate {
        /// In seconds.
        static let patience = 6 * 3600.0

        private var opened: MonotonicTime

        init(at now: MonotonicTime) { opened = now }

        mutating func opens(isMeasuring: Bool, at now: MonotonicTime) -> Bool {
            guard !isMeasuring || now.seconds(since: opened) >= Self.patience else { return false }
            opened = now
            return true
        }
    }

    private func tell(_ step: Sender.Step) {
        switch step {
        case .sent(let entry, let wasThere):
            let known = wasThere ? ", which had it already" : ""
            logger.info("the suite run \(entry.suiteRun) is sent (\(entry.destination.rawValue)\(known))")
        case .parked(let entry):
            let place = entry.destination.rawValue
            logger.error(
                "the suite run \(entry.suiteRun) is refused (\(place)): \(entry.problem ?? ""); `taskwatt send` tries it again"
            )
        case .postponed(let entry):
            // Once, and then as it goes on: the first, the tenth, every hundredth.
            guard entry.attempts == 1 || entry.attempts == 10 || entry.attempts % 100 == 0 else { return }
            let place = "\(entry.destination.rawValue), attempt \(entry.attempts)"
            logger.warning("the suite run \(entry.suiteRun) waits (\(place)): \(entry.problem ?? "")")
        case .dropped, .idle: break
        }
    }
}
