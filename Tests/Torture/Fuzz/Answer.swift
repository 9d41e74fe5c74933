import Foundation
import PluginKit

#if !LIBFUZZER
@testable import openai
#endif

/// What a server of the API of OpenAI answers: as one document, as a stream, and as words of an error.
func fuzzAnswer(_ input: UnsafeRawBufferPointer) {
    var document = Reply()
    _ = try? document.take(document: Data(input))
    _ = try? document.check()
    _ = ServerFault.words(ofError: input)

    var whole: [EventStream.Event] = []
    var pieces: [EventStream.Event] = []
    var first = EventStream()
    var second = EventStream()
    let isWhole = (try? first.feed(input) { whole.append($0) }) != nil
    for start in stride(from: 0, to: input.count, by: 7) where isWhole {
        _ = try? second.feed(input[start..<min(input.count, start + 7)]) { pieces.append($0) }
    }
    precondition(!isWhole || whole == pieces)
    var reply = Reply()
    var figures = RunFigures()
    for event in whole {
        guard (try? reply.take(event, after: 0.5)) != nil else { break }
    }
    if let rest = first.end() { _ = try? reply.take(rest: rest) }
    _ = try? reply.check(mayBeEmpty: true)
    for _ in 0..<3 { figures.add(reply) }
    precondition(figures.metrics(seconds: 1).values.allSatisfy(\.isFinite))
}
