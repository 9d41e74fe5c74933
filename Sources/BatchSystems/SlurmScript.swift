package import Core

/// The few lines by which `sbatch` measures a suite on the nodes of a cluster. They are printed and nothing else: who may submit what is
/// for the site to say.
package struct SlurmScript: Sendable, Hashable {
    package enum Nodes: Sendable, Hashable {
        /// Each node of the partition once. Slurm's arrays pin no job to a node, so it is one job a node, by its name.
        case each
        /// Any nodes of a kind: an array of so many jobs with the constraint, or without one.
        case array(count: Int, constraint: String?)
    }

    /// Slurm's MaxArraySize is 1001 unless a site raises it, up to four million.
    package static let arrays = 1...4_000_001

    package var suite: String
    package var partition: String?
    package var nodes: Nodes
    /// A limit in Slurm's form, such as `2:00:00`; `nil` for the partition's own.
    package var time: String?
    /// Other words for `taskwatt run`.
    package var arguments: [String]
    /// The program, by the path that it has on the nodes.
    package var program: String

    /// How long before the limit a job is told to end, in seconds. Slurm may be a minute late with it (sbatch(1), `--signal`).
    package static let warning = 60

    /// - Throws: `UserError` for what Slurm would refuse or misread.
    package init(
        suite: String, partition: String? = nil, nodes: Nodes, time: String? = nil, arguments: [String] = [],
        program: String = "taskwatt"
    ) throws(UserError) {
        var texts = [("the suite", suite), ("the program", program)] + arguments.map { ("an argument", $0) }
        if let partition { texts.append(("--partition", partition)) }
        if case .array(_, let constraint?) = nodes { texts.append(("--constraint", constraint)) }
        for (name, text) in texts {
            // They stand in a comment, in a file and on a terminal, too, and a NUL is in no argument.
            guard !text.isEmpty, !text.unicodeScalars.contains(where: PrintableText.isControl) else {
                throw UserError(.usage, "\(name) must be a text without control characters, not `\(text)`")
            }
        }
        if let time, !Self.isTime(time) {
            throw UserError(
                .usage, "--time is `\(time)`", remedy: "give minutes, HH:MM:SS or D-HH:MM:SS, as sbatch has it")
        }
        if case .array(let count, _) = nodes, !Self.arrays.contains(count) {
            throw UserError(
                .usage, "--array is \(count), and may be from \(Self.arrays.lowerBound) to \(Self.arrays.upperBound)")
        }
        self.suite = suite
        self.partition = partition
        self.nodes = nodes
        self.time = time
        self.arguments = arguments
        self.program = program
    }

    /// "minutes", "minutes:seconds", "hours:minutes:seconds", "days-hours", "days-hours:minutes" and "days-hours:minutes:seconds":
    /// sbatch(1), `--time`.
    static func isTime(_ text: String) -> Bool {
        text.wholeMatch(of: /[0-9]{1,9}(:[0-9]{1,2}){0,2}|[0-9]{1,6}-[0-9]{1,2}(:[0-9]{1,2}){0,2}/) != nil
    }

    /// The script, for `sh`.
    package var text: String {
        let options = self.options.map(ShellWord.quoted).joined(separator: " ")
        switch nodes {
        case .each:
            // Slurm marks the default partition, where jobs go that name none.
            let (filter, marked) =
                partition.map { (" -p \(ShellWord.quoted($0))", "") } ?? ("", " | grep '[*]$'")
            return """
                #!/bin/sh
                # Made by `taskwatt fleet script`: one job for each node of \(partition.map { "the partition \($0)" } ?? "the default partition").
                # A job waits until its node is free; one that is submitted again waits for the one before.
                sinfo -hN\(filter) -o '%N %T %P'\(marked) | sort -u -k 1,1 | {
                    status=0 nodes=0
                    while read -r node state partition; do
                        nodes=$((nodes + 1))
                        case $state in
                        down* | drain* | fail* | maint* | unknown*)
                            echo "taskwatt: $node is $state and gets no job" >&2
                            continue ;;
                        esac
                        sbatch \(options) \\
                            --nodelist="$node" --job-name="taskwatt-$node" --dependency=singleton \\
                            --wrap \(wrapped) </dev/null || status=1
                    done
                    if [ "$nodes" = 0 ]; then
                        echo "taskwatt: there is no node; sinfo lists partitions and nodes" >&2
                        status=1
                    fi
                    exit "$status"
                }

                """
        case .array(let count, _):
            return """
                #!/bin/sh
                # Made by `taskwatt fleet script`: \(count) \(count == 1 ? "job" : "jobs"), each on any node that fits.
                sbatch \(options) \\
                    --array=1-\(count) --job-name=taskwatt \\
                    --wrap \(wrapped)

                """
        }
    }

    private var options: [String] {
        var options = partition.map { ["--partition=\($0)"] } ?? []
        if case .array(_, let constraint?) = nodes { options.append("--constraint=\(constraint)") }
        if let time { options.append("--time=\(time)") }
        // The whole node with all its memory: what others do on it would be in the figures.
        return options + [
            "--nodes=1", "--ntasks=1", "--exclusive", "--mem=0", "--signal=B:TERM@\(Self.warning)",
            "--output=taskwatt-%N-%j.out",
        ]
    }

    /// What runs on the node, as one word. `exec` makes the program the process that the signal reaches: `B:` sends it to the batch shell
    /// alone, which would wait for its command's end.
    private var wrapped: String {
        // A name that begins with a hyphen is no option.
        let named = suite.hasPrefix("-") ? ["--", suite] : [suite]
        let words = [program, "run", "--here"] + arguments + named
        return ShellWord.quoted("exec " + words.map(ShellWord.quoted).joined(separator: " "))
    }
}
