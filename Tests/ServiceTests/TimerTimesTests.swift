import API
import Testing

@testable import Service

@Suite("The times of systemd's timers")
struct TimerTimesTests {
    /// As systemd 252 prints it, which gives other times in words of the time zone.
    @Test func nextAndLastAreOfTheListing() {
        let listing = #"""
            [{"next":1798761600000000,"left":1798761600000000,"last":1795880395250000,"passed":1795880395250000,
            "unit":"taskwatt-schedule@lab.timer","activates":"taskwatt-schedule@lab.service"}]
            """#
        let times = SystemdTimers.times(ofListing: listing)
        #expect(times.next == 1_798_761_600)
        #expect(times.last == 1_795_880_395.25)
    }

    @Test(arguments: ["", "[]", "not JSON", #"[{"next":0,"last":null}]"#, #"[{"next":18446744073709551615}]"#])
    func whatIsNotThereIsNotKnown(listing: String) {
        #expect(SystemdTimers.times(ofListing: listing) == SystemdTimers.Times())
    }

    @Test(arguments: [
        ("6h", "*-*-* 0/6:00:00"), ("360min", "*-*-* 0/6:00:00"), ("1h", "*-*-* 0/1:00:00"), ("24h", "*-*-* 00:00:00"),
        ("1d", "*-*-* 00:00:00"), ("15min", "*-*-* *:0/15:00"),
    ]) func everySoOftenIsACalendarEvent(text: String, event: String) {
        #expect(Schedule.calendar(every: text) == event)
    }

    @Test(arguments: ["", "5h", "90min", "7min", "2d", "30s", "0h", "-6h", "6", "1e30h"])
    func whatDividesNoDayIsNone(text: String) { #expect(Schedule.calendar(every: text) == nil) }
}
