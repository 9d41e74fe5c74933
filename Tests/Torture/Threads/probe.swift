// What shows that the sanitizer and `mutex.c` do their work, before anything is taken for free of races: `race` has one, and `order` none, for
// its threads wait for each other in a Mutex.
import Foundation
import Synchronization

final class Counter: @unchecked Sendable {
    var value = 0
    let lock = Mutex<Void>(())
}

let isOrdered = CommandLine.arguments.last == "order"
let counter = Counter()
let done = DispatchSemaphore(value: 0)
let threads = (0..<4).map { _ in
    Thread {
        for _ in 0..<20_000 {
            if isOrdered { counter.lock.withLock { _ in counter.value += 1 } } else { counter.value += 1 }
        }
        done.signal()
    }
}
for thread in threads { thread.start() }
for _ in threads { done.wait() }
