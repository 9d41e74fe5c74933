import Core
import Testing

@testable import Service

@Suite("The wall clock")
struct WallClockTests {
    @Test(
        "It is noticed once that it was set back, and neither a step forward, nor the machine's sleep, nor what NTP corrects"
    )
    func steps() {
        var clock = AlwaysOnSampler.WallClock()
        var (wall, time) = (1.7e9, 1000.0)
        func look(after seconds: Double, step: Double = 0) -> Bool {
            wall += seconds + step
            time += seconds
            return clock.wasSetBack(at: wall, MonotonicTime(seconds: time))
        }
        #expect(!look(after: 0))
        #expect(!look(after: 1))
        #expect(!look(after: 1, step: 7200))
        #expect(look(after: 1, step: -7200))
        #expect(!look(after: 1))
        #expect(!look(after: 1, step: -0.5))
        #expect(look(after: 1, step: -10 * 365 * 86_400))
        #expect(!look(after: 3600))
    }
}
