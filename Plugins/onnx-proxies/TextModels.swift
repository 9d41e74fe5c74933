/// The models that read or write text.
enum TextModels {
    static let all: [ProxyModel] = encoders + generators + summarizers

    private static let encoders = [
        encoder("text-classification", "bert-base") { BERT(size: $0, head: .classification(labels: 2)) },
        encoder("text-classification", "distilbert") {
            BERT.distilled(size: $0, head: .rectifiedClassification(labels: 2))
        },
        encoder("question-answering", "bert-base", tokens: 384) { BERT(size: $0, head: .span) },
        encoder("question-answering", "bert-large", tokens: 384) { BERT.large(size: $0, head: .span) },
        encoder("fill-mask", "bert-base") { BERT(size: $0, head: .vocabulary) },
        encoder("fill-mask", "roberta-base") { BERT.roberta(size: $0, head: .vocabulary) },
        // The labels of CoNLL-2003: four kinds of names, each with its beginning and its inside, and what is no name.
        encoder("token-classification", "bert-base") { BERT(size: $0, head: .tags(labels: 9)) },
    ]

    private static let generators = [
        generator("gpt2") { GPT2(size: $0) },
        generator("gpt2-medium") { GPT2.medium(size: $0) },
    ]

    private static let summarizers = [
        summarizer("bart-large") { size in
            let network = BART(size: size)
            return (network, network.positions)
        },
        summarizer("t5-base") { size in
            let network = T5(size: size)
            return (network, network.longest)
        },
    ]

    /// - Parameter tokens: what is read at full size if the user does not say; a tiny model reads what it can of it.
    private static func encoder(
        _ task: String, _ name: String, tokens: Int = 128, _ network: @escaping @Sendable (ProxySize) -> BERT
    ) -> ProxyModel {
        ProxyModel(task: task, name: name) { options in
            let network = network(options.size)
            let length = try options.length(
                "sequence_length", default: min(tokens, network.longest), upTo: network.longest,
                because: "the model has \(network.longest) positions in this size")
            return EncoderWorkload(name, network, length: length, batch: options.batch, seed: options.seed)
        }
    }

    private static func generator(
        _ name: String, _ network: @escaping @Sendable (ProxySize) -> GPT2
    ) -> ProxyModel {
        ProxyModel(task: "text-generation", name: name) { options in
            let network = network(options.size)
            let reason = "the model has \(network.positions) positions in this size"
            let new = try options.length("new_tokens", default: 10, upTo: network.positions - 1, because: reason)
            let prompt = try options.length(
                "prompt_length", default: 50, upTo: network.positions - new, because: reason)
            return GenerationWorkload(
                name, network, promptLength: prompt, newTokens: new, batch: options.batch, seed: options.seed,
                precision: options.precision)
        }
    }

    private static func summarizer(
        _ name: String, _ network: @escaping @Sendable (ProxySize) -> (any EncoderDecoder, longest: Int)
    ) -> ProxyModel {
        ProxyModel(task: "summarization", name: name) { options in
            let (network, longest) = network(options.size)
            let reason = "the model reads and writes at most \(longest) tokens in this size"
            let length = try options.length(
                "sequence_length", default: min(512, longest), upTo: longest, because: reason)
            let new = try options.length("new_tokens", default: 15, upTo: longest, because: reason)
            return SummaryWorkload(
                name, network, inputLength: length, newTokens: new, batch: options.batch, seed: options.seed,
                precision: options.precision)
        }
    }
}
