import ArgumentParser
import Service

/// When the daemon's queue may begin a job.
struct QueueOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Wait until no more than this share of the CPUs' time was used for 10 s, such as 5%.",
            valueName: "share"),
        transform: { text in
            guard let share = Schedule.share(text) else {
                throw ValidationError("it is a share with its sign, such as 5%")
            }
            return share
        })
    var idleBelow: Double?

    @Option(
        help: ArgumentHelp("Skip it when it has not begun after so long: 30min, 4h, 2d.", valueName: "time"),
        transform: { text in
            guard let seconds = Schedule.seconds(text) else {
                throw ValidationError("it is a time such as 90s, 30min, 4h or 2d, of 31 days at most")
            }
            return seconds
        })
    var deadline: Double?
}
