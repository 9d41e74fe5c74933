import Foundation
import Onnx
import PluginKit
import TestSupport
import Testing

@testable import onnx_model

/// Sizes by any name that a file can hold.
@Suite("Sizes that a model leaves open") struct DimensionTests {
    private static func input(_ name: String, _ shape: [Onnx.Dimension]) -> OnnxValueInfo {
        OnnxValueInfo(name: name, type: .float, shape: shape)
    }
    private static func input(_ name: String, _ names: String...) -> OnnxValueInfo {
        input(name, names.map { .named($0) })
    }

    /// The shapes that follow from what is typed.
    private func shapes(_ dims: String, _ inputs: [OnnxValueInfo]) throws -> [[Int]] {
        var dimensions = try Dimensions(dims, of: inputs)
        try dimensions.complete()
        return inputs.map(dimensions.shape)
    }

    private func problem(_ dims: String, _ inputs: [OnnxValueInfo]) throws -> PluginProblem {
        do {
            let shapes = try shapes(dims, inputs)
            throw PluginProgram.Problem(description: "it is \(shapes)")
        } catch let problem as PluginProblem {
            return problem
        }
    }

    /// Types what a remedy says into a real shell, with a number for each `…`.
    private func typed(_ remedy: String?, _ size: Int) throws -> String {
        let remedy = try #require(remedy)
        let start = try #require(remedy.range(of: "--dim"))
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        let line = remedy[start.lowerBound...].replacingOccurrences(of: "…", with: "\(size)")
        shell.arguments = ["-c", "printf '%s\\0' \(line)"]
        let output = Pipe()
        shell.standardOutput = output
        try shell.run()
        let words = output.fileHandleForReading.readDataToEndOfFile().split(separator: 0)
            .map { String(decoding: $0, as: UTF8.self) }
        shell.waitUntilExit()
        // As the command line puts them together.
        return words.filter { $0 != "--dim" }.map { $0.hasPrefix("--dim=") ? String($0.dropFirst(6)) : $0 }
            .joined(separator: ",")
    }

