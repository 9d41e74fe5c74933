import API
import Client
import Glibc
import Metering
package import Settings
import Terminal

extension PowerBoard {
    /// Prints what there is until it is cancelled, on a terminal in the place of what was there: of the daemon if one answers, else of the
    /// meters that this process may read.
    ///
    /// - Parameter count: so many times at most.
    package static func watch(_ surroundings: Surroundings, interval: Duration, count: Int?) async throws {
        let client = try await surroundings.daemon()
        let listings = client == nil ? try await surroundings.meters() : []
        try await Interruption.cancelling {
            var board = PowerBoard()
            var looks = 0
            while true {
                let text =
                    if let client {
                        board.look(try await client.get("/v1/meters"), try await client.status())
                    } else {
                        board.look(await MeterStatus.read(listings, patience: 1))
                    }
                if Console.isTerminal(STDOUT_FILENO) {
                    Console.screen(text, isFirst: looks == 0)
                } else {
                    Console.print(.lines(text + "\n"))
                }
                looks += 1
                if looks == count { return }
                try await Task.sleep(for: interval)
            }
        }
    }
}
