import Core
import Foundation
import YAMLReading

/// Any sensor of power or energy that Home Assistant has.
///
/// developers.home-assistant.io/docs/api/rest: `GET /api/states/<entity_id>` with a long-lived access token answers
/// with `state`, `attributes.unit_of_measurement`, and the times `last_updated` and, since 2024, `last_reported`, which
/// also moves when the same figure is reported again.
struct HomeAssistantMeter: DeviceMeter {
    static let type = "home-assistant"
    static let keys = ["address", "entity", "token_file", "invert"]
    static let defaultPeriodSeconds = 10.0
    private static let deviceClasses: Set<String> = ["power", "energy"]

    let address: DeviceAddress
    private let entity: String

    init(_ fields: MeterFields) throws(YAMLProblem) {
        address = try fields.address("address")
        let value = try fields.required("entity")
        entity = try value.string()
        let parts = entity.split(separator: ".", omittingEmptySubsequences: false)
        let isName = parts.allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy {
                    UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0
                        || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || $0 == UInt8(ascii: "_")
                }
        }
        guard parts.count == 2, isName else {
            throw value.problem("`entity` must be an id such as sensor.rack_power, not `\(entity)`")
        }
        _ = try fields.required("token_file")
    }

    func connect(_ link: DeviceLink) async throws(DeviceError) -> DeviceConnection {
        DeviceConnection { () async throws(DeviceError) -> DeviceValue in
            let answer: JSONValue
            do throws(DeviceError) {
                answer = try await link.get("/api/states/\(entity)")
            } catch  where error.status == 404 {
                throw DeviceError(
                    "\(link.address.shown) has no entity \(entity)",
                    remedy: "check that `entity` and `address` are correct",
                    errno: error.errno, status: error.status)
            }
            return try read(answer)
        }
    }

    private func read(_ answer: JSONValue) throws(DeviceError) -> DeviceValue {
        guard let state = answer["state"]?.stringValue else {
            throw .unusable(
                "\(address.shown) does not answer as Home Assistant does", remedy: "check that `address` is correct")
        }
        guard let number = answer["state"]?.numeric else {
            let (reason, remedy) = ("\(entity) is `\(state.prefix(60))`", "see that its device is on")
            // developers.home-assistant.io/docs/core/entity: what an entity without a state is in.
            throw ["unavailable", "unknown"].contains(state)
                ? .noData(reason, remedy: remedy) : .unusable(reason, remedy: remedy)
        }
        // developers.home-assistant.io/docs/core/entity/sensor: `energy_storage` is what is in a battery, in kWh too.
        if let kind = answer["attributes"]?["device_class"]?.stringValue, !Self.deviceClasses.contains(kind) {
            throw .unusable(
                "the device class of \(entity) is `\(kind.prefix(40))`", remedy: "give an `entity` of power or energy")
        }
        let name = answer["attributes"]?["unit_of_measurement"]?.stringValue
        guard let unit = name.flatMap(MeterUnit.init(rawValue:)) else {
            throw .unusable(
                "the unit of \(entity) is \(name.map { "`\($0)`" } ?? "not given")",
                remedy: "give an `entity` in one of \(MeterUnit.list)")
        }
        let stamp = answer["last_reported"]?.stringValue ?? answer["last_updated"]?.stringValue
        return DeviceValue(
            number, unit, step: DeviceValue.step(ofPrinted: state), timestamp: stamp.flatMap(Self.seconds))
    }

    /// Seconds since 1970 of a time such as `2026-05-24T21:35:24.910485+00:00` (ISO 8601); `nil` for anything else.
    static func seconds(_ text: String) -> Double? {
        // The fraction has six digits, which not every parser takes; a second more or less says nothing of staleness.
        var plain = text
        if let dot = plain.firstIndex(of: ".") {
            plain.removeSubrange(dot..<(plain[dot...].dropFirst().firstIndex { !$0.isNumber } ?? plain.endIndex))
        }
        return (try? Date(plain, strategy: .iso8601))?.timeIntervalSince1970
    }
}
