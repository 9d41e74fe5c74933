import Glibc
package import YAMLReading

/// The section `listen` of `taskwatt.yaml`: the daemon's TCP listener. Without one it answers on its Unix socket alone.
package struct ListenerConfiguration: Sendable, Hashable {
    package static let keys = ["address", "token_file", "certificate", "key"]

    package var address: ListenAddress
    /// Whoever sends what is in it may change things; without it the listener is for reading.
    package var tokenFile: String?
    /// A PEM file with the certificate and those that lead to its root, and one with its key; without them HTTP is in the clear.
    package var tls: TLSFiles?

    package struct TLSFiles: Sendable, Hashable {
        package var certificate: String
        package var key: String

        /// One where one file holds both.
        var paths: [String] { certificate == key ? [certificate] : [certificate, key] }

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    package init(address: ListenAddress, tokenFile: String? = nil, tls: TLSFiles? = nil) {
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
        guard let section = sections["listen"] else { return nil }
        let fields = try section.mapping(keys: keys)
        guard let field = fields["address"] else {
            throw section.problem("`listen` needs the key `address`, such as \"127.0.0.1:9120\"")
        }
        let text = try field.string()
        guard let address = try? ListenAddress(text) else {
            throw field.problem("this must be an address with a port, such as \"127.0.0.1:9120\", not `\(text)`")
        }
        var tls: TLSFiles?
        switch (fields["certificate"], fields["key"]) {
        case (let certificate?, let key?): tls = TLSFiles(certificate: try path(certificate), key: try path(key))
        case (nil, nil): break
        case (let one?, nil), (nil, let one?):
            throw one.problem("`certificate` and `key` go together: two PEM files, or one that holds both, twice")
        }
        return ListenerConfiguration(address: address, tokenFile: try fields["token_file"].map(path), tls: tls)
    }

    /// What is wrong with the files that the section names.
    ///
    /// - Parameters:
    ///   - readToken: reads a file with a secret in it.
    ///   - cannotTell: is told the files that this user may not look into; the daemon may all the same.
    package static func problems(
        _ sections: [String: YAMLReader], readToken: (_ file: String) throws -> String, cannotTell: (String) -> Void
    ) -> [YAMLProblem] {
        // What is no such section was told of already.
        guard let configuration = (try? parse(sections)) ?? nil,
            let fields = try? sections["listen"]?.mapping(keys: keys)
        else { return [] }
        var problems: [YAMLProblem] = []
        func check(_ files: [String], _ key: String, _ body: () throws -> Void) {
            let closed = files.filter { access($0, R_OK) != 0 && errno == EACCES }
            guard closed.isEmpty else { return closed.forEach(cannotTell) }
            do { try body() } catch {
                if let field = fields[key] { problems.append(field.problem("\(error)")) }
            }
        }
        if let file = configuration.tokenFile {
            check([file], "token_file") { _ = try AccessToken(readToken(file), file: file) }
        }
        if let files = configuration.tls {
            check(files.paths, "certificate") { _ = try files.configuration() }
        }
        return problems
    }

    private static func path(_ field: YAMLReader) throws(YAMLProblem) -> String {
        let path = try field.string()
        // A service has no directory that the user would think of.
        guard path.hasPrefix("/") else { throw field.problem("this must be an absolute path, not `\(path)`") }
        return path
    }
}
