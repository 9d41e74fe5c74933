import Core
import Foundation
import Recording
import Testing

@Suite(.serialized) struct DaemonTests {
    @Test func runsASuiteShowsItAndStopsCleanly() async throws {
        let scratch = try Scratch()
        let daemon = try await scratch.daemon()
        let run = try await scratch.run("text-generation", repeats: 2, count: 300)
        #expect(run.status == 0, "\(run.error)")
        #expect(run.error.contains("repeat 2/2: 300 inferences"))
        #expect(run.output.contains("text generation"))
        // The record is the daemon's, and every command reads it through the daemon.
        let table = try await scratch.taskwatt("table", "--format", "json")
        #expect(try Rows(table.output).rows.map(\.n) == [2])
        let none = try await scratch.taskwatt("table", "--model", "no/such model & more", "--until", "2020-01-01")
        #expect(none.status == 64 && none.error.contains("unknown model `no/such model & more`"))
        let same = try await scratch.taskwatt("compare", "last", "date:today")
        #expect(same.status == 64 && same.error.contains("2 runs"))
        let unknown = try await scratch.taskwatt("compare", "last-5", "last")
        #expect(unknown.status == 64 && unknown.error.contains("`last-5` does not name one suite"))
        let runs = try await scratch.taskwatt("export", "--runs")
        #expect(runs.output.split(separator: "\r\n").count == 1 + 5)
        let status = try await scratch.taskwatt("status")
        let line = try #require(
            status.output.split(separator: "\n").first { $0.hasPrefix("job 1: ") })
        let ended =
            /job 1: quick \(text-generation\) completed \w{3} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d after \d[\d.]* (ms|s|min), [0-9a-f-]{36}/
        #expect(line.wholeMatch(of: ended) != nil, "\(line)")
        #expect(status.output.contains("W now"))
        try await daemon.stop()
        #expect(!FileManager.default.fileExists(atPath: "\(scratch.state)/taskwatt.sock"))
        #expect(try await scratch.taskwatt("status").status == 1)
        // Samples that belong to no run are kept too.
        let store = try #require(try Store.existing(directory: scratch.state))
        #expect(try store.samples().contains { $0.run == nil })
        // `--idle 0.2` went with the job: the suite's own baseline is of three blocks, whose scatter is known.
        let idle = try store.runs(RunFilter(stage: .idle)).map(\.record)
        #expect(idle.count == 1 && idle[0].idlePower != nil && idle[0].idlePowerUncertainty == nil)
    }

    @Test func sessionsAreOneJobAndOneTableHereAndInTheDaemon() async throws {
        let scratch = try Scratch()
        func run() async throws -> Outcome {
            try await scratch.run(repeats: 2, "--sessions", "2", "--session-pause", "0", "--json")
        }
        let here = try await run()
        #expect(here.status == 0, "\(here.error)")
        let daemon = try await scratch.daemon()
        let there = try await run()
        #expect(there.status == 0, "\(there.error)")
        let comparison = try await scratch.taskwatt("compare", "last-3", "last")
        #expect(comparison.status == 0 && comparison.output.contains("text classification"), "\(comparison.error)")
        try await daemon.stop()
        for outcome in [here, there] {
            let row = try #require(try Rows(outcome.output).rows.first)
            #expect(row.n == 4 && row.sessions == 2)
        }
        let store = try #require(try Store.existing(directory: scratch.state))
        #expect(try store.suiteRuns().count == 4 && store.runs(RunFilter(stage: .load)).count == 4)
    }

    /// The daemon may read meters that its plugins may not: what the unit gives it ends with it.
    @Test(.asRoot) func pluginsDoNotHaveTheDaemonsCapabilities() async throws {
        let scratch = try Scratch()
        // The daemon's own: it runs no plugin that others could change.
        chown(scratch.path, 65_534, 65_534)
        let directory = "\(scratch.path)/plugins/nosy"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        _ = try scratch.write(
            "plugins/nosy/plugin.yaml",
            "name: nosy\nversion: 1.0.0\ndescription: tells its rights\nprogram: nosy\ntasks: [{id: fill-mask}]\n")
        let program = try scratch.write(
            "plugins/nosy/nosy", "#!/bin/sh\ngrep ^Cap /proc/self/status >\(scratch.path)/rights\n")
        chmod(program, 0o755)
        let copy = "\(scratch.path)/taskwatt"
        try FileManager.default.copyItem(atPath: Program.taskwatt, toPath: copy)
        let prefix = [
            "/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+perfmon",
            "--ambient-caps=+perfmon",
        ]
        let daemon = try await scratch.daemon(
            prefix + [copy], environment: ["TASKWATT_PLUGIN_PATH": "\(scratch.path)/plugins"])
        _ = try await scratch.taskwatt("run", "--task", "fill-mask", "--plugin", "nosy", "--idle", "0")
        func effective(_ status: String) throws -> UInt64 {
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("CapEff:") })
            return try #require(UInt64(line.split(separator: "\t").last ?? "", radix: 16))
        }
        // CAP_PERFMON is number 38.
        let own = try String(contentsOfFile: "/proc/\(daemon.identifier)/status", encoding: .utf8)
        #expect(try effective(own) == 1 << 38)
        #expect(try effective(scratch.read("rights")) == 0)
        try await daemon.stop()
    }

    @Test func theSocketIsForOwnerAndGroup() async throws {
        let scratch = try Scratch()
        let daemon = try await scratch.daemon()
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(scratch.state)/taskwatt.sock")
        #expect(attributes[.posixPermissions] as? Int == 0o770)
        try await daemon.stop()
    }

    @Test func aSecondInstanceIsRefused() async throws {
        let scratch = try Scratch()
        let daemon = try await scratch.daemon()
        let second = try await scratch.taskwatt("serve")
        #expect(second.status == 1)
        #expect(second.errorLines.count == 1)
        #expect(second.error.contains("in use by the daemon, process \(daemon.identifier)"))
        try await daemon.stop()
    }

    /// As in a container with the socket of its host's daemon mounted: nothing is there to be read, and the daemon has it all.
    @Test func measuresWhereTheMachinesMetersAreNotToBeSeen() async throws {
        let scratch = try Scratch()
        let program = Program.taskwatt
        let contained = try scratch.write(
            "contained.sh",
            """
            set -e
            mount -t tmpfs none /sys/class
            test ! -d /sys/bus/event_source/devices || mount -t tmpfs none /sys/bus/event_source/devices
            mount -t tmpfs none /run
            touch /run/.containerenv
            '\(program)' meters >'\(scratch.path)/meters.txt'
            '\(program)' measure --json -- sleep 0.3 2>'\(scratch.path)/out.json'
            TASKWATT_STATE_DIR='\(scratch.path)/none' '\(program)' meters >'\(scratch.path)/alone.txt'
            """)
        let host = try scratch.write(
            "host.sh",
            """
            '\(program)' serve & daemon=$!
            for _ in $(seq 100); do '\(program)' status >/dev/null 2>&1 && break; sleep 0.1; done
            unshare -m bash '\(contained)'
            status=$?
            kill $daemon; wait $daemon
            exit $status
            """)
        let simulation = try Simulation(scratch, Simulation.machine())
        let outcome = try await Program.run(simulation.command(["bash", host]), environment: scratch.environment)
        #expect(outcome.status == 0, "\(outcome.error)")
        let measured = try Measured(scratch.read("out.json"))
        #expect(measured.total.provenance == "measured")
        #expect(try measured.domain("powercap/intel-rapl:0").energyJ > 0)
        let served = try scratch.read("meters.txt")
        #expect(served.contains("powercap/intel-rapl:0") && served.contains("Podman") && served.contains("daemon"))
        let alone = try scratch.read("alone.txt")
        #expect(alone.contains("-v /run/taskwatt:/run/taskwatt") && !alone.contains("modprobe"), "\(alone)")
    }

    /// What only the daemon may read, it reads for a user of its group; the command is the user's own.
    @Test(.asRoot) func measuresForAUserWhoMayNotReadTheMeters() async throws {
        let scratch = try Scratch()
        chmod(scratch.path, 0o755)
        let copy = "\(scratch.path)/taskwatt"
        try FileManager.default.copyItem(atPath: Program.taskwatt, toPath: copy)
        let simulation = try Simulation(scratch, Simulation.machine())
        // nobody, in the group of the daemon's socket. It cannot read energy_uj, which is 0400 and root's.
        let user = "setpriv --reuid=65534 --regid=65534 --groups=0"
        let script = try scratch.write(
            "both.sh",
            """
            set -e
            '\(copy)' serve & daemon=$!
            for _ in $(seq 100); do '\(copy)' status >/dev/null 2>&1 && break; sleep 0.1; done
            \(user) cat /sys/class/powercap/intel-rapl:0/energy_uj && exit 9
            \(user) '\(copy)' measure --json -- id -u 2>'\(scratch.path)/out.json'
            \(user) '\(copy)' meters >'\(scratch.path)/meters.txt'
            kill $daemon; wait $daemon
            """)
        let outcome = try await Program.run(simulation.command(["bash", script]), environment: scratch.environment)
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.output.contains("65534"))
        let measured = try Measured(scratch.read("out.json"))
        #expect(measured.total.provenance == "measured")
        #expect(try measured.domain("powercap/intel-rapl:0").energyJ > 0)
        #expect(try scratch.read("meters.txt").contains("powercap/intel-rapl:0"))
    }

    /// And without a daemon the same user is told what would help.
    @Test(.asRoot) func saysWhatWouldMakeAMeterReadable() async throws {
        let scratch = try Scratch()
        chmod(scratch.path, 0o755)
        let copy = "\(scratch.path)/taskwatt"
        try FileManager.default.copyItem(atPath: Program.taskwatt, toPath: copy)
        let simulation = try Simulation(scratch, Simulation.machine())
        let outcome = try await Program.run(
            simulation.command([
                "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy, "meters",
            ]), environment: ["HOME": "/nonexistent"])
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(outcome.output.contains("energy_uj is readable by root alone"))
        #expect(outcome.output.contains("sudo chmod a+r /sys/class/powercap/*/energy_uj"))
    }

    @Test func tellsSystemdThatItIsReadyAliveAndStopping() async throws {
        let scratch = try Scratch()
        let listener = try scratch.write(
            "listen.py",
            """
            import socket, sys
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            s.bind(sys.argv[1])
            s.settimeout(20)
            while True:
                message = s.recv(4096).decode()
                print(message, flush=True)
                if "STOPPING=1" in message: break
            """)
        let socket = "\(scratch.path)/notify"
        let systemd = try Background(
            ["/usr/bin/python3", listener, socket], environment: [:], log: "\(scratch.path)/systemd.log")
        #expect(try await eventually { FileManager.default.fileExists(atPath: socket) })
        let daemon = try await scratch.daemon(environment: ["NOTIFY_SOCKET": socket, "WATCHDOG_USEC": "600000"])
        #expect(try await eventually { systemd.text.contains("WATCHDOG=1") })
        #expect(systemd.text.contains("READY=1"))
        try await daemon.stop()
        #expect(try await systemd.status() == 0)
        #expect(systemd.text.contains("STOPPING=1"))
    }

    /// systemd's own judgement of the units, on a machine that has it: what `security` rates them at, in tenths, at most.
    @Test(arguments: [
        ("taskwatt.service", 14), ("taskwatt-plugin@.service", 10), ("taskwatt-plugin-network@.service", 19),
        ("taskwatt-backup.service", 8), ("taskwatt-metrics.service", 13),
    ])
    func theUnitsAreValidAndSandboxed(unit: String, exposure: Int) async throws {
        let scratch = try Scratch()
        let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Systemd").standardized.path
        // A unit is judged together with those that it names.
        for name in try FileManager.default.contentsOfDirectory(atPath: directory)
        where name.hasSuffix(".service") || name.hasSuffix(".socket") {
            let text = try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)
            _ = try scratch.write(name, text.replacing("/usr/bin/taskwatt", with: Program.taskwatt))
        }
        let files = [unit, unit.replacing("@.service", with: ".socket")].map { "\(scratch.path)/\($0)" }
        let verified = try await Program.run(["systemd-analyze", "verify", "--man=no"] + files)
        #expect(verified.status == 0, "\(verified.error)")
        #expect(!verified.error.contains("taskwatt"), "\(verified.error)")
        let rated = try await Program.run([
            "systemd-analyze", "security", "--offline=true", "--threshold=\(exposure)", "\(scratch.path)/\(unit)",
        ])
        #expect(rated.status == 0, "\(rated.output.suffix(300))")
    }
}
