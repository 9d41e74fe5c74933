import Core
import Foundation

extension PlaneChart {
    var data: [FigureData] {
        (runs.isEmpty ? [] : [runData]) + (peaks.isEmpty ? [] : [peakData]) + [
            Self.publishedData(published), Brain.data,
        ]
    }

    var runData: FigureData {
        FigureData(
            caption: "Our tasks on the plane",
            columns: [
                .init(title: "no.", key: "no", isNumber: true), .init(title: "task", key: "task", isNumber: false),
                .init(title: "model", key: "name", isNumber: false),
                .init(title: "precision", key: "precision", isNumber: false),
                .init(title: "with", key: "with", isNumber: false),
                .init(title: "GOP an inference", key: "gop_per_inference", isNumber: true),
                .init(title: "GOP/s", key: "gops", isNumber: true), .init(title: "W", key: "watts", isNumber: true),
                .init(title: "GOP/s/W", key: "gops_per_w", isNumber: true),
                .init(title: "peak in GOP/s", key: "peak_gops", isNumber: true),
                .init(title: "of the peak", key: "share_of_peak", isNumber: true),
                .init(title: "bits an operation", key: "operand_bits", isNumber: true),
                .init(title: "times below Landauer", key: "times_below_landauer", isNumber: true),
                .init(title: "provenance", key: "provenance", isNumber: false),
            ],
            rows: runs.map { run in
                let speed = run.speed
                return [
                    .number(Double(run.number), shown: String(run.number)), .name(speed.workload.task.title),
                    .name(speed.workload.model ?? speed.workload.plugin),
                    speed.workload.precision.map { .name($0) } ?? .none, .named(run.difference),
                    .number((speed.workload.operationsPerInference ?? 0) / 1e9), .number(speed.gops),
                    .number(speed.watts), .number(speed.efficiency), run.peak.map { .number($0.gops) } ?? .none,
                    run.share.map { .number($0, shown: PlaneRun.percent($0)) } ?? .none,
                    .number(Double(run.bits), shown: run.isSaid ? String(run.bits) : "\(run.bits) (taken)"),
                    .number(run.belowLandauer), .provenance(speed.provenance),
                ]
            })
    }

    var peakData: FigureData {
        FigureData(
            caption: "What the devices of our tasks can do at most",
            columns: [
                .init(title: "device", key: "name", isNumber: false),
                .init(title: "peak", key: "peak_kind", isNumber: false),
                .init(title: "GOP/s", key: "gops", isNumber: true),
                .init(title: "± 95 %", key: "gops_uncertainty_95", isNumber: true),
                .init(title: "W", key: "watts", isNumber: true),
                .init(title: "GOP/s/W", key: "gops_per_w", isNumber: true),
                .init(title: "what it is", key: "source", isNumber: false),
            ],
            rows: peaks.map { peak in
                [
                    .name(peak.device), .name(peak.title), .number(peak.gops),
                    peak.halfWidth.map { .number($0) } ?? .none, peak.watts.map { .number($0) } ?? .none,
                    peak.efficiency.map { .number($0) } ?? .none,
                    .name(peak.source + (peak.powerProvenance.map { "; the power is \($0)" } ?? "")),
                ]
            })
    }

    static func publishedData(_ published: [Accelerator]) -> FigureData {
        FigureData(
            caption: "Published accelerators",
            columns: [
                .init(title: "name", key: "name", isNumber: false),
                .init(title: "class", key: "class", isNumber: false),
                .init(title: "year", key: "year", isNumber: true),
                .init(title: "precision", key: "precision", isNumber: false),
                .init(title: "GOP/s", key: "gops", isNumber: true), .init(title: "W", key: "watts", isNumber: true),
                .init(title: "GOP/s/W", key: "gops_per_w", isNumber: true),
                .init(title: "source", key: "source", isNumber: false),
            ],
            rows: published.map { accelerator in
                [
                    .text(accelerator.name), .text(accelerator.kind.rawValue),
                    .number(Double(accelerator.year), shown: String(accelerator.year)), .text(accelerator.precision),
                    .number(accelerator.gops), .number(accelerator.watts), .number(accelerator.efficiency),
                    .text(accelerator.source),
                ]
            })
    }
}
