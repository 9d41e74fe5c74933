import Core
import YAMLReading

/// What can be read of a device, once it has been found.
struct DeviceConnection: Sendable {
    /// The device does not make new figures faster than this, in seconds.
    var slowestPeriod = 0.0
    var remarks: [String] = []
    /// Names what is read, where the configuration does not tell which of several it is.
    var outlet: String?
    /// What is read, where that is a part of the machine, whose scope nobody but the user knows.
    var part: String?
    var read: @Sendable () async throws(DeviceError) -> DeviceValue
}

/// A type of device: one file each, and one line in `MeterConfiguration.types`.
protocol DeviceMeter: Sendable {
    /// As in `type:`, and the first part of the meter's id.
    static var type: String { get }
    /// The keys of its own in the configuration.
    static var keys: [String] { get }
    static var defaultPeriodSeconds: Double { get }
    static var shortestPeriodSeconds: Double { get }
    /// How long the device may take to be found.
    static var probeSeconds: Double { get }
    static var defaultScope: MeterScope { get }

    init(_ fields: MeterFields) throws(YAMLProblem)

    var address: DeviceAddress { get }
    /// Names the outlet, where a device has several figures of one; `nil` where that is not known.
    var outlet: String? { get }
    /// The unit and step of its figures, as far as the configuration tells.
    var expected: (unit: MeterUnit, step: Double) { get }
    /// Finds what is to be read, such as the channel of a plug of this generation.
    func connect(_ link: DeviceLink) async throws(DeviceError) -> DeviceConnection
}

extension DeviceMeter {
    static var shortestPeriodSeconds: Double { 0.1 }
    static var probeSeconds: Double { PolledMeters.lookSeconds }
    static var defaultScope: MeterScope { .wall }
    var outlet: String? { nil }
    var expected: (unit: MeterUnit, step: Double) { (.watt, 0.1) }
}

/// The entry of one meter in the configuration.
struct MeterFields {
    let entry: YAMLReader
    private let values: [String: YAMLReader]

    init(_ entry: YAMLReader, keys: [String]) throws(YAMLProblem) {
        self.entry = entry
        values = try entry.mapping(keys: keys)
    }

    subscript(_ key: String) -> YAMLReader? { values[key] }

    func required(_ key: String) throws(YAMLProblem) -> YAMLReader {
        guard let value = values[key] else { throw entry.problem("`\(key)` is missing") }
        return value
    }

    /// - Parameter takesQuery: whether it is asked as it stands, and not with a path behind it.
    func address(_ key: String, takesQuery: Bool = false) throws(YAMLProblem) -> DeviceAddress {
        let value = try required(key)
        let text = try value.string()
        do throws(DeviceAddress.BadAddress) {
            let address = try DeviceAddress(text)
            guard takesQuery || !text.contains("?") else {
                throw DeviceAddress.BadAddress(message: "must have no part after a `?`")
            }
            return address
        } catch {
            throw value.problem("`\(key)` \(error.message)")
        }
    }

    /// One of the names of an enum; `nil` where the key is not given.
    func choice<Value: RawRepresentable & CaseIterable>(
        _ key: String, _: Value.Type
    ) throws(YAMLProblem) -> Value? where Value.RawValue == String {
        guard let value = values[key] else { return nil }
        let text = try value.string()
        guard let choice = Value(rawValue: text) else {
            let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
            let near = Value.allCases.map(\.rawValue).closest(to: text).map { "; did you mean `\($0)`?" } ?? ""
            throw value.problem("`\(key)` must be one of \(known), not `\(text)`\(near)")
        }
        return choice
    }

    /// Relative; 0, which no meter has, and `none` switch a default off. `nil` where the key is not given.
    func accuracy() throws(YAMLProblem) -> Double? {
        guard let value = values["accuracy"] else { return nil }
        if (try? value.string()) == "none" { return 0 }
        return try value.number(0...1)
    }

    func unit() throws(YAMLProblem) -> MeterUnit {
        guard let unit = try choice("unit", MeterUnit.self) else { throw entry.problem("`unit` is missing") }
        return unit
    }

    /// Which channel of several; `nil` where none is named.
    func channel() throws(YAMLProblem) -> ChannelChoice? {
        guard let value = values["channel"] else { return nil }
        if (try? value.string()) == ChannelChoice.allName { return .all }
        guard let number = try? value.integer(0...63) else {
            throw value.problem("`channel` must be the number of a channel from 0 to 63; `channel: all` is their sum")
        }
        return .one(number)
    }

    /// A path that is the same wherever Taskwatt is started.
    func file(_ key: String) throws(YAMLProblem) -> String? {
        guard let value = values[key] else { return nil }
        let path = try value.string()
        guard path.hasPrefix("/") else { throw value.problem("`\(key)` must be an absolute path, not `\(path)`") }
        return path
    }
}
