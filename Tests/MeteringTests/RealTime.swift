import Accounting
import Core
import Host
import Metering
import Testing

/// What measures real time, and is run alone.
@Suite(.serialized) enum RealTime {}

extension RealTime {
    @Suite struct ThisMachineTests {
        /// The real catalogue on the real machine: something can always be read.
        @Test func thisMachineHasAMeter() throws {
            let session = try MeteringSession(
                listings: MeterCatalogue.select(MeterCatalogue.discover(HostRoot())), intervalSeconds: 0.01)
            session.start()
            defer { session.stop() }
            let selection = try TotalSelection(meters: session.meters)
            let window = session.openWindow()
            let begin = SystemClock().now()
            SystemClock().sleep(until: begin.advanced(bySeconds: 0.5))
            let energy = try #require(session.closeWindow(window, selection: selection))
            #expect(energy.total.coverage > 0.99)
            #expect(energy.total.energy > .zero)
            #expect(energy.window.durationSeconds >= 0.5)
        }
    }
}
