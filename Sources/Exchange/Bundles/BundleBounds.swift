/// How much a bundle may hold, each bound with its reason. What is packed is small whatever it unpacks to, so none of them is on the
/// size of the bundle itself. The samples of a run have none but that of their file: they are never in memory.
struct BundleBounds: Sendable, Hashable {
    /// Files of a bundle: those of some 1,800 suites.
    var files = 20_000
    /// Bytes of the manifest, of which each file has some 180.
    var manifestBytes: Int64 = 8 << 20
    /// All files together, unpacked.
    var bytes: Int64 = 16 << 30
    /// Bytes of all files to one that is packed. No text of ours is packed so well; what is, is made to fill a disk.
    var expansion: Int64 = 1000
    /// Blocks of zeros at the end of the archive: `tar` fills up to 20, and to more where it was told to.
    var endBlocks = 256
    /// Runs of a bundle, which are in memory with what was found of them: the paper's suite has 3,000 with all stages.
    var runs = 50_000
    /// Domains of a run, of which each is compared with the others: a machine with eight accelerators has some 60.
    var domains = 512
    /// Descriptions of meters of a suite: those of all domains, as they were at different times.
    var meters = 4096
    /// Blocks of an idle window, of a second each: an idle window takes a day at most.
    var blocks = 90_000
    /// Bytes of a line of `runs.jsonl`: 512 domains are 300 KB.
    var runBytes = 4 << 20
    /// Bytes of a line of `samples.csv`: an id of a meter and some numbers.
    var sampleBytes = 4096

    static let standard = Self()
}