    @Test(
        arguments: [
            ("n + 1", ["n": 8], 9),
            ("past_sequence_length + sequence_length", ["past_sequence_length": 7, "sequence_length": 2], 9),
            ("batch_size * num_heads", ["batch_size": 2, "num_heads": 12], 24), ("n//2", ["n": 7], 3),
            ("num_frames // 2", ["num_frames": 9], 4),
            ("floor(h/8 - 1/8) + 1", ["h": 224], 28), ("floor(h/8 - 1/8) + 1", ["h": 225], 29),
            ("ceiling(h/2)", ["h": 7], 4),
            ("ceil(h/2)", ["h": 6], 3), ("((s0 - 1)//2) + 1", ["s0": 10], 5), ("2*s0", ["s0": 5], 10),
            ("s0**2", ["s0": 5], 25),
            ("-2**2 + 9", [:], 5), ("Max(1, s0 - 4)", ["s0": 2], 1), ("Min(a, b, c)", ["a": 3, "b": 2, "c": 4], 2),
            ("Mod(s0, 8)", ["s0": 21], 5),
            ("s0 % 8", ["s0": 21], 5), ("FloorDiv(s0, 4)", ["s0": 15], 3),
            ("CeilToInt(IntTrueDiv(s0, 2))", ["s0": 5], 3),
            ("floor(0.5*height)", ["height": 9], 4), ("128", [:], 128), ("(a+b)*(a-b)", ["a": 5, "b": 3], 16),
        ] as [(String, [String: Int], Double)])
    func aCalculationFollowsFromItsParts(text: String, sizes: [String: Int], value: Double) throws {
        let expression = try #require(DimensionExpression(text))
        #expect(expression.value(sizes) == value)
        #expect(Set(expression.variables) == Set(sizes.keys))
        #expect(expression.isCertain)
        for name in sizes.keys { #expect(expression.value(sizes.filter { $0.key != name }) == nil) }
    }

    @Test(
        arguments: [
            "", "batch", "unk__214", "2d", "N x M", "height (pixels)", "a b", "floor", "max()", "floor(1, 2)", "a +",
            "(a", "a)", "1.2.3", "?", "a=b",
            "x, y", "sin(x)", "+", String(repeating: "(", count: 100) + "a" + String(repeating: ")", count: 100),
            String(repeating: "-", count: 300) + "a",
        ])
    func whatIsNoCalculationIsAName(text: String) { #expect(DimensionExpression(text) == nil) }

    /// A division by zero is none either; whether it is a size is asked later.
    @Test func aCalculationMayHaveNoValue() throws {
        #expect(try #require(DimensionExpression("a//b")).value(["a": 1, "b": 0]) == nil)
        #expect(try #require(DimensionExpression("a - 4")).value(["a": 1]) == -3)
        #expect(try !#require(DimensionExpression("batch-size")).isCertain)
    }

    @Test func theSumFollows() throws {
        let inputs = [Self.input("mask", "batch_size", "past_sequence_length + 1")]
        #expect(try shapes("past_sequence_length=8", inputs) == [[1, 9]])
        // As a message of before said it, and with other spaces.
        #expect(try shapes("past_sequence_length + 1=9", inputs) == [[1, 9]])
        #expect(try shapes("batch_size=2,past_sequence_length+1 = 9", inputs) == [[2, 9]])
        #expect(
            try problem("past_sequence_length=8,past_sequence_length + 1=10", inputs).message.contains(
                "is 10, and follows as 9"))
        #expect(try problem("past_sequence_length + 2=9", inputs).message.contains("`past_sequence_length + 2`"))
        let missing = try problem("", inputs)
        #expect(missing.message.contains("`past_sequence_length`") && !missing.message.contains("+ 1"))
        #expect(missing.remedy == "say it by --dim past_sequence_length=…")
    }

    @Test func aPartFollowsFromTheSum() throws {
        let inputs = [
            Self.input("ids", "batch", "sequence"), Self.input("mask", "batch", "past + sequence"),
            Self.input("past", "batch * heads", "past"),
        ]
        #expect(try shapes("sequence=1,past + sequence=9,heads=4", inputs) == [[1, 1], [1, 9], [4, 8]])
        #expect(try shapes("batch=2,sequence=1,past=0,batch * heads=8", inputs) == [[2, 1], [2, 1], [8, 0]])
        var dimensions = try Dimensions("batch=2,sequence=1,past=3,heads=4", of: inputs)
        try dimensions.complete()
        #expect(dimensions.batch == 2)
        let missing = try problem("sequence=4", inputs)
        #expect(missing.message.contains("`past`, `heads`"))
        #expect(try shapes("sequence=4," + typed(missing.remedy, 3), inputs) == [[1, 4], [1, 7], [3, 3]])
    }

    @Test func aSizeThatIsNoneIsNamed() throws {
        let inputs = [Self.input("x", "floor(h/8)", "h/8", "w - 4", "h", "w")]
        #expect(try shapes("h=16,w=4", inputs) == [[2, 2, 0, 16, 4]])
        let half = try problem("h=20,w=4", inputs)
        #expect(half.message.contains("`h/8` follows as 2.5"))
        #expect(try problem("h=16,w=3", inputs).message.contains("`w - 4` follows as -1"))
    }

    /// What a message tells to type works when it is typed.
    @Test(
        arguments: [
            "unk__214", "height (pixels)", "a,b", "a=b", "x=3,y", "it's", "$(reboot)", "`x`", "\"q\"", "-1", "-x",
            "größe", "数", "a b=1", "?", "*", "#n", " lead", "batch-size",
            "image/height", "dim:0", "a\\b", "~", "!x", "N;M", "trail ",
        ])
    func anyNameCanBeTyped(name: String) throws {
        let inputs = [Self.input("x", [2, .named(name), .named("other")])]
        let missing = try problem("", inputs)
        #expect(missing.message.contains("`\(name)`"))
        #expect(try shapes(typed(missing.remedy, 7), inputs) == [[2, 7, 7]])
    }

    @Test func whatCannotBeTypedHasAPlace() throws {
        let inputs = [Self.input("x", [2, .named("a\nb")])]
        let missing = try problem("", inputs)
        #expect(missing.message.contains("`a\u{FFFD}b`") && missing.remedy == "say it by --dim x.1=…")
        #expect(try shapes(typed(missing.remedy, 7), inputs) == [[2, 7]])
    }

    @Test func whatSharesANameHasPlaces() throws {
        let inputs = [
            Self.input("encoder/ids:0", "batch", "length"), Self.input("decoder.ids", "batch", "length"),
            Self.input("mask", "batch", "length"),
        ]
        #expect(try shapes("length=5", inputs) == [[1, 5], [1, 5], [1, 5]])
        #expect(try shapes("length=5,decoder.ids.1=2", inputs) == [[1, 5], [1, 2], [1, 5]])
        // What is given for one place is that of the name, unless another says otherwise.
        #expect(try shapes("encoder/ids:0.1=6", inputs) == [[1, 6], [1, 6], [1, 6]])
        #expect(try problem("encoder/ids:0.1=6,decoder.ids.1=2", inputs).message.contains("`length`"))
        #expect(try shapes("encoder/ids:0.1=6,decoder.ids.1=2,mask.1=6", inputs) == [[1, 6], [1, 2], [1, 6]])
        #expect(try shapes("mask.0=3,length=1", inputs).last == [3, 1])
    }

    @Test func placesOfOtherKinds() throws {
        // Without a name the engine's list has the place for one; a fixed size may be said, and not changed.
        let inputs = [Self.input("my input", [.named("my input.0"), 3, .named("my input.2")])]
        #expect(try shapes("my input.2=4,my input.1=3", inputs) == [[1, 3, 4]])
        #expect(try problem("my input.2=4,my input.1=5", inputs).message.contains("fixes it to 3"))
        #expect(try shapes(typed(problem("", inputs).remedy, 6), inputs) == [[1, 3, 6]])
        #expect(try problem("my input.2=4,my input.3=1", inputs).message.contains("no dimension"))
        // A batch that another input has elsewhere than in front.
        #expect(
            try shapes("t=2", [Self.input("a", "t", "batch"), Self.input("b", "batch", "t")]) == [[2, 1], [1, 2]])
    }

