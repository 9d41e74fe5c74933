/// The models that read images.
enum VisionModels {
    static let all: [ProxyModel] = [
        ProxyModel(task: "image-classification", name: "resnet-50") { options in
            ImageWorkload("resnet-50", ResNet(size: options.size), batch: options.batch, seed: options.seed)
        },
        ProxyModel(task: "image-classification", name: "vit-base") { options in
            ImageWorkload("vit-base", ViT(size: options.size), batch: options.batch, seed: options.seed)
        },
        ProxyModel(task: "object-detection", name: "detr-resnet-50") { options in
            DetectionWorkload("detr-resnet-50", DETR(size: options.size), batch: options.batch, seed: options.seed)
        },
        ProxyModel(task: "object-detection", name: "yolos-tiny") { options in
            DetectionWorkload("yolos-tiny", YOLOS(size: options.size), batch: options.batch, seed: options.seed)
        },
        ProxyModel(task: "image-to-text", name: "vit-gpt2") { options in
            let network = VisionEncoderDecoder(size: options.size)
            let new = try options.length(
                "new_tokens", default: 16, upTo: network.positions,
                because: "the model has \(network.positions) positions in this size")
            return CaptionWorkload(
                "vit-gpt2", network, newTokens: new, batch: options.batch, seed: options.seed,
                precision: options.precision)
        },
    ]
}
