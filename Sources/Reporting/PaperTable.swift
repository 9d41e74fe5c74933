package import Core

/// Table 2 of Luccioni, Jernite, Strubell, *Power Hungry Processing* (arXiv 2311.16863), recomputed from its published
/// logs (github.com/sashavor/co2_inference): kWh per 1,000 inferences, pooled over 240 runs a task. The paper prints the
/// means with three decimals and the deviations cut short, so the recomputed ones are what a ratio is taken of.
package enum PaperTable {
    package struct Row: Sendable, Hashable {
        package var mean: Double
        package var std: Double
    }

    package static let rows: [MLTask: Row] = [
        .textClassification: Row(mean: 0.002292, std: 0.000929),
        .questionAnswering: Row(mean: 0.003281, std: 0.001547),
        .fillMask: Row(mean: 0.003379, std: 0.001076),
        .tokenClassification: Row(mean: 0.003580, std: 0.001751),
        .imageClassification: Row(mean: 0.007074, std: 0.001218),
        .objectDetection: Row(mean: 0.037746, std: 0.026878),
        .textGeneration: Row(mean: 0.046904, std: 0.026623),
        .summarization: Row(mean: 0.049185, std: 0.015417),
        .imageToText: Row(mean: 0.062978, std: 0.022283),
        .textToImage: Row(mean: 2.907177, std: 3.308836),
    ]
}
