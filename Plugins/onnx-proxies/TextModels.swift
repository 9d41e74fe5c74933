/// The models that read or write text.
enum TextModels {
    static let all: [ProxyModel] = [
        ProxyModel(task: "text-classification", name: "bert-base") { options in
            try encoder(options, BERT(size: options.size, head: .classification(labels: 2)), "bert-base")
        },
        ProxyModel(task: "fill-mask", name: "bert-base") { options in
            try encoder(options, BERT(size: options.size, head: .vocabulary), "bert-base")
        },
        ProxyModel(task: "text-generation", name: "gpt2") { options in
            let network = GPT2(size: options.size)
            let reason = "the model has \(network.positions) positions in this size"
            let new = try options.length("new_tokens", default: 10, upTo: network.positions - 1, because: reason)
            let prompt = try options.length(
                "prompt_length", default: 50, upTo: network.positions - new, because: reason)
            return GenerationWorkload(
                "gpt2", network, promptLength: prompt, newTokens: new, batch: options.batch, seed: options.seed)
        },
    ]

    private static func encoder(
        _ options: ProxyOptions, _ network: BERT, _ model: String
    ) throws -> EncoderWorkload {
        let tokens = try options.length(
            "sequence_length", default: 128, upTo: network.positions,
            because: "the model has \(network.positions) positions in this size")
        return EncoderWorkload(model, network, length: tokens, batch: options.batch, seed: options.seed)
    }
}
