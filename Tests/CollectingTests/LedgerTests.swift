import Core
import Foundation
import TestSupport
import Testing

@testable import Collecting

/// Who is let in.
@Suite("The collector's ledger")
struct LedgerTests {
    private let directory: TemporaryDirectory
    private let ledger: Ledger

    init() throws {
        directory = try TemporaryDirectory()
        ledger = try Ledger(directory: directory.path)
    }

    @Test("A token of enrolment is good once, for a week, and gives a token of the machine's own")
    func once() throws {
        let invitation = try ledger.invite("node7", at: 100)
        let (name, token) = try ledger.enrol(invitation, machines: ["node7", "machine-1"], at: 200)
        #expect(name == "node7" && token != invitation && token.count == 64)
        #expect(try ledger.machine(token: token)?.machines == ["machine-1", "node7"])
        #expect(try ledger.machine(token: invitation) == nil)
        #expect(throws: LedgerRefusal.unknownToken) { try ledger.enrol(invitation, machines: ["x"], at: 201) }
        let old = try ledger.invite("node8", at: 100)
        #expect(throws: LedgerRefusal.unknownToken) {
            try ledger.enrol(old, machines: ["node8"], at: 101 + Ledger.enrolmentLife)
        }
        let (first, second) = (try ledger.invite("node9", at: 1), try ledger.invite("node9", at: 2))
        #expect(throws: LedgerRefusal.unknownToken) { try ledger.enrol(first, machines: ["node9"], at: 3) }
        _ = try ledger.enrol(second, machines: ["node9"], at: 3)
    }

    @Test("No token stands in the file")
    func hashes() throws {
        let invitation = try ledger.invite("node7", at: 1)
        let (_, token) = try ledger.enrol(try ledger.invite("node8", at: 1), machines: ["node8"], at: 1)
        for name in try FileManager.default.contentsOfDirectory(atPath: directory.path) {
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(directory.path)/\(name)"))
            for secret in [invitation, token] { #expect(data.range(of: Data(secret.utf8)) == nil, "\(name)") }
        }
    }

    @Test("A machine cannot take another's name, but one that was revoked has none")
    func names() throws {
        _ = try ledger.enrol(try ledger.invite("node7", at: 1), machines: ["node7", "p"], at: 1)
        let forged = try ledger.invite("node8", at: 1)
        #expect(throws: LedgerRefusal.nameTaken("node7")) {
            try ledger.enrol(forged, machines: ["node8", "node7"], at: 2)
        }
        // Nothing of it is there, and the token can still be used as it was meant.
        #expect(try ledger.machines().map(\.name) == ["node7"])
        _ = try ledger.enrol(forged, machines: ["node8"], at: 3)
        #expect(try ledger.revoke("node7", at: 4))
        _ = try ledger.enrol(try ledger.invite("node9", at: 5), machines: ["node7"], at: 5)
        #expect(try ledger.machine(bundled: "node7")?.name == "node9")
    }

    @Test("Whoever is revoked has no rights, and gets new ones by a new enrolment; the old token stays void")
    func revoked() throws {
        let (_, token) = try ledger.enrol(try ledger.invite("node7", at: 1), machines: ["node7"], at: 1)
        let later = try ledger.invite("node7", at: 2)
        #expect(try ledger.revoke("node7", at: 3))
        #expect(try ledger.machine(token: token) == nil && ledger.machines().first?.revokedAt == 3)
        #expect(throws: LedgerRefusal.unknownToken) { try ledger.enrol(later, machines: ["node7"], at: 4) }
        #expect(try !ledger.revoke("node7", at: 5) && !ledger.revoke("nobody", at: 5))
        let (_, new) = try ledger.enrol(try ledger.invite("node7", at: 6), machines: ["node7"], at: 6)
        #expect(try ledger.machine(token: new)?.name == "node7" && ledger.machine(token: token) == nil)
    }

    @Test("A certificate of the site's authority is a machine of its common name, until it is revoked")
    func certificates() throws {
        #expect(try ledger.machine(certificate: "lab7", at: 1)?.machines == ["lab7"])
        #expect(try ledger.machines().count == 1 && ledger.machine(certificate: "lab7", at: 2)?.enrolledAt == 1)
        _ = try ledger.revoke("lab7", at: 3)
        #expect(try ledger.machine(certificate: "lab7", at: 4) == nil)
        #expect(try ledger.machine(certificate: "a b", at: 4) == nil && ledger.machines().count == 1)
        #expect(CollectorRoutes.commonName("CN=lab7,O=Example") == "lab7")
        #expect(CollectorRoutes.commonName("O=Example,CN=lab7") == "lab7")
        #expect(CollectorRoutes.commonName(#"O=a\,CN=b,CN=c"#) == nil && CollectorRoutes.commonName("O=x") == nil)
    }

    @Test("A bundle is there once, and a suite is in one bundle")
    func bundles() throws {
        _ = try ledger.enrol(try ledger.invite("node7", at: 1), machines: ["node7"], at: 1)
        #expect(try ledger.keep("a", suites: ["u", "v"], bytes: 5, of: "node7", at: 7))
        #expect(try !ledger.keep("a", suites: ["u", "v"], bytes: 5, of: "node7", at: 8))
        #expect(throws: LedgerRefusal.otherBundle(suite: "v")) {
            try ledger.keep("b", suites: ["w", "v"], bytes: 5, of: "node7", at: 9)
        }
        #expect(try ledger.bundleCount() == 1 && ledger.bundle(ofSuite: "w") == nil && !ledger.hasBundle("b"))
        #expect(try ledger.bundle(ofSuite: "u") == "a" && ledger.machines().first?.lastBundleAt == 7)
    }

    @Test("Names that are none", arguments: ["", "a b", "ä", "a/b", String(repeating: "a", count: 101)])
    func invalid(name: String) throws {
        #expect(throws: UserError.self) { try ledger.invite(name, at: 1) }
    }

    @Test("A bucket lets so many through, and fills up again")
    func buckets() {
        let buckets = TokenBuckets(burst: 2, perSecond: 0.5, most: 2)
        #expect(buckets.take("a", at: 0) == nil && buckets.take("a", at: 0) == nil)
        #expect(buckets.take("a", at: 0) == 2 && buckets.take("a", at: 1) == 1 && buckets.take("b", at: 1) == nil)
        #expect(buckets.take("a", at: 2) == nil)
        // More names than are remembered: nobody is kept out for it.
        for number in 0..<10 { #expect(buckets.take("\(number)", at: 2) == nil) }
        // A clock that goes back gives nothing.
        #expect(buckets.take("z", at: 10) == nil && buckets.take("z", at: 5) == nil && buckets.take("z", at: 5) != nil)
    }
}
