import Core
import YAMLReading

/// Any device that answers in JSON: the figure is where a pointer (RFC 6901) says, a number or a text that is one.
struct JSONMeter: DeviceMeter {
    static let type = "json"
    static let keys = ["url", "pointer", "unit", "invert", "user", "password_file", "token_file"]
    static let defaultPeriodSeconds = 1.0

    let address: DeviceAddress
    private let pointer: JSONPointer
    private let unit: MeterUnit

    init(_ fields: MeterFields) throws(YAMLProblem) {
        address = try fields.address("url", takesQuery: true)
        let value = try fields.required("pointer")
        // An empty one would be that of the whole answer, which no device gives as a bare number.
        let text = (try? value.string()) ?? ""
        guard let pointer = JSONPointer(text), !text.isEmpty else {
            throw value.problem("`pointer` must be a JSON pointer such as /emeter/power, not `\(text)`")
        }
        self.pointer = pointer
        unit = try fields.unit()
    }

    var expected: (unit: MeterUnit, step: Double) { (unit, 0.1) }

    func connect(_ link: DeviceLink) async throws(DeviceError) -> DeviceConnection {
        DeviceConnection { () async throws(DeviceError) -> DeviceValue in
            guard let value = pointer.find(in: try await link.get()) else {
                throw .unusable("the answer has no \(pointer.text)", remedy: "see the `pointer`")
            }
            guard let number = value.numeric else {
                throw .unusable(
                    "\(pointer.text) is `\(value.text.prefix(40))`, which is not a number",
                    remedy: "give a `pointer` to a number, such as /emeter/power")
            }
            return DeviceValue(number, unit, step: value.printedStep)
        }
    }
}
