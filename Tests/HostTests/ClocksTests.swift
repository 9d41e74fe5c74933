import Host
import Testing

@Suite("Clocks")
struct ClocksTests {
    @Test("A deadline that has passed is no sleep", .timeLimit(.minutes(1)))
    func past() {
        let deadline = Clocks.monotonic()
        // 10,000 sleeps of even 1 ms would take 10 s.
        let taken = ContinuousClock().measure { for _ in 0..<10_000 { Clocks.sleep(until: deadline) } }
        #expect(taken < .seconds(5))
    }

    @Test("Wall time is of this age, and in seconds")
    func wall() {
        let wall = Clocks.wall()
        #expect(wall > 1_600_000_000 && wall < 1e11)
    }
}
