/// The metrics of one run, from the replies as they come.
struct RunFigures: Sendable {
    private var completed = 0
    /// Replies whose tokens the server counted.
    private var counted = 0
    // What a server says may be anything, and adds up without overflow.
    private var input = 0.0
    private var output = 0.0
    private var cachedInput: Double?
    private var chunks = 0
    private var firstTokens: [Double] = []

    mutating func add(_ reply: Reply) {
        completed += 1
        if let usage = reply.usage {
            counted += 1
            input += Double(usage.input)
            output += Double(usage.output)
            if let cached = usage.cachedInput { cachedInput = (cachedInput ?? 0) + Double(cached) }
        } else {
            chunks += reply.chunks
        }
        if let time = reply.timeToFirstToken { firstTokens.append(time) }
    }

    /// By the names of the protocol. A sum of tokens is given only if the server counted those of every reply: a part of
    /// them would be taken for all.
    ///
    /// - Parameter seconds: from the run's start to its end.
    func metrics(seconds: Double) -> [String: Double] {
        var metrics: [String: Double] = [:]
        if completed > 0, counted == completed {
            metrics["input_tokens"] = input
            metrics["output_tokens"] = output
            if seconds > 0 { metrics["output_tokens_per_s"] = output / seconds }
            if let cachedInput { metrics["cached_input_tokens"] = cachedInput }
        } else if chunks > 0 {
            metrics["output_chunks"] = Double(chunks)
        }
        let sorted = firstTokens.sorted()
        if !sorted.isEmpty {
            /// The nearest rank.
            func quantile(_ q: Double) -> Double { sorted[max(0, Int((q * Double(sorted.count)).rounded(.up)) - 1)] }
            metrics["time_to_first_token_s"] = quantile(0.5)
            metrics["time_to_first_token_p95_s"] = quantile(0.95)
        }
        return metrics
    }
}
