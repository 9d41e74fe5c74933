import Core
import YAMLReading

/// An option whose value is a field of the suite, and one of `SuiteOverrides` where it may be asked for otherwise: how it comes
/// from a file and from a request, goes to one, and from the overrides into the suite. A new one is a line of `Suite.settings`.
struct SuiteSetting: Sendable {
    let option: SuiteOption
    let read: @Sendable (SuiteFile.Fields, inout Suite) throws(YAMLProblem) -> Void
    /// `nil` of what no request has.
    let overriding: Override?

    struct Override: Sendable {
        let decode: @Sendable (KeyedDecodingContainer<SuiteOption>, inout SuiteOverrides) throws -> Void
        let encode: @Sendable (SuiteOverrides, inout KeyedEncodingContainer<SuiteOption>) throws -> Void
        let apply: @Sendable (SuiteOverrides, inout Suite) -> Void
        /// Why the value cannot be; `nil` where it can, or there is none.
        let reason: @Sendable (SuiteOverrides) -> String?
    }

    init<Value: SuiteSettingValue>(
        _ option: SuiteOption, _ field: any WritableKeyPath<Suite, Value> & Sendable,
        _ asked: any WritableKeyPath<SuiteOverrides, Value?> & Sendable
    ) {
        let set: @Sendable (inout Suite, Value) -> Void = { suite, value in suite[keyPath: field] = value }
        self.init(option, set, Override(option, asked, set))
    }

    /// Of a field that may be without a value.
    init<Value: SuiteSettingValue>(
        _ option: SuiteOption, _ field: any WritableKeyPath<Suite, Value?> & Sendable,
        _ asked: any WritableKeyPath<SuiteOverrides, Value?> & Sendable
    ) {
        let set: @Sendable (inout Suite, Value) -> Void = { suite, value in suite[keyPath: field] = value }
        self.init(option, set, Override(option, asked, set))
    }

    /// Of the file alone.
    init<Value: SuiteSettingValue>(
        _ option: SuiteOption, _ field: any WritableKeyPath<Suite, Value> & Sendable
    ) {
        self.init(option, { (suite: inout Suite, value: Value) in suite[keyPath: field] = value }, nil)
    }

    private init<Value: SuiteSettingValue>(
        _ option: SuiteOption, _ set: @escaping @Sendable (inout Suite, Value) -> Void, _ overriding: Override?
    ) {
        self.option = option
        self.overriding = overriding
        read = { (fields: SuiteFile.Fields, suite: inout Suite) throws(YAMLProblem) in
            if let value = try Value.read(fields, option) { set(&suite, value) }
        }
    }
}

extension SuiteSetting.Override {
    fileprivate init<Value: SuiteSettingValue>(
        _ option: SuiteOption, _ asked: any WritableKeyPath<SuiteOverrides, Value?> & Sendable,
        _ set: @escaping @Sendable (inout Suite, Value) -> Void
    ) {
        decode = { fields, overrides in
            overrides[keyPath: asked] = try fields.decodeIfPresent(Value.self, forKey: option)
        }
        encode = { overrides, fields in try fields.encodeIfPresent(overrides[keyPath: asked], forKey: option) }
        apply = { overrides, suite in
            if let value = overrides[keyPath: asked] { set(&suite, value) }
        }
        reason = { overrides in overrides[keyPath: asked]?.reason(option) }
    }
}

/// What a field of a suite may be.
protocol SuiteSettingValue: Codable, Sendable {
    static func read(_ fields: SuiteFile.Fields, _ option: SuiteOption) throws(YAMLProblem) -> Self?
    func reason(_ option: SuiteOption) -> String?
}

extension Int: SuiteSettingValue {
    static func read(_ fields: SuiteFile.Fields, _ option: SuiteOption) throws(YAMLProblem) -> Int? {
        try fields.whole(option)
    }
    func reason(_ option: SuiteOption) -> String? { option.reason(self) }
}

extension Double: SuiteSettingValue {
    static func read(_ fields: SuiteFile.Fields, _ option: SuiteOption) throws(YAMLProblem) -> Double? {
        if case .share = option.values { try fields.share(option) } else { try fields.seconds(option) }
    }
    func reason(_ option: SuiteOption) -> String? { option.reason(self) }
}

extension Bool: SuiteSettingValue {
    static func read(_ fields: SuiteFile.Fields, _ option: SuiteOption) throws(YAMLProblem) -> Bool? {
        try fields.flag(option)
    }
    func reason(_ option: SuiteOption) -> String? { nil }
}

extension String: SuiteSettingValue {
    static func read(_ fields: SuiteFile.Fields, _ option: SuiteOption) throws(YAMLProblem) -> String? {
        try fields.text(option)
    }
    func reason(_ option: SuiteOption) -> String? { option.reason(self) }
}
