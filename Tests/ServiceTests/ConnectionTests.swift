import Foundation
import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOPosix
import TestSupport
import Testing

@testable import Listening
@testable import Service

/// What one connection may take, and how many there may be.
@Suite("Connections")
struct ConnectionTests {
    // MARK: One connection, in simulated time

    private struct Watched {
        let channel: EmbeddedChannel
        let connections: Connections
        var loop: EmbeddedEventLoop { channel.embeddedEventLoop }

        init(_ limits: ConnectionLimits = ConnectionLimits()) throws {
            connections = Connections(limits)
            channel = EmbeddedChannel(handler: RequestWatch(connections))
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        func request(ended: Bool = true, hosts: [String] = ["localhost"], version: HTTPVersion = .http1_1) throws {
            let head = HTTPRequestHead(
                version: version, method: .POST, uri: "/", headers: HTTPHeaders(hosts.map { ("Host", $0) }))
            try channel.writeInbound(HTTPServerRequestPart.head(head))
            if ended { try channel.writeInbound(HTTPServerRequestPart.end(nil)) }
        }

        func answer() throws {
            try channel.writeOutbound(
                HTTPServerResponsePart.head(HTTPResponseHead(version: .http1_1, status: .ok)))
            try channel.writeOutbound(HTTPServerResponsePart.end(nil))
        }

        /// Whether it is open after so many seconds more.
        func isOpen(after seconds: Int64) -> Bool {
            loop.advanceTime(by: .seconds(seconds))
            return channel.isActive
        }
    }

    @Test("One that asks nothing is closed, whether it is silent or sends half a request's head")
    func silent() throws {
        let one = try Watched()
        #expect(one.connections.count == 1)
        #expect(one.isOpen(after: 15))
        #expect(!one.isOpen(after: 2))
        #expect(one.connections.count == 0)
    }

    /// RFC 9112, 3.2: else a proxy before the daemon may have looked at another host than the daemon does.
    @Test("A request that names no host, or two, is refused, and nothing after it is read")
    func hosts() throws {
        for (hosts, version) in [
            (["localhost", "localhost"], .http1_1), (["localhost", "other"], .http1_0), ([], .http1_1),
        ] as [([String], HTTPVersion)] {
            let one = try Watched()
            try one.request(hosts: hosts, version: version)
            guard case .head(let head)? = try one.channel.readOutbound(as: HTTPServerResponsePart.self) else {
                Issue.record("\(hosts) is not answered")
                continue
            }
            #expect(head.status == .badRequest)
            #expect(try one.channel.readInbound(as: HTTPServerRequestPart.self) == nil)
            #expect(!one.channel.isActive)
        }
        for (hosts, version) in [(["localhost"], .http1_1), ([], .http1_0)] as [([String], HTTPVersion)] {
            let one = try Watched()
            try one.request(hosts: hosts, version: version)
            #expect(try one.channel.readInbound(as: HTTPServerRequestPart.self) != nil, "\(hosts)")
        }
    }

    @Test("Between requests it may rest a while, and for as long as an answer takes")
    func rests() throws {
        let one = try Watched()
        try one.request()
        #expect(one.isOpen(after: 3600), "what is answered may take its time")
        try one.answer()
        #expect(one.isOpen(after: 60))
        try one.request()
        try one.answer()
        #expect(one.isOpen(after: 60))
        #expect(!one.isOpen(after: 2))
    }

    @Test("A body that does not come ends the connection, and one that comes slowly enough")
    func slowBodies() throws {
        func open(after seconds: Int, bytesASecond: Int) throws -> Bool {
            let one = try Watched()
            try one.request(ended: false)
            for _ in 0..<seconds where one.channel.isActive {
                one.channel.read()
                _ = one.isOpen(after: 1)
                if bytesASecond > 0, one.channel.isActive {
                    let bytes = ByteBuffer(repeating: 0, count: bytesASecond)
                    try one.channel.writeInbound(HTTPServerRequestPart.body(bytes))
                }
            }
            return one.channel.isActive
        }
        #expect(try open(after: 19, bytesASecond: 0))
        #expect(try !open(after: 23, bytesASecond: 0))
        #expect(try !open(after: 60, bytesASecond: 1))
        #expect(try open(after: 600, bytesASecond: 20_000))
    }

    @Test("A body that the daemon does not read yet is not late")
    func unreadBody() throws {
        let one = try Watched()
        try one.request(ended: false)
        try one.channel.writeInbound(HTTPServerRequestPart.body(ByteBuffer(string: "x")))
        #expect(one.isOpen(after: 600))
    }

    @Test("An answer that nobody takes ends the connection")
    func untaken() throws {
        let one = try Watched()
        try one.request()
        one.channel.isWritable = false
        one.channel.pipeline.fireChannelWritabilityChanged()
        #expect(one.isOpen(after: 29))
        one.channel.isWritable = true
        one.channel.pipeline.fireChannelWritabilityChanged()
        #expect(one.isOpen(after: 60), "it went on")
        one.channel.isWritable = false
        one.channel.pipeline.fireChannelWritabilityChanged()
        #expect(!one.isOpen(after: 33))
    }

    @Test("Whoever closes his side has gone")
    func gone() throws {
        let one = try Watched()
        try one.request()
        let client = try #require(one.connections.client(of: one.channel))
        #expect(!client.hasGone)
        one.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(client.hasGone && one.isOpen(after: 5))
        #expect(!one.isOpen(after: 2))
        let other = try Watched()
        let second = try #require(other.connections.client(of: other.channel))
        try other.channel.close().wait()
        #expect(second.hasGone && other.connections.count == 0)
    }

    // MARK: All of a listener

    private func channels(_ count: Int) -> [EmbeddedChannel] { (0..<count).map { _ in EmbeddedChannel() } }

