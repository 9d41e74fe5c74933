/// The models that read or make images.
enum VisionModels {
    static let all: [ProxyModel] = [
        ProxyModel(task: "image-classification", name: "resnet-50") { options in
            ImageWorkload("resnet-50", ResNet(size: options.size), batch: options.batch, seed: options.seed)
        }
    ]
}
