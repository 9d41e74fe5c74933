import Core
import Reporting
import TestSupport
import Testing

@Suite("Statistics")
struct StatisticsTests {
    /// Two-sided 95 %, from the tables of any textbook: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
    @Test(
        "Student's t as published",
        arguments: [(1, 12.706), (2, 4.303), (3, 3.182), (9, 2.262), (30, 2.042), (100, 1.984), (1e6, 1.960)])
    func published(degrees: Double, t: Double) {
        #expect(abs(Statistics.studentT95(degrees) - t) < 0.0005)
    }

    /// `scipy.stats.t.ppf(0.975, ν)` of SciPy 1.17.1.
    @Test(
        "Student's t at degrees of freedom that are not whole",
        arguments: [
            (0.5, 164.55767348048818), (1.0, 12.706204736174694), (1.5, 6.016663104427929), (2.5, 3.5746548420036817),
            (4.7, 2.62072607535317), (13.37, 2.154306952430865), (100.5, 1.9838506553357993), (1e6, 1.959966356814107),
        ])
    func scipy(degrees: Double, t: Double) {
        #expect(isClose(Statistics.studentT95(degrees), t, relative: 1e-7))
    }

    @Test("No degrees of freedom, no interval", arguments: [0.0, -1.0, .nan])
    func noDegrees(degrees: Double) {
        #expect(Statistics.studentT95(degrees) == .infinity)
    }

    /// `2 * scipy.stats.t.sf(t, ν)`, and the normal distribution's.
    @Test(
        "How often chance alone brings as much",
        arguments: [
            (2.5, 3.7, 0.07182202291182678), (0.3, 12, 0.7693104740882523), (10, 1, 0.06345103486110713),
            (2.5, .infinity, 0.012419330651552265), (0, 5, 1), (.infinity, 5, 0),
        ] as [(Double, Double, Double)])
    func chance(t: Double, degrees: Double, p: Double) {
        #expect(abs(Statistics.twoSidedP(t: t, degreesOfFreedom: degrees) - p) < 1e-9)
    }

    @Test("Values far off the others, by the modified z-score")
    func outliers() {
        #expect(Statistics.outliers([1, 1, 1, 9]).isEmpty, "of fewer than five none")
        #expect(Statistics.outliers([5, 5, 5, 5, 5]).isEmpty)
        #expect(Statistics.outliers([1, 2, 3, 4, 5]).isEmpty)
        // Median 10, MAD 1: 0.6745 · 9 is 6.07, and 0.6745 · 8 is 5.40; the cut of seven is 5.87.
        #expect(Statistics.outliers([9, 10, 11, 9, 11, 10, 19]).map(\.index) == [6])
        #expect(Statistics.outliers([9, 10, 11, 9, 11, 10, 18]).isEmpty)
        #expect(Statistics.outliers([1, 9, 10, 11, 9, 11, 10]).map(\.index) == [0])
        let far = Statistics.outliers([1, 2, 3, 4, 100])
        // median 3, MAD 1
        #expect(far.map(\.index) == [4] && isClose(far.first?.score, 0.6745 * 97))
        #expect(Statistics.outliers([-100, 2, 3, 4, 5]).first.map { $0.score < 0 } == true)
        // More than half are the same: mean deviation 8/10, and the smallest step 1, so the score is 7 / (1.253314 · 0.8).
        let same = Statistics.outliers([5, 5, 5, 5, 5, 5, 5, 5, 6, 12])
        #expect(same.map(\.index) == [9] && isClose(same.first?.score, 7 / (1.253314 * 0.8)))
        // One step of a coarse meter is none: 9 / 9.
        #expect(Statistics.outliers([5, 5, 5, 5, 5, 5, 5, 5, 5, 14]).isEmpty)
    }

    @Test("Mean")
    func mean() {
        #expect(Statistics.mean([]) == nil)
        #expect(Statistics.mean([7]) == 7)
        #expect(Statistics.mean([1, 2, 6]) == 3)
    }

    @Test("The standard deviation is of a sample")
    func standardDeviation() {
        #expect(Statistics.sampleStandardDeviation([]) == nil)
        #expect(Statistics.sampleStandardDeviation([7]) == nil)
        #expect(Statistics.sampleStandardDeviation([7, 7, 7]) == 0)
        #expect(Statistics.sampleStandardDeviation([1, 3]) == 2.0.squareRoot())
        // Large and close together: a one-pass formula would have nothing left.
        #expect(Statistics.sampleStandardDeviation([1e9 + 1, 1e9 + 2, 1e9 + 3]) == 1)
    }

    @Test("The median, of any number in any order")
    func median() {
        #expect(Statistics.median([]) == nil)
        #expect(Statistics.median([7]) == 7)
        #expect(Statistics.median([9, 1]) == 5)
        #expect(Statistics.median([9, 1, 2]) == 2)
        #expect(Statistics.median([4, 1, 3, 2]) == 2.5)
    }
}

@Suite("The paper's table")
struct PaperTableTests {
    /// Task, recomputed mean and std of Table 2 of arXiv 2311.16863, and the mean as printed: computed from the paper's
    /// published logs, apart from this program.
    private static let table: [(task: String, mean: Double, std: Double, printed: Double)] = [
        ("text-classification", 0.002292, 0.000929, 0.002),
        ("question-answering", 0.003281, 0.001547, 0.003),
        ("fill-mask", 0.003379, 0.001076, 0.003),
        ("token-classification", 0.003580, 0.001751, 0.004),
        ("image-classification", 0.007074, 0.001218, 0.007),
        ("object-detection", 0.037746, 0.026878, 0.038),
        ("text-generation", 0.046904, 0.026623, 0.047),
        ("summarization", 0.049185, 0.015417, 0.049),
        ("image-to-text", 0.062978, 0.022283, 0.063),
        ("text-to-image", 2.907177, 3.308836, 2.907),
    ]

    @Test("Every figure is that of the logs")
    func figures() {
        #expect(PaperTable.rows.count == Self.table.count)
        for row in Self.table {
            let ours = PaperTable.rows[MLTask(rawValue: row.task)]
            #expect(ours?.mean == row.mean && ours?.std == row.std, "\(row.task)")
            // The blog post that quotes the paper is ten times too high in two rows; this would catch that.
            #expect(abs((ours?.mean ?? 0) - row.printed) < 0.00051, "\(row.task)")
        }
    }

    @Test("Each of the paper's ten tasks is there")
    func tasks() { #expect(Set(PaperTable.rows.keys) == Set(MLTask.paperTasks)) }
}
