import Glibc
package import YAMLReading

/// The section `listen` of `taskwatt.yaml`: the daemon's TCP listener, or its address alone. Without one it answers on its Unix socket
/// alone.
package struct ListenerConfiguration: Sendable, Hashable {
    package static let keys = ["address", "token_file", "certificate", "key", "names"]

    package var address: ListenAddress
    /// Whoever sends what is in it may change things; without it the listener is for reading.
    package var tokenFile: String?
    /// A PEM file with the certificate and those that lead to its root, and one with its key; without them HTTP is in the clear.
    package var tls: TLSFiles?
    /// By which others know this machine, beside its own: those of a proxy, or of the network.
    package var names: [String]

    package struct TLSFiles: Sendable, Hashable {
        package var certificate: String
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    package init(
        address: ListenAddress, tokenFile: String? = nil, tls: TLSFiles? = nil, names: [String] = []
    ) {
        self.names = names
        self.address = address
        self.tokenFile = tokenFile
        self.tls = tls
    }

    /// - Returns: `nil` without the section.
    /// - Throws: `YAMLProblem` with file, line and column.
    package static func parse(text: String, file: String) throws(YAMLProblem) -> ListenerConfiguration? {
        try parse(try ConfigurationFile.sections(text: text, file: file))
    }

    package static func parse(_ sections: [String: YAMLReader]) throws(YAMLProblem) -> ListenerConfiguration? {
        var first: YAMLProblem?
        let configuration = read(sections) { first = first ?? $0 }
        if let first { throw first }
        return configuration
    }

    /// The same, of a file that is looked through for all its errors.
    ///
    /// - Parameters:
    ///   - checking: looks into the files that the section names.
    ///   - complain: is told all that is wrong.
    /// - Returns: `nil` without the section, and where it has no usable address.
    @discardableResult
    package static func read(
        _ sections: [String: YAMLReader], checking files: FileCheck? = nil, complain: (YAMLProblem) -> Void
    ) -> ListenerConfiguration? {
        guard let section = sections["listen"] else { return nil }
        func tried<Value>(_ body: () throws(YAMLProblem) -> Value) -> Value? {
            do { return try body() } catch {
                complain(error)
                return nil
            }
        }
        if let text = try? section.string() {
            return tried { () throws(YAMLProblem) in
                ListenerConfiguration(address: try Self.address(text, section))
            }
        }
        guard let fields = tried({ () throws(YAMLProblem) in try section.mapping(keys: keys, complain: complain) })
        else { return nil }
        let address = tried { () throws(YAMLProblem) in try Self.address(fields["address"], of: section) }
        func path(_ key: String) -> String? {
            guard let field = fields[key] else { return nil }
            return tried { () throws(YAMLProblem) in try Self.path(field) }
        }
        let (token, certificate, key) = (path("token_file"), path("certificate"), path("key"))
        if let one = fields["certificate"] ?? fields["key"], fields["certificate"] == nil || fields["key"] == nil {
            complain(
                one.problem("`certificate` and `key` go together: two PEM files, or one that holds both, twice"))
        }
        var tls: TLSFiles?
        if let certificate, let key { tls = TLSFiles(certificate: certificate, key: key) }
        let names = fields["names"].flatMap { field in tried { () throws(YAMLProblem) in try Self.names(field) } } ?? []
        if let files { look(into: token, tls, of: fields, files, complain) }
        return address.map { ListenerConfiguration(address: $0, tokenFile: token, tls: tls, names: names) }
    }

    /// How files are looked into that the daemon will need.
    package struct FileCheck {
        /// Reads a file with a secret in it.
        package var readToken: (_ file: String) throws -> String
        /// Is told the files that this user may not look into; the daemon may all the same.
        package var cannotTell: (_ file: String) -> Void

        package init(
            readToken: @escaping (_ file: String) throws -> String, cannotTell: @escaping (_ file: String) -> Void
        ) {
            self.readToken = readToken
            self.cannotTell = cannotTell
        }
    }

    private static func look(
        into token: String?, _ tls: TLSFiles?, of fields: [String: YAMLReader], _ files: FileCheck,
        _ complain: (YAMLProblem) -> Void
    ) {
        /// - Returns: whether it was looked into and is right.
        @discardableResult func check(_ key: String, _ path: String, _ body: () throws -> Void) -> Bool {
            if access(path, R_OK) != 0, errno == EACCES {
                files.cannotTell(path)
                return false
            }
            do {
                try body()
                return true
            } catch {
                if let field = fields[key] { complain(field.problem("\(error)")) }
                return false
            }
        }
        if let token {
            check("token_file", token) { _ = try AccessToken(files.readToken(token), file: token) }
        }
        guard let tls else { return }
        let isCertificate = check("certificate", tls.certificate) { _ = try tls.certificates() }
        // One file may hold both, and what is wrong with it is told once.
        guard isCertificate || tls.key != tls.certificate else { return }
        let isKey = check("key", tls.key) { _ = try tls.privateKey() }
        if isCertificate, isKey { check("key", tls.key) { _ = try tls.context() } }
    }

    private static func address(
        _ field: YAMLReader?, of section: YAMLReader
    ) throws(YAMLProblem) -> ListenAddress {
        guard let field else {
            throw section.problem("`listen` needs the key `address`, such as \"127.0.0.1:9120\"")
        }
        return try address(try field.string(), field)
    }

    private static func address(_ text: String, _ field: YAMLReader) throws(YAMLProblem) -> ListenAddress {
        guard let address = try? ListenAddress(text) else {
            throw field.problem("this must be an address with a port, such as \"127.0.0.1:9120\", not `\(text)`")
        }
        return address
    }

    private static func names(_ field: YAMLReader) throws(YAMLProblem) -> [String] {
        var names: [String] = []
        for one in try field.list() {
            let name = try one.string()
            guard name.wholeMatch(of: /[A-Za-z0-9_.:-]{1,253}/) != nil else {
                throw one.problem(
                    "this must be a name of this machine without a port, such as lab7.example.org, not `\(name)`")
            }
            names.append(name)
        }
        return names
    }

    private static func path(_ field: YAMLReader) throws(YAMLProblem) -> String {
        let path = try field.string()
        // A service has no directory that the user would think of.
        guard path.hasPrefix("/") else { throw field.problem("this must be an absolute path, not `\(path)`") }
        return path
    }
}
