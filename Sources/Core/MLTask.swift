/// A machine-learning task: one of the ten of Luccioni et al., *Power Hungry Processing* (arXiv 2311.16863), or a user's
/// own. The ids are the field's (Hugging Face's pipeline names).
package struct MLTask: RawRepresentable, Sendable, Hashable, Codable {
    package var rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    package init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    package static let textClassification = MLTask(rawValue: "text-classification")
    package static let questionAnswering = MLTask(rawValue: "question-answering")
    package static let fillMask = MLTask(rawValue: "fill-mask")
    package static let tokenClassification = MLTask(rawValue: "token-classification")
    package static let imageClassification = MLTask(rawValue: "image-classification")
    package static let objectDetection = MLTask(rawValue: "object-detection")
    package static let textGeneration = MLTask(rawValue: "text-generation")
    package static let summarization = MLTask(rawValue: "summarization")
    package static let imageToText = MLTask(rawValue: "image-to-text")
    package static let textToImage = MLTask(rawValue: "text-to-image")

    /// The ten tasks in the order of the paper's Table 2.
    package static let paperTasks: [MLTask] = [
        .textClassification, .questionAnswering, .fillMask, .tokenClassification, .imageClassification,
        .objectDetection, .textGeneration, .summarization, .imageToText, .textToImage,
    ]

    /// In the order of tables and pictures: the paper's, and after them others that have a title here. Those stay out of `paperTasks`,
    /// of which the paper has figures.
    package static let inOrder = paperTasks

    /// Where it stands among the others: users' own come last, and of those the name decides.
    package var place: (index: Int, name: String) {
        (Self.inOrder.firstIndex(of: self) ?? Self.inOrder.count, rawValue)
    }

    /// The name in the paper's Table 2; a user's own task is called by its id.
    package var title: String {
        switch self {
        case .textClassification: "text classification"
        case .questionAnswering: "extractive QA"
        case .fillMask: "masked language modeling"
        case .tokenClassification: "token classification"
        case .imageClassification: "image classification"
        case .objectDetection: "object detection"
        case .textGeneration: "text generation"
        case .summarization: "summarization"
        case .imageToText: "image captioning"
        case .textToImage: "image generation"
        default: rawValue
        }
    }
}
