import API
import ArgumentParser
import Suites

/// When the daemon's queue may begin a job.
struct QueueOptions: ParsableArguments {
    @Option(
        name: SuiteOption.idleBelow.long, help: SuiteOption.idleBelow.help, transform: SuiteOption.idleBelow.parsedShare
    )
    var idleBelow: Double?

    @Option(
        name: SuiteOption.deadline.long,
        help: ArgumentHelp("Skip the job if it has not started after this time: 30min, 4h, 2d.", valueName: "time"),
        transform: { text in
            guard let seconds = Schedule.seconds(text) else {
                throw ValidationError("give a time such as 90s, 30min, 4h or 2d, at most 31 days")
            }
            return seconds
        })
    var deadline: Double?
}
