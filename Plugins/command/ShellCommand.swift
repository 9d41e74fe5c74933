import Glibc
import PluginKit
import Synchronization

/// A line for the shell, run as often as it is asked to.
///
/// Each call is a process group of its own, in the plugin's session. It is started by posix_spawn(3), which on Linux does
/// not copy the caller's memory: the start costs what a shell's start costs.
struct ShellCommand: Sendable {
    /// How a call ended.
    struct Outcome {
        /// The end of what it printed, if that was asked for.
        var output: String
        /// The last line of its standard error.
        var lastWords: String
        /// Of waitpid(2); `nil` if it took too long and was ended.
        var status: Int32?
    }

    var line: String
    var directory: String
    /// Over those of this process.
    var environment: [String: String]
    /// Seconds.
    var timeout: Double

    /// The group that runs now; 0 if none does. Held while one is started, so that none starts unseen.
    private static let running = Mutex<Int32>(0)

    /// Kills what runs now, from any thread.
    static let endRunning: @Sendable () -> Void = {
        running.withLock { group in
            if group > 0 { kill(-group, SIGKILL) }
        }
    }

    /// Runs the line once, and kills whatever of its group is left when its shell has ended.
    ///
    /// - Throws: `PluginProblem` if it cannot be started.
    func run(_ variables: [String: String] = [:], keepsOutput: Bool) throws -> Outcome {
        var output = try OutputPipe()
        var errors = try OutputPipe()
        let begin = ContinuousClock.now
        let process = try Self.running.withLock { [output, errors] group in
            group = try spawn(variables, output: keepsOutput ? output : nil, errors: errors)
            return group
        }
        defer { Self.running.withLock { $0 = 0 } }
        output.closeWriter()
        errors.closeWriter()
        var step: Int32 = 1
        var isOver = false
        while !isOver {
            // While its pipes are open it is woken by what comes, and by their end; a program that closes them early, or
            // leaves them to another process, is looked at every few milliseconds.
            let isOpen = errors.isOpen || (keepsOutput && output.isOpen)
            if isOpen {
                OutputPipe.wait(&output, &errors, milliseconds: 50)
            } else if step > 1 {
                usleep(UInt32(step) * 1000)
            }
            if !isOpen || !errors.isOpen { step = min(step * 2, 20) }
            var information = siginfo_t()
            // Not reaped yet, so that the group's number is still its own.
            isOver =
                waitid(P_PID, id_t(process), &information, WEXITED | WNOHANG | WNOWAIT) == 0
                && information._sifields._sigchld.si_pid == process
            if !isOver, (ContinuousClock.now - begin) / .seconds(1) > timeout {
                kill(-process, SIGKILL)
                reap(process)
                return Outcome(output: "", lastWords: errors.lastLine, status: nil)
            }
        }
        output.drain()
        errors.drain()
        kill(-process, SIGKILL)
        let status = reap(process)
        return Outcome(output: keepsOutput ? output.text : "", lastWords: errors.lastLine, status: status)
    }

    @discardableResult private func reap(_ process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status
    }

    private func spawn(
        _ variables: [String: String], output: OutputPipe?, errors: OutputPipe
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Standard input is the protocol's.
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        if let output {
            posix_spawn_file_actions_adddup2(&actions, output.writer, STDOUT_FILENO)
        } else {
            posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, errors.writer, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The plugin ignores SIGPIPE, and the program shall not inherit that.
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF))
        // This process has no other use for a working directory, and the program inherits it.
        guard chdir(directory) == 0 else {
            throw PluginProblem(
                "the working directory \(directory) cannot be entered: \(String(cString: strerror(errno)))")
        }
        var all = environment
        all.merge(variables) { _, new in new }
        let arguments = CStrings(["sh", "-c", line])
        let settings = CStrings(all.map { "\($0.key)=\($0.value)" })
        defer {
            arguments.free()
            settings.free()
        }
        var process: pid_t = 0
        let error = posix_spawn(&process, "/bin/sh", &actions, &attributes, arguments.pointers, settings.pointers)
        guard error == 0 else {
            throw PluginProblem("/bin/sh cannot be started in \(directory): \(String(cString: strerror(error)))")
        }
        return process
    }
}

/// A pipe of which the end is kept.
struct OutputPipe {
    private static let kept = 64 << 10

    private(set) var writer: Int32
    private(set) var isOpen = true
    private let reader: Int32
    private let owner: Descriptor
    private var bytes: [UInt8] = []

    /// Closes when nobody has it any more.
    private final class Descriptor: Sendable {
        let number: Int32
        init(_ number: Int32) { self.number = number }
        deinit { close(number) }
    }

    private var writerOwner: Descriptor?

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw PluginProblem("there are no file descriptors left", remedy: "raise the limit by `ulimit -n`")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        reader = ends[0]
        writer = ends[1]
        owner = Descriptor(reader)
        writerOwner = Descriptor(writer)
        // Only this end: a program that finds its output non-blocking may break.
        _ = fcntl(reader, F_SETFL, O_NONBLOCK)
    }

    mutating func closeWriter() { writerOwner = nil }

    /// Waits until one of the two has something or ends, and takes it.
    static func wait(_ first: inout OutputPipe, _ second: inout OutputPipe, milliseconds: Int32) {
        var descriptors = [first, second].filter(\.isOpen).map {
            pollfd(fd: $0.reader, events: Int16(POLLIN), revents: 0)
        }
        _ = poll(&descriptors, nfds_t(descriptors.count), milliseconds)
        first.drain()
        second.drain()
    }

    /// Takes what is there now.
    mutating func drain() {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        // A program that prints without end must not keep this from looking at the time.
        for _ in 0..<64 where isOpen {
            let count = read(reader, &buffer, buffer.count)
            if count > 0 {
                bytes.append(contentsOf: buffer[..<count])
                if bytes.count > 2 * Self.kept { bytes.removeFirst(bytes.count - Self.kept) }
            } else if count == 0 {
                isOpen = false
            } else if errno != EINTR {
                return
            }
        }
    }

    var text: String { String(decoding: bytes.suffix(Self.kept), as: UTF8.self) }

    /// The last line with something in it, cut after 300 characters.
    var lastLine: String {
        let line = text.split(whereSeparator: \.isNewline).last { line in line.contains { !$0.isWhitespace } } ?? ""
        return String(line.prefix(300))
    }
}

/// A list of texts as C has them.
private struct CStrings {
    let pointers: [UnsafeMutablePointer<CChar>?]

    init(_ texts: [String]) { pointers = texts.map { strdup($0) } + [nil] }

    func free() { for pointer in pointers { Glibc.free(pointer) } }
}