    @Test func namesThatOnlyLookLikeCalculations() throws {
        #expect(try shapes("image/height=5,batch-size=3", [Self.input("x", "batch-size", "image/height")]) == [[3, 5]])
        #expect(try shapes("", [Self.input("x", "batch-size", "128")]) == [[1, 128]])
        #expect(
            try shapes(
                "a=6,b=2",
                [Self.input("x", "c/d", "a/b", "a", "b")].map { Self.input($0.name, Array($0.shape.dropFirst())) }) == [
                    [3, 6, 2]
                ])
    }

    /// The engine has the names of the file, whatever they are.
    @Test func aModelOfSuchNamesRuns() throws {
        let bench = try ModelBench()
        var g = GraphBuilder(name: "cache")
        g.output(g.scaled(g.input("past", [.named("batch_size"), .named("past_sequence_length")]), by: 2), as: "a")
        g.output(g.scaled(g.input("mask", [.named("batch_size"), .named("past_sequence_length + 1")]), by: 2), as: "b")
        g.output(g.scaled(g.input("größe, b=3", [.named("unk__214"), .named("a, b=3")]), by: 2), as: "c")
        let file = ParameterValue.string(try bench.write(g).path)
        let missing = try #require(bench.problem(["file": file]))
        #expect(missing.message.contains("`past_sequence_length`") && !missing.message.contains("+ 1"))
        let dims = try typed(missing.remedy, 8)
        let info = try bench.initialize(["file": file, "dims": .string(dims + ",batch_size=2")])
        #expect(info.batch == 2)
        // Of the products one operation each: 2 × 8, 2 × 9 and 8 × 8.
        #expect(info.operationsPerInference == Double(2 * 8 + 2 * 9 + 8 * 8) / 2)
    }

    @Test func anOutputThatHoldsNoNumbersFails() throws {
        let bench = try ModelBench()
        for (name, factor, isFine) in [("fine", Float(2), true), ("nan", .nan, false), ("infinite", .infinity, false)] {
            var g = GraphBuilder(name: name)
            g.output(g.scaled(g.input("x", [2, 3]), by: factor), as: "y")
            let problem = bench.problem(["file": .string(try bench.write(g, name).path)])
            #expect((problem == nil) == isFine, "\(name)")
            if let problem { #expect(problem.message.contains("`y`")) }
        }
    }

    /// Masks are infinite in part.
    @Test func anInfinityAmongNumbersIsFine() throws {
        let runtime = try OnnxRuntime()
        func holds(_ values: [Float], _ limit: Int = .max) throws -> Bool {
            try OnnxTensor(runtime, floats: values, shape: [values.count]).holdsNumbers(lookingAt: limit)
        }
        #expect(try holds([1, -.infinity, 2]) && holds([]) && holds([0]))
        #expect(try !holds([1, .nan]) && !holds([.infinity]))
        #expect(try holds([1, .nan] + [Float](repeating: 1, count: 998), 10), "a part of them is looked at")
        #expect(try OnnxTensor(runtime, integers: [1], shape: [1]).holdsNumbers())
    }
}
