import Accounting
import Core
import Foundation
import Host
import Metering
import Synchronization
import TestSupport

@testable import PolledMeters

/// The listings of a configuration on a machine without a BMC of its own. A busy machine may be long in answering.
func discover(
    _ yaml: String, host: HostRoot? = nil, searchPath: [String] = [], patience: Double = 60
) async throws -> [MeterListing] {
    let nowhere = try TemporaryDirectory()
    let configuration = try MeterConfiguration.parse(text: yaml, file: "taskwatt.yaml")
    return await PolledMeters.discover(host ?? nowhere.host, configuration, searchPath: searchPath, patience: patience)
}

extension MeterListing {
    var reason: String? { if case .unavailable(let reason, _) = availability { reason } else { nil } }
    var remedy: String? { if case .unavailable(_, let remedy) = availability { remedy } else { nil } }
}

/// The next reading of a meter that is polled; `.nothingNew` where none comes in time.
func next(_ reader: any MeterReader, within seconds: Double = 120) async -> Reading {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline {
        let reading = reader.read()
        if reading.isAnswer { return reading }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return .nothingNew
}

/// The first reading that `isWanted`; `nil` where none comes in time.
func first(
    _ reader: any MeterReader, within seconds: Double = 120, where isWanted: (Reading) -> Bool
) async -> Reading? {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline {
        let reading = await next(reader, within: 1)
        if isWanted(reading) { return reading }
    }
    return nil
}

/// Waits until something is so, for two minutes at most: the machine may be busy.
func isSo(_ condition: () -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + .seconds(120)
    while ContinuousClock.now < deadline {
        if condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return condition()
}

/// A file of a secret that only its owner may read.
func secret(_ text: String, in directory: TemporaryDirectory, name: String, mode: Int = 0o600) throws -> String {
    try directory.write("/\(name)", text)
    let path = directory.path + "/\(name)"
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    return path
}

/// A switch between a test and its server.
final class LockedFlag: Sendable {
    private let value = Mutex(false)

    var isSet: Bool { value.withLock { $0 } }
    func set(_ isSet: Bool = true) { value.withLock { $0 = isSet } }
}
