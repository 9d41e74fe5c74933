import Accounting
import Core
import Foundation
import Glibc
import Metering
import NIOHTTP1
import TestSupport
import Testing

@testable import PolledMeters

/// What a device on a network can do wrong: each is one line in the listing, and no harm.
@Suite struct FailureTests {
    private func listing(_ server: TestServer, more: String = "") async throws -> MeterListing {
        try #require(
            try await discover(
                "meters: [{name: m, type: json, url: \"\(server.url)/p\", pointer: /p, unit: W\(more)}]"
            ).first)
    }

    @Test(arguments: [
        (Answer.json("nonsense"), "does not answer in JSON"), (.json(""), "does not answer in JSON"),
        (.json(#"{"p":"#), "does not answer in JSON"), (.json("{}", status: 401), "401: "),
        (.json("<html>", status: 500), "500: "), (.json("{}", status: 403), "403: "),
        (.json("{}", status: 404), "404: "),
        (.bytes((1 << 20) + 1), "is longer than 1 MiB"), (.hangUp, "closed the connection"),
        (.redirect("http://127.0.0.1:9/elsewhere?password=x"), "leads to http://127.0.0.1:9/elsewhere"),
        (.redirect("/p"), "leads in a circle"), (.json("[1]"), "the answer has no /p"),
    ])
    func isSaidInOneLine(answer: Answer, reason: String) async throws {
        let server = try TestServer { _ in answer }
        let listing = try await listing(server)
        #expect(listing.reason?.contains(reason) == true, "\(listing.reason ?? "available")")
        #expect(listing.reason?.contains("\n") == false)
        #expect(listing.reason?.contains("password") == false)
        #expect(listing.description.id == "json/m")
        #expect(listing.open().read() != .nothingNew)
    }

    /// Just short of the limit is no failure of the transport.
    @Test func theLongestAnswerIsTaken() async throws {
        let server = try TestServer { _ in .bytes(1 << 20) }
        #expect(try await listing(server).reason == "the answer has no /p")
    }

    @Test func oneThatNeverAnswersIsNotWaitedFor() async throws {
        let server = try TestServer { _ in .never }
        let begin = ContinuousClock.now
        // All are probed at once: twenty that hang take as long as one, and not a minute.
        let count = 20
        let entries = (0..<count).map {
            "{name: m\($0), type: json, url: \"\(server.url)/\($0)\", pointer: /p, unit: W}"
        }
        let listings = try await discover(
            "meters: [\(entries.joined(separator: ", "))]", patience: PolledMeters.lookSeconds)
        #expect(listings.allSatisfy { $0.reason?.hasPrefix("no answer from \(server.url)") == true })
        #expect(listings.allSatisfy { $0.reason?.hasSuffix("within 1.8 s") == true })
        #expect(listings.map(\.description.id) == (0..<count).map { "json/m\($0)" })
        #expect(ContinuousClock.now - begin < .seconds(45))
    }

    /// The next look does not wait as long for one that was silent, and one that answers again is found at once.
    @Test func oneThatWasSilentIsNotWaitedForAgain() async throws {
        let directory = try TemporaryDirectory()
        let memory = SilentDevices(directory: directory.path)
        let answers = LockedFlag()
        let server = try TestServer { _ in answers.isSet ? .json(#"{"p":60}"#) : .never }
        let configuration = try MeterConfiguration.parse(
            text: "meters: [{name: m, type: json, url: \"\(server.url)/p\", pointer: /p, unit: W}]", file: "f")
        func look() async throws -> MeterListing {
            try #require(
                await PolledMeters.discover(directory.host, configuration, searchPath: [], silent: memory).first)
        }
        #expect(try await look().reason?.contains("within 1.8 s") == true)
        let source = try #require(memory.read()["json/m"]?.source)
        #expect(try await look().reason?.contains("within 0.3 s") == true)
        let silence = SilentDevices.Silence(source: source, since: 1000)
        #expect(SilentDevices.isSilent(silence, source, at: 1001))
        #expect(!SilentDevices.isSilent(silence, source, at: 1000 + SilentDevices.forgottenAfter))
        #expect(!SilentDevices.isSilent(silence, "another", at: 1001))
        answers.set()
        // A busy machine may not answer within the short time, and is asked again.
        var listing = try await look()
        for _ in 0..<200 where !listing.availability.isAvailable { listing = try await look() }
        #expect(listing.availability.isAvailable && memory.read().isEmpty)
    }

    @Test func oneThatIsNotThereIsSaidAtOnce() async throws {
        let server = try TestServer { _ in .never }
        server.stop()
        let listing = try await listing(server)
        // Not that there was no answer in some seconds.
        #expect(listing.reason?.contains("Connection refused") == true)
    }

    @Test func aNameThatIsNotKnown() async throws {
        let listing = try #require(
            try await discover(
                "meters: [{name: m, type: tasmota, address: \"http://plug.invalid\"}]"
            ).first)
        #expect(listing.reason?.contains("http://plug.invalid") == true)
    }

    @Test(arguments: [
        (#"{"gen":2,"auth_en":true,"auth_domain":"shellyplus1pm"}"#, "asks for a password"),
        (#"{"gen":3,"auth_en":false}"#, "no meter of power at channel 0"),
        (#"{"name":"a printer"}"#, "is not a Shelly"),
    ])
    func aShellyThatCannotBeRead(about: String, reason: String) async throws {
        let server = try TestServer { request in .json(request.path == "/shelly" ? about : #"{"switch:0":{"id":0}}"#) }
        let listing = try #require(
            try await discover("meters: [{name: m, type: shelly, address: \"\(server.url)\"}]").first)
        #expect(listing.reason?.contains(reason) == true)
    }

    @Test func aShellyThatMarksItsFigure() async throws {
        let server = try TestServer { request in
            .json(
                request.path == "/shelly"
                    ? #"{"type":"SHEM"}"# : #"{"emeters":[{"power":0,"is_valid":false,"total":0}]}"#)
        }
        let listing = try #require(
            try await discover("meters: [{name: m, type: shelly, address: \"\(server.url)\"}]").first)
        #expect(listing.reason?.hasSuffix("the plug marks its figure as not valid") == true)
    }

    @Test(arguments: [
        (0o604, "is open to everybody"), (0o602, "is open to everybody"), (0o600, ""), (0o640, ""),
    ])
    func aSecretThatEverybodyMayReadIsRefused(mode: Int, reason: String) async throws {
        let directory = try TemporaryDirectory()
        let file = try secret("token", in: directory, name: "token", mode: mode)
        let server = try TestServer { _ in .json(#"{"p":1}"#) }
        let listing = try await listing(server, more: ", token_file: \(file)")
        #expect((listing.reason == nil) == reason.isEmpty)
        if !reason.isEmpty {
            #expect(listing.reason?.contains(reason) == true)
            #expect(listing.remedy == "chmod 600 \(file)")
            #expect(server.requests.isEmpty)
        } else {
            #expect(server.requests.first?.headers["Authorization"] == ["Bearer token"])
        }
    }

    /// A line break in a token would put a header of its own into the request.
    @Test(arguments: ["", "\n\n", "a\nX-Evil: 1", "a\u{0}b"])
    func aSecretIsOneLine(text: String) async throws {
        let directory = try TemporaryDirectory()
        let file = try secret(text, in: directory, name: "token")
        let server = try TestServer { _ in .json(#"{"p":1}"#) }
        #expect(try await listing(server, more: ", token_file: \(file)").reason?.contains("no secret") == true)
        #expect(server.requests.isEmpty)
    }

    @Test func aSecretThatIsMissing() async throws {
        let server = try TestServer { _ in .json(#"{"p":1}"#) }
        let listing = try await listing(server, more: ", token_file: /nowhere/token")
        #expect(listing.reason?.hasPrefix("/nowhere/token cannot be read") == true)
    }
}
