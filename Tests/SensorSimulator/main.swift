// Plays power sensors under /sys/class to a command, in a mount namespace of its own, with their true energy known.
//
//   sensor-simulator play SPEC.json COMMAND [ARGUMENT...]     as root, or in a user namespace without
//   sensor-simulator truth SPEC.json START END                joules of each sensor between two times of CLOCK_MONOTONIC
//
// `play` exits as the command does, and writes SPEC.json.report: when it began, and the longest time between two updates of each sensor.

import Foundation
import Glibc

func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("sensor-simulator: \(message)\n".utf8))
    exit(125)
}

/// Starts a command with our input and output and waits for it.
func wait(for command: [String]) -> Int32 {
    var arguments = command.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    let result = posix_spawnp(&process, command[0], nil, nil, &arguments, environ)
    if result != 0 { fail("\(command[0]): \(String(cString: strerror(result)))") }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
}

let arguments = CommandLine.arguments
guard arguments.count >= 4 else { fail("usage: play SPEC COMMAND..., or truth SPEC START END") }
do {
    let spec = try SimulatorSpec(file: arguments[2])
    switch arguments[1] {
    case "truth":
        guard arguments.count == 5, let start = Double(arguments[3]), let end = Double(arguments[4]) else {
            fail("truth takes SPEC START END")
        }
        var truth: [String: Double] = [:]
        for zone in spec.zones ?? [] {
            truth["powercap/\(zone.zone)"] = zone.load.energy(to: end) - zone.load.energy(to: start)
        }
        for chip in spec.chips ?? [] {
            truth["hwmon/\(chip.driver)"] = chip.load.energy(to: end) - chip.load.energy(to: start)
        }
        print(String(decoding: try JSONEncoder().encode(truth), as: UTF8.self))
    case "play":
        // A new namespace can only be entered by a process of one thread, which this one is no more.
        let unshare = ["unshare", geteuid() == 0 ? "-m" : "-Urm"]
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        exit(wait(for: unshare + [own, "inside"] + arguments[2...]))
    case "inside":
        try SimulatedTree.mountOver()
        if spec.pmu == true { try SimulatedTree.makePMU() }
        if let text = spec.sensorsConfiguration { try SimulatedTree.configureSensors(text) }
        let begin = monotonic()
        let player = try Player(spec, begin: begin)
        player.start()
        let status = wait(for: Array(arguments[3...]))
        let report = SimulatorReport(begin: begin, longestGaps: player.stop())
        try JSONEncoder().encode(report).write(to: URL(fileURLWithPath: "\(arguments[2]).report"))
        exit(status)
    default: fail("there is no `\(arguments[1])`")
    }
} catch {
    fail("\(error)")
}