    @Test("The one that rests for longest makes room; what is answered stays, and the newcomer goes")
    func room() {
        var limits = ConnectionLimits()
        limits.most = 3
        let connections = Connections(limits)
        let all = channels(6)
        for channel in all[..<3] { #expect(connections.admit(channel, Client(), isOwner: false)) }
        connections.rests(all[0], false)
        #expect(connections.admit(all[3], Client(), isOwner: false))
        #expect(connections.client(of: all[0]) != nil && connections.client(of: all[1]) == nil)
        #expect(connections.count == 3)
        for channel in [all[2], all[3]] { connections.rests(channel, false) }
        #expect(!connections.admit(all[4], Client(), isOwner: false))
        connections.gone(all[2])
        #expect(connections.admit(all[5], Client(), isOwner: false))
    }

    @Test("Places are kept for the owner of the Unix socket")
    func owners() {
        var limits = ConnectionLimits()
        (limits.most, limits.keptForOwner) = (4, 1)
        let connections = Connections(limits)
        let all = channels(7)
        for channel in all[..<3] {
            #expect(connections.admit(channel, Client(), isOwner: false))
            connections.rests(channel, false)
        }
        #expect(!connections.admit(all[3], Client(), isOwner: false), "the last one is kept")
        #expect(connections.admit(all[4], Client(), isOwner: true))
        connections.rests(all[4], false)
        #expect(!connections.admit(all[5], Client(), isOwner: true), "all of them work")
        connections.rests(all[0], true)
        #expect(connections.admit(all[6], Client(), isOwner: true))
        #expect(connections.client(of: all[0]) == nil)
    }

    @Test("There are fewer where the process may open few files, and files are left for the rest")
    func fileLimit() {
        #expect(ConnectionLimits.unixSocket.within(files: 65_536, listeners: 2).most == 256)
        let few = ConnectionLimits.unixSocket.within(files: 256, listeners: 2)
        #expect(2 * few.most < 200 && few.most >= 8)
        #expect(few.keptForOwner > 0 && few.keptForOwner < few.most)
        #expect(ConnectionLimits.tcp.within(files: 10, listeners: 2).most == 8)
    }

    @Test(
        "Where no more files can be opened the listener rests, and those who have asked nothing make room",
        arguments: [EMFILE, ENFILE])
    func noFiles(errno: Int32) throws {
        let connections = Connections(ConnectionLimits())
        let all = channels(20)
        for channel in all { #expect(connections.admit(channel, Client(), isOwner: false)) }
        let listener = EmbeddedChannel(
            handler: AcceptRest(connections, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
        func isReading() throws -> Bool? {
            listener.options.last { $0.0 is ChannelOptions.Types.AutoReadOption }?.1 as? Bool
        }
        #expect(try isReading() == nil)
        for _ in 0..<3 { listener.pipeline.fireErrorCaught(IOError(errnoCode: errno, reason: "accept")) }
        #expect(try isReading() == false)
        #expect(connections.count == 4)
        listener.embeddedEventLoop.advanceTime(by: .milliseconds(499))
        #expect(try isReading() == false)
        listener.embeddedEventLoop.advanceTime(by: .milliseconds(2))
        #expect(try isReading() == true)
    }

    // MARK: A real listener

    private func withServer(
        _ limits: ConnectionLimits, _ body: (_ port: Int, _ connections: Connections) async throws -> Void
    ) async throws {
        let router = Router(context: BasicRequestContext.self)
        router.get("hello") { _, _ in "hello" }
        router.get("stream") { _, _ in
            EventStream.response { _ in while await EventStream.sleep(.seconds(600)), !Task.isCancelled {} }
        }
        let connections = Connections(limits)
        try await serving(router, .listener(connections)) { port in try await body(port, connections) }
    }

    private func connect(_ port: Int, _ text: String = "") async throws -> any Channel {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
        if !text.isEmpty { try await channel.writeAndFlush(ByteBuffer(string: text)).get() }
        return channel
    }

    private func status(_ port: Int, _ path: String = "hello") throws -> String {
        try Command([
            "curl", "--silent", "--max-time", "100", "--output", "/dev/null", "--write-out",
            "%{http_code} %header{retry-after}", "http://127.0.0.1:\(port)/\(path)",
        ]).output
    }

    @Test("Those who open connections and ask nothing, or half, keep nobody else out")
    func crowd() async throws {
        var limits = ConnectionLimits()
        limits.most = 8
        // Not by time: by room.
        limits.firstHead = .hours(1)
        try await withServer(limits) { port, connections in
            var crowd: [any Channel] = []
            for number in 0..<24 {
                crowd.append(try await connect(port, number.isMultiple(of: 2) ? "" : "GET /hello HTTP/1.1\r\nHo"))
            }
            let areCounted = try await eventually { connections.count == 8 }
            #expect(areCounted)
            for _ in 0..<3 { #expect(try status(port).hasPrefix("200")) }
            #expect(connections.count <= 8)
            for channel in crowd { try? await channel.close().get() }
        }
    }

    @Test("Where all are answered the next is told to come again, until one has gone")
    func full() async throws {
        var limits = ConnectionLimits()
        limits.most = 2
        (limits.farewell, limits.look) = (.milliseconds(50), .milliseconds(50))
        try await withServer(limits) { port, connections in
            let request = "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let first = try await connect(port, request)
            let second = try await connect(port, request)
            let isFull = try await eventually { try status(port) == "503 5" }
            #expect(isFull)
            #expect(connections.count == 2)
            try await first.close().get()
            let isFree = try await eventually { try status(port).hasPrefix("200") }
            #expect(isFree, "the place of one who goes is free again, though the stream would go on")
            try await second.close().get()
        }
    }
}
