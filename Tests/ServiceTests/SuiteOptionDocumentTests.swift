import Core
import Foundation
import Running
import Testing

@testable import API
@testable import Service
@testable import Suites

/// The API's document says of an option of a suite what the table says.
@Suite("Options of suites in the API's document")
struct SuiteOptionDocumentTests {
    private let schemas: [String: JSONValue]

    init() throws {
        struct Document: Decodable {
            struct Components: Decodable { var schemas: [String: JSONValue] }
            var components: Components
        }
        schemas = try JSONDecoder().decode(Document.self, from: Data(PackageResources.openapi_json)).components.schemas
    }

    private static func members(_ value: JSONValue?) -> [String: JSONValue] {
        if case .object(let members)? = value { members } else { [:] }
    }

    private static func number(_ value: JSONValue?) -> Double? {
        switch value {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    private static func range(_ schema: [String: JSONValue]) -> ClosedRange<Double>? {
        guard let least = number(schema["minimum"]), let most = number(schema["maximum"]) else { return nil }
        return least...most
    }

    private func words(_ schema: [String: JSONValue]) -> [String] {
        let name = schema["$ref"]?.stringValue?.split(separator: "/").last.map(String.init)
        let schema = name.map { Self.members(schemas[$0]) } ?? schema
        guard case .array(let words)? = schema["enum"] else { return [] }
        return words.compactMap(\.stringValue)
    }

    @Test(
        "Names, types, ranges and meanings",
        arguments: [
            ("Overrides", SuiteOption.Place.overrides), ("JobRequest", .job),
        ])
    func fields(name: String, place: SuiteOption.Place) throws {
        let schema = Self.members(schemas[name])
        let properties = Self.members(schema["properties"])
        // What is of no suite: the suite itself, and who asks.
        let others: Set = place == .job ? ["suite", "suite_text", "overrides", "schedule", "batch_job"] : []
        let options = SuiteOption.all(in: place)
        #expect(Set(properties.keys).subtracting(others) == Set(options.map(\.rawValue)))
        #expect(schema["additionalProperties"] == .bool(false))
        for option in options {
            let field = Self.members(properties[option.rawValue])
            let type = field["type"]?.stringValue
            #expect(field["description"]?.stringValue == option.facts.meaning, "\(option.rawValue)")
            switch option.values {
            case .text: #expect(type == "string", "\(option.rawValue)")
            case .label(let most):
                #expect(type == "string" && Self.number(field["minLength"]) == 1)
                #expect(Self.number(field["maxLength"]) == Double(most))
            case .flag: #expect(type == "boolean", "\(option.rawValue)")
            case .whole(let range):
                #expect(type == "integer", "\(option.rawValue)")
                #expect(Self.range(field) == Double(range.lowerBound)...Double(range.upperBound), "\(option.rawValue)")
            case .number(let range), .share(let range, _):
                #expect(type == "number", "\(option.rawValue)")
                #expect(Self.range(field) == range, "\(option.rawValue)")
            case .wholeOrAuto(let range):
                guard case .array(let kinds)? = field["anyOf"] else {
                    Issue.record("\(option.rawValue) has no anyOf")
                    continue
                }
                #expect(Self.range(Self.members(kinds.first)) == Double(range.lowerBound)...Double(range.upperBound))
                #expect(words(Self.members(kinds.last)) == ["auto"])
            case .choice(let all): #expect(words(field) == all, "\(option.rawValue)")
            case .texts: #expect(type == "array", "\(option.rawValue)")
            case .mapping: #expect(type == "object", "\(option.rawValue)")
            case .section, .entries: Issue.record("\(option.rawValue) is of a file alone")
            }
        }
    }

    @Test("The fields of a job are those of the table and of who asks")
    func job() {
        let names = Set(JobRequest.CodingKeys.allCases.map(\.rawValue))
        #expect(
            names.subtracting(["suite", "suite_text", "overrides", "schedule", "batch_job"])
                == Set(SuiteOption.all(in: .job).map(\.rawValue)))
    }

    @Test("No field of the API is other than snake_case")
    func spelling() {
        func names(_ schema: JSONValue) -> [String] {
            switch schema {
            case .object(let members):
                return members.flatMap { key, value -> [String] in
                    (key == "properties" ? Array(Self.members(value).keys) : []) + names(value)
                }
            case .array(let values): return values.flatMap(names)
            default: return []
            }
        }
        let all = schemas.values.flatMap(names)
        #expect(all.count > 300)
        let others = Set(all.filter { $0.wholeMatch(of: /[a-z][a-z0-9]*(_[a-z0-9]+)*/) == nil })
        #expect(others.isEmpty, "\(others.sorted())")
    }
}
