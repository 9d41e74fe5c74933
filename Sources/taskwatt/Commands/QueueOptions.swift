import ArgumentParser
import Service

/// When the daemon's queue may begin a job.
struct QueueOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Wait until the CPUs were used less than this for 10 s, such as 5%.",
            valueName: "share"),
        transform: { text in
            guard let share = Schedule.share(text) else {
                throw ValidationError("give a share with a percent sign, such as 5%")
            }
            return share
        })
    var idleBelow: Double?

    @Option(
        help: ArgumentHelp("Skip the job if it has not started after this time: 30min, 4h, 2d.", valueName: "time"),
        transform: { text in
            guard let seconds = Schedule.seconds(text) else {
                throw ValidationError("give a time such as 90s, 30min, 4h or 2d, at most 31 days")
            }
            return seconds
        })
    var deadline: Double?
}
