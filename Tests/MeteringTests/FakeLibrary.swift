import Core
import Foundation
import Glibc
import Host
import Metering
import TestSupport
import Testing

/// A fake of a vendor's library, compiled from `Fixtures/<name>.c` for one test; see the README there.
final class FakeLibrary: Sendable {
    private let directory: TemporaryDirectory
    let path: String

    init(_ name: String, define: String? = nil, _ scenario: String = "") throws {
        directory = try TemporaryDirectory()
        path = "\(directory.path)/lib\(name).so"
        let fixtures = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil)).path
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments =
            ["cc", "-shared", "-fPIC", "-O1", "-o", path, "\(fixtures)/\(name).c"] + (define.map { ["-D\($0)"] } ?? [])
            + ["-lm", "-ldl"]
        try compiler.run()
        compiler.waitUntilExit()
        guard compiler.terminationStatus == 0 else { throw CompilerFailed(name: name) }
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

    private struct CompilerFailed: Error { var name: String }
}

/// The part of sysfs that tells of a PCI function.
func pciFunction(_ address: String, vendor: String, class code: String) -> [String: String] {
    let path = "/sys/bus/pci/devices/\(address)"
    return ["\(path)/vendor": vendor + "\n", "\(path)/class": code + "\n"]
}

/// Measures a window of real time.
func measureForReal(_ listings: [MeterListing], seconds: Double, interval: Double = 0.1) throws -> WindowEnergy {
    let session = try MeteringSession(listings: listings, intervalSeconds: interval)
    session.start()
    defer { session.stop() }
    let selection = try TotalSelection(meters: session.meters)
    let clock = SystemClock()
    clock.sleep(until: clock.now().advanced(bySeconds: 0.5))
    let window = session.openWindow()
    clock.sleep(until: clock.now().advanced(bySeconds: seconds))
    return try #require(session.closeWindow(window, selection: selection))
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
    _ fake: FakeLibrary, _ files: [String: String] = [:], clock: any MeteringClock = SystemClock()
) throws -> [MeterListing] {
    let tree = try TemporaryDirectory(files)
    return withExtendedLifetime(tree) {
        NVMLMeter.discover(tree.host, nvml: NVML(library: fake.path), clock: clock)
    }
}
