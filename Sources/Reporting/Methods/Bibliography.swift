/// BibTeX for what a measurement rests on.
enum Bibliography {
    /// The key of an engine's entry, by a prefix of its name; `nil` of one that has none here.
    static func key(of engine: String) -> String? { engines.first { engine.lowercased().hasPrefix($0.prefix) }?.key }

    /// - Parameter versions: of Taskwatt.
    static func entries(engines names: [String], versions: [String]) -> String {
        var all = [taskwatt(versions), paper, gum]
        for engine in engines where names.contains(where: { $0.lowercased().hasPrefix(engine.prefix) }) {
            all.append(engine.entry)
        }
        return all.joined(separator: "\n\n") + "\n"
    }

    private static func taskwatt(_ versions: [String]) -> String {
        // `misc`, since BibTeX's own styles know no `software`, and what they have no field for stands in the note.
        """
        @misc{taskwatt,
          author       = {{Taskwatt developers}},
          title        = {Taskwatt: the energy of machine-learning tasks},
          howpublished = {Computer program},
          year         = {2026},
          note         = {Version \(LaTeXText.escaped(versions.joined(separator: ", "))), Apache-2.0}
        }
        """
    }

    private static let paper = """
        @inproceedings{luccioni2024power,
          title     = {Power Hungry Processing: Watts Driving the Cost of {AI} Deployment?},
          author    = {Luccioni, Sasha and Jernite, Yacine and Strubell, Emma},
          booktitle = {Proceedings of the 2024 ACM Conference on Fairness, Accountability, and Transparency},
          year      = {2024},
          doi       = {10.1145/3630106.3658542},
          eprint    = {2311.16863},
          archivePrefix = {arXiv}
        }
        """

    private static let gum = """
        @techreport{gum,
          title       = {Evaluation of measurement data: Guide to the expression of uncertainty in measurement},
          author      = {{Joint Committee for Guides in Metrology}},
          institution = {BIPM},
          number      = {JCGM 100:2008},
          year        = {2008}
        }
        """

    private static let engines: [(prefix: String, key: String, entry: String)] = [
        (
            "onnx runtime", "onnxruntime",
            """
            @misc{onnxruntime,
              title        = {{ONNX} Runtime},
              author       = {{ONNX Runtime developers}},
              year         = {2021},
              howpublished = {https://onnxruntime.ai/}
            }
            """
        ),
        (
            "transformers", "wolf2020transformers",
            """
            @inproceedings{wolf2020transformers,
              title     = {Transformers: State-of-the-Art Natural Language Processing},
              author    = {Wolf, Thomas and others},
              booktitle = {Proceedings of the 2020 Conference on Empirical Methods in Natural Language Processing: System Demonstrations},
              year      = {2020},
              pages     = {38--45},
              doi       = {10.18653/v1/2020.emnlp-demos.6}
            }
            """
        ),
        (
            "diffusers", "diffusers",
            """
            @misc{diffusers,
              title        = {Diffusers: State-of-the-art diffusion models},
              author       = {von Platen, Patrick and others},
              year         = {2022},
              howpublished = {https://github.com/huggingface/diffusers}
            }
            """
        ),
    ]
}
