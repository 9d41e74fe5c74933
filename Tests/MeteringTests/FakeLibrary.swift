import Core
import Foundation
import Glibc
import Host
import Metering
import Synchronization
import TestSupport
import Testing

/// A fake of a vendor's library, compiled from `Fixtures/<name>.c`; see the README there.
///
/// Each is a copy of its own: the dynamic linker loads a file once, and what a fake plays lies beside its file.
final class FakeLibrary: Sendable {
    private let directory: TemporaryDirectory
    let path: String
    /// The fake's own time, too: what it counts grows with this clock.
    let clock: SimulatedClock

    init(_ name: String, define: String? = nil, _ scenario: String = "") throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/lib\(name).so"
        try FileManager.default.copyItem(atPath: try CompiledFakes.path(of: name, define: define), toPath: path)
        // It stays loaded: a clock may outlive it.
        let setTime = dlopen(path, RTLD_NOW).flatMap { dlsym($0, "fake_set_time") }.map {
            unsafeBitCast($0, to: (@convention(c) @Sendable (Int64) -> Void).self)
        }
        clock = SimulatedClock { setTime?($0) }
        try play(scenario)
    }

    /// What the library plays from now on. The file takes the place of the one before at once, whole.
    func play(_ scenario: String) throws {
        try Data(scenario.utf8).write(to: URL(fileURLWithPath: path + ".scenario"), options: .atomic)
    }

    /// How often a meter's value was asked for.
    var calls: Int {
        guard let library = dlopen(path, RTLD_NOW), let symbol = dlsym(library, "fake_calls") else { return -1 }
        defer { dlclose(library) }
        return Int(unsafeBitCast(symbol, to: (@convention(c) () -> Int32).self)())
    }
}

/// The fakes that this process has compiled, each once.
private enum CompiledFakes {
    private struct CompilerFailed: Error { var name: String }

    private static let directory = Result { try TemporaryDirectory() }
    private static let made = Mutex<Set<String>>([])

    static func path(of name: String, define: String?) throws -> String {
        let path = "\(try directory.get().path)/\(name)-\(define ?? "").so"
        try made.withLock { made in
            guard !made.contains(path) else { return }
            try compile(name, define: define, to: path)
            made.insert(path)
        }
        return path
    }

    private static func compile(_ name: String, define: String?, to path: String) throws {
        let fixtures = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil)).path
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments =
            ["cc", "-shared", "-fPIC", "-O1", "-o", path, "\(fixtures)/\(name).c"] + (define.map { ["-D\($0)"] } ?? [])
            + ["-lm", "-ldl"]
        try compiler.run()
        compiler.waitUntilExit()
        guard compiler.terminationStatus == 0 else { throw CompilerFailed(name: name) }
    }
}

/// The part of sysfs that tells of a PCI function.
func pciFunction(_ address: String, vendor: String, class code: String) -> [String: String] {
    let path = "/sys/bus/pci/devices/\(address)"
    return ["\(path)/vendor": vendor + "\n", "\(path)/class": code + "\n"]
}

extension MeterListing {
    /// The reason and the remedy of a meter that cannot be read; empty for one that can.
    var problem: String {
        guard case .unavailable(let reason, let remedy) = availability else { return "" }
        return reason + (remedy.map { "; \($0)" } ?? "")
    }
}

/// The GPUs that the real code finds through a fake NVML, on a machine with these files.
func discoverNVML(
    _ fake: FakeLibrary, _ files: [String: String] = [:]
) throws -> [MeterListing] {
    let tree = try TemporaryDirectory(files)
    return withExtendedLifetime(tree) {
        NVMLMeter.discover(tree.host, nvml: NVML(library: fake.path), clock: fake.clock)
    }
}
