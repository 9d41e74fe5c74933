import Core
import Fetching
import Foundation
import Glibc
import Host
import Synchronization

/// The resources of one BMC, asked with the user and password by Basic, or in a session where the BMC wants one.
final class RedfishService: Sendable {
    /// A resource of a collection; some BMCs put it into the collection whole.
    struct Member: Sendable {
        var path: String
        var whole: JSONValue?

        /// The last part of its path, in clear.
        var name: String { PercentEncoding.decoded(path.lastPathPart) }
    }

    /// A BMC has a slow processor and few connections.
    private static let mostAtOnce = 4
    private static let mostPages = 100
    /// Of JSON, in all answers of one look: sixty resources of some hundred values each are six thousand, and whoever sends more than eight
    /// times that wants memory and no power told.
    private static let mostValues = 50_000

    let link: DeviceLink
    private let sessions: RedfishSessions
    private let values = Mutex(0)

    init(_ link: DeviceLink) {
        self.link = link
        sessions = OpenSessions.shared.sessions(of: link)
    }

    /// A look for the source, or a reading: what it may bring is counted anew.
    func begin() { values.withLock { $0 = 0 } }

    /// What is at a path.
    ///
    /// - Throws: `DeviceError`; of a BMC that does not let in, what it wants.
    func get(_ path: String) async throws(DeviceError) -> JSONValue {
        let answer = try await ask(path)
        let all = values.withLock { values in
            values = values.addingSaturated(answer.valueCount)
            return values
        }
        guard all <= Self.mostValues else {
            throw DeviceError(
                "\(link.address.shown) tells over \(Self.mostValues) values, which no BMC has",
                remedy: "check that the address is a BMC's",
                errno: EMSGSIZE)
        }
        return answer
    }

    private func ask(_ path: String) async throws(DeviceError) -> JSONValue {
        try OpenSessions.shared.checkRefusal(of: link)
        let token = await sessions.token
        do throws(DeviceError) {
            return try await link.get(fromRoot: path, token: token)
        } catch {
            guard error.status == 401, link.user != nil else { throw error }
            // Basic is refused, or the session has ended.
            let new: String
            do throws(DeviceError) {
                new = try await sessions.renewed(after: token, refused: error)
            } catch {
                if error.status == 401 { OpenSessions.shared.refused(link, error) }
                throw error
            }
            return try await link.get(fromRoot: path, token: new)
        }
    }

    /// The members of a collection, of all its pages (DSP0266, `Members@odata.nextLink`).
    func members(of path: String) async throws(DeviceError) -> [Member] {
        var members: [Member] = []
        var next: String? = path
        var seen: Set<String> = []
        while let page = next, seen.insert(page).inserted, seen.count <= Self.mostPages {
            let answer = try await get(page)
            guard let elements = answer["Members"]?.elements else {
                throw .unusable("the answer has no /Members", remedy: "check that the address is a BMC's")
            }
            members += elements.compactMap { element in
                guard let path = element.link else { return nil }
                let isWhole = if case .object(let fields) = element { fields.count > 3 } else { false }
                return Member(path: path, whole: isWhole ? element : nil)
            }
            next = answer["Members@odata.nextLink"]?.stringValue
        }
        return members
    }

    /// Each of some resources, in their order.
    func resources(_ members: [Member]) async -> [Result<JSONValue, DeviceError>] {
        await gather(members) { member throws(DeviceError) in
            // Counted with the collection.
            if let whole = member.whole { return whole }
            return try await self.get(member.path)
        }
    }

