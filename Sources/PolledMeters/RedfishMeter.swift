import Core
import YAMLReading

/// The BMC of a server, by Redfish.
///
/// DMTF DSP0268, the schemas: `Chassis` links to `EnvironmentMetrics`, whose `PowerWatts.Reading` is the power in watts
/// (since 2021), and to `Power`, whose `PowerControl[0].PowerConsumedWatts` it was before.
struct RedfishMeter: DeviceMeter {
    static let type = "redfish"
    /// A BMC takes half a second and more for each of up to some twenty resources.
    static let probeSeconds = 15.0
    static let keys = ["address", "chassis", "user", "password_file"]
    static let defaultPeriodSeconds = 5.0
    /// A BMC is slow, and its host's fans depend on it.
    static let shortestPeriodSeconds = 1.0
    static let defaultScope = MeterScope.system

    private static let collection = "/redfish/v1/Chassis"
    /// Blades, GPU trays and power shelves are chassis too; the one that measures is among the first.
    private static let mostChassis = 8

    let address: DeviceAddress
    private let chassis: String?

    init(_ fields: MeterFields) throws(YAMLProblem) {
        address = try fields.address("address")
        chassis = try fields["chassis"]?.string()
    }

    var expected: (unit: MeterUnit, step: Double) { (.watt, 1) }

    func connect(_ link: DeviceLink) async throws(DeviceError) -> DeviceConnection {
        let answer = try await link.get(fromRoot: Self.collection)
        guard case .array(let members) = answer["Members"] else {
            throw .unusable("the answer has no /Members", remedy: "see that the address is a BMC's")
        }
        let links = members.compactMap { $0["@odata.id"]?.stringValue }
        var candidates = Array(links.prefix(Self.mostChassis))
        if let chassis {
            candidates = links.filter { Self.name(of: $0) == chassis }
            guard !candidates.isEmpty else {
                let names = links.map(Self.name).joined(separator: ", ")
                throw .unusable("there is no chassis \(chassis)", remedy: "give one of \(names)")
            }
        }
        var failure: DeviceError?
        for candidate in candidates {
            let found: Place?
            do throws(DeviceError) {
                found = try await place(in: candidate, link)
            } catch {
                // One chassis that does not answer does not hide another that does.
                failure = error
                continue
            }
            if let place = found {
                return DeviceConnection { () async throws(DeviceError) -> DeviceValue in
                    guard let value = place.pointer.find(in: try await link.get(fromRoot: place.path)),
                        let number = value.numeric
                    else { throw .unusable("\(place.path) has no \(place.pointer.text) now") }
                    return DeviceValue(number, .watt, step: value.printedStep)
                }
            }
        }
        if let failure { throw failure }
        let names = candidates.map(Self.name).joined(separator: ", ")
        throw .unusable("no chassis of the BMC tells its power (\(names))", remedy: "see if `ipmi/dcmi` is there")
    }

    /// Where a chassis has its power.
    private struct Place {
        var path: String
        var pointer: JSONPointer
    }

    private static let places = [
        (link: "EnvironmentMetrics", pointer: "/PowerWatts/Reading"),
        (link: "Power", pointer: "/PowerControl/0/PowerConsumedWatts"),
    ]

    private func place(in chassis: String, _ link: DeviceLink) async throws(DeviceError) -> Place? {
        let resource = try await link.get(fromRoot: chassis)
        var failure: DeviceError?
        for place in Self.places {
            guard let path = resource[place.link]?["@odata.id"]?.stringValue,
                let pointer = JSONPointer(place.pointer)
            else { continue }
            do throws(DeviceError) {
                let metrics = try await link.get(fromRoot: path)
                if pointer.find(in: metrics)?.numeric != nil { return Place(path: path, pointer: pointer) }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return nil
    }

    private static func name(of link: String) -> String { link.split(separator: "/").last.map(String.init) ?? link }
}
