import Core
import Glibc
package import Host
package import Sensors

/// A value of a chip as `sensors` shows it, in the units of its file: of the file itself, which stays open, where libsensors
/// has nothing to compute of it, else by libsensors.
///
/// libsensors does not tell whether a `compute` of sensors.conf is there. So each value is read both ways until one that is
/// not zero shows it: a `compute` that leaves a value as it is for once is none that anybody writes.
package final class SensorNumber: NumberSource {
    private enum Way {
        case open, file, library
    }

    private let file: NumberFileReader
    private let path: String
    private let scale: Double
    private let library: @Sendable () -> SensorReading
    private var way: Way

    /// - Parameters:
    ///   - scale: how many of the file's units are one of libsensors'.
    ///   - library: what libsensors makes of the same value.
    package init(host: HostRoot, path: String, scale: Double, library: (@Sendable () -> SensorReading)?) {
        file = NumberFileReader(host: host, path: path)
        self.path = path
        self.scale = scale
        self.library = library ?? { .unknown }
        way = library == nil ? .file : .open
    }

    package func read() throws(HostError) -> Int64 {
        switch way {
        case .file: return try file.read()
        case .library: return try computed(library())
        case .open: break
        }
        let before = try file.read()
        let reading = library()
        guard case .value(let value) = reading else {
            // A chip that came later than libsensors looked, or a value that it does not know, is nothing that it computes.
            if case .unknown = reading { return before }
            return try computed(reading)
        }
        if before != 0, try file.read() == before { way = value == Double(before) / scale ? .file : .library }
        return way == .file ? before : try computed(reading)
    }

    private func computed(_ reading: SensorReading) throws(HostError) -> Int64 {
        if case .value(let value) = reading { return Int64(saturating: (value * scale).rounded()) }
        // The file says best why it cannot be read; where it can be, what is wrong is what is to be computed of it.
        _ = try file.read()
        throw HostError(path: path, errno: reading == .unknown ? ENODEV : EDOM)
    }
}