    /// What `body` gives for each item, in their order; a few are asked for at once.
    func gather<Item: Sendable, Value: Sendable>(
        _ items: [Item], _ body: @escaping @Sendable (Item) async throws(DeviceError) -> Value
    ) async -> [Result<Value, DeviceError>] {
        await withTaskGroup(of: (Int, Result<Value, DeviceError>).self) { group in
            var found: [(Int, Result<Value, DeviceError>)] = []
            for (index, item) in items.enumerated() {
                if index >= Self.mostAtOnce, let one = await group.next() { found.append(one) }
                group.addTask {
                    do throws(DeviceError) {
                        return (index, .success(try await body(item)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            for await one in group { found.append(one) }
            return found.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}

/// The session of one BMC: DSP0266, Redfish session login authentication.
///
/// A POST of the user and password to `SessionService/Sessions` is answered with a token in `X-Auth-Token` and the session's place
/// in `Location`; a DELETE of that ends it. BMCs have few sessions, and keep one that is left open until a time limit of their own.
actor RedfishSessions {
    private static let collection = "/redfish/v1/SessionService/Sessions"

    private struct Session: Sendable {
        var token: String
        var path: String?
    }

    private let link: DeviceLink
    private var session: Session?
    private var login: Task<Result<Session, DeviceError>, Never>?

    init(_ link: DeviceLink) { self.link = link }

    // It lives as long as what reads by it.
    deinit {
        guard let session else { return }
        Task { [link] in await Self.close(session, link) }
    }

    /// `nil` where no session is open.
    var token: String? { session?.token }

    /// The token of a session other than the one that was refused; several that ask at a time get the same.
    ///
    /// - Throws: `DeviceError`, that the user and password are wrong, or why there is no session.
    func renewed(after old: String?, refused: DeviceError) async throws(DeviceError) -> String {
        if let session, session.token != old { return session.token }
        if let login { return try await login.value.get().token }
        session = nil
        let task = Task { [link] in await Self.open(link, refused: refused) }
        login = task
        let outcome = await task.value
        login = nil
        session = try outcome.get()
        return try outcome.get().token
    }

    private static func open(_ link: DeviceLink, refused: DeviceError) async -> Result<Session, DeviceError> {
        do throws(DeviceError) {
            return .success(try await tryToOpen(link, refused: refused))
        } catch {
            return .failure(error)
        }
    }

    private static func tryToOpen(_ link: DeviceLink, refused: DeviceError) async throws(DeviceError) -> Session {
        let credentials = JSONValue.object([
            "UserName": .string(link.user ?? ""), "Password": .string(link.password ?? ""),
        ])
        guard let body = try? JSONEncoder().encode(credentials) else { throw refused }
        let (head, answer) = try await link.send(
            .post, fromRoot: collection, headers: [(name: "Content-Type", value: "application/json")],
            body: [UInt8](body))
        guard head.isSuccess else {
            let shown = link.address.shown
            let error = DeviceClient.refusal(head, answer, shown: shown) ?? refused
            switch head.status {
            case 400, 401, 403:
                var wrong = refused
                wrong.reason = "\(shown) refuses the user and password: \(error.reason)"
                wrong.remedy = link.remedy
                throw wrong
            // There are no sessions: what the BMC said of the user and password is all there is.
            case 404, 405, 501: throw refused
            default:
                throw DeviceError(
                    "\(shown) wants a session and opens none: \(error.reason)",
                    remedy: "end sessions of others in the BMC's settings", errno: EAGAIN, status: head.status)
            }
        }
        guard let token = head.header("X-Auth-Token"), !token.isEmpty else {
            throw .unusable("\(link.address.shown) opens a session without an X-Auth-Token")
        }
        let place = head.header("Location") ?? (try? JSONDecoder().decode(JSONValue.self, from: Data(answer)))?.link
        return Session(token: token, path: place.flatMap { path(of: $0) })
    }

    /// Of a place that may be a URL.
    private static func path(of place: String) -> String? {
        place.hasPrefix("/") ? place : URLComponents(string: place)?.path
    }

    /// Closes the session, where one is open.
    func end() async {
        guard let session else { return }
        self.session = nil
        await Self.close(session, link)
    }

    /// One that cannot be closed now ends by itself after a while.
    private static func close(_ session: Session, _ link: DeviceLink) async {
        guard let path = session.path else { return }
        _ = try? await link.send(.delete, fromRoot: path, headers: [(name: "X-Auth-Token", value: session.token)])
    }
}

/// The sessions of this process: one for all that read the same BMC as the same user.
final class OpenSessions: Sendable {
    static let shared = OpenSessions()

    private struct Weak {
        weak var sessions: RedfishSessions?
    }

    /// BMCs lock an account or an address after some failures, and the machine's owner out with it. Another password, of the file,
    /// is tried at once.
    private static let pauseAfterRefusal = 300.0

    private let all = Mutex<[Int: Weak]>([:])
    private let refusals = Mutex<[Int: (error: DeviceError, until: Double)]>([:])

    private static func key(_ link: DeviceLink) -> Int {
        var hasher = Hasher()
        hasher.combine(link.address.origin)
        hasher.combine(link.user)
        link.hash(into: &hasher)
        return hasher.finalize()
    }

    /// - Throws: `DeviceError`, what a BMC said lately of the same user and password.
    func checkRefusal(of link: DeviceLink) throws(DeviceError) {
        let now = Clocks.monotonic().seconds
        let known = refusals.withLock { refusals in
            refusals = refusals.filter { $0.value.until > now }
            return refusals[Self.key(link)]?.error
        }
        if let known { throw known }
    }

    func refused(_ link: DeviceLink, _ error: DeviceError) {
        let until = Clocks.monotonic().seconds + Self.pauseAfterRefusal
        refusals.withLock { $0[Self.key(link)] = (error, until) }
    }

    func sessions(of link: DeviceLink) -> RedfishSessions {
        let key = Self.key(link)
        return all.withLock { all in
            all = all.filter { $0.value.sessions != nil }
            if let open = all[key]?.sessions { return open }
            let new = RedfishSessions(link)
            all[key] = Weak(sessions: new)
            return new
        }
    }

    var hasAny: Bool { all.withLock { $0.contains { $0.value.sessions != nil } } }

    func end() async {
        let open = all.withLock { $0.values.compactMap(\.sessions) }
        await withTaskGroup(of: Void.self) { group in
            for sessions in open { group.addTask { await sessions.end() } }
        }
    }
}

extension JSONValue {
    /// Itself and all that is in it.
    fileprivate var valueCount: Int {
        switch self {
        case .array(let elements): elements.reduce(1) { $0.addingSaturated($1.valueCount) }
        case .object(let fields): fields.values.reduce(1) { $0.addingSaturated($1.valueCount) }
        default: 1
        }
    }
}
