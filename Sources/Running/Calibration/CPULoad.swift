import Core
import Foundation
import Host
import Synchronization

/// A load on every CPU, busy for a share of the time: three kinds of work, for at one busy share they differ in power.
package final class CPULoad: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Integer arithmetic in registers.
        case integer
        /// Multiply-add on vectors, as in matrix products.
        case vector
        /// A stream over 32 MiB, past most caches.
        case memory
    }

    /// Short against a meter's averaging time, long against the scheduler's slices.
    private static let periodNanoseconds: Int64 = 20_000_000

    private let isStopped = Atomic<Bool>(false)
    private let running = DispatchGroup()

    /// Starts a thread for each logical CPU.
    ///
    /// - Parameter share: of the time that each is busy, 0 to 1.
    package init(_ kind: Kind, share: Double, threads: Int = ProcessInfo.processInfo.activeProcessorCount) {
        for _ in 0..<threads {
            running.enter()
            let thread = Thread { [self] in
                work(kind, busy: Int64(saturating: share * Double(Self.periodNanoseconds)))
                running.leave()
            }
            thread.start()
        }
    }

    /// Ends the threads and waits for them.
    package func stop() {
        isStopped.store(true, ordering: .relaxed)
        running.wait()
    }

    private func work(_ kind: Kind, busy: Int64) {
        var state = LoadState(kind)
        var begin = Clocks.monotonic()
        while !isStopped.load(ordering: .relaxed) {
            let end = begin.advanced(byNanoseconds: busy)
            while Clocks.monotonic() < end { state.step() }
            begin = begin.advanced(byNanoseconds: Self.periodNanoseconds)
            if busy < Self.periodNanoseconds { Clocks.sleep(until: begin) }
            // After a time without the CPU there is nothing to make up for.
            begin = max(begin, Clocks.monotonic().advanced(byNanoseconds: -Self.periodNanoseconds))
        }
        state.finish()
    }
}

/// The work of one thread, in steps of some ten microseconds.
private struct LoadState {
    private let kind: CPULoad.Kind
    private var integer: UInt64 = 88_172_645_463_325_252
    private var vectors = [SIMD8<Float>](repeating: SIMD8(repeating: 1), count: 8)
    private var memory: [UInt64] = []
    private var position = 0

    init(_ kind: CPULoad.Kind) {
        self.kind = kind
        if kind == .memory { memory = [UInt64](repeating: 1, count: 4_194_304) }
    }

    mutating func step() {
        switch kind {
        case .integer:
            for _ in 0..<5000 {
                // xorshift64, Marsaglia 2003.
                integer ^= integer << 13
                integer ^= integer >> 7
                integer ^= integer << 17
            }
        case .vector:
            let (factor, addend) = (SIMD8<Float>(repeating: 0.999_9), SIMD8<Float>(repeating: 0.000_1))
            for _ in 0..<500 {
                for index in vectors.indices { vectors[index] = vectors[index] * factor + addend }
            }
        case .memory:
            let end = min(position + 32_768, memory.count)
            var sum: UInt64 = 0
            for index in position..<end { sum &+= memory[index] }
            integer ^= sum
            position = end == memory.count ? 0 : end
        }
    }

    /// What was computed is used, so that no compiler leaves it out.
    func finish() { withExtendedLifetime((integer, vectors, memory)) {} }
}
