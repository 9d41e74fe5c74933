import Dispatch

/// Runs what blocks for a while on a thread of its own: the threads that all tasks share are as few as the CPUs.
package func offPool<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(returning: work()) }
    }
}
