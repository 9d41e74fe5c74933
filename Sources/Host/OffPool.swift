import Foundation

/// Runs what blocks for a while on a thread of its own: the threads that all tasks share are as few as the CPUs, and a window
/// whose end waits for one of them would end late.
package func offPool<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        Thread { continuation.resume(returning: work()) }.start()
    }
}
