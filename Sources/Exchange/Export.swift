package import Recording

/// An export of the record, a page at a time, so that any length needs the same memory.
package struct Export: Sendable {
    /// What the holder of a record writes of it.
    package enum Kind: String, Sendable, CaseIterable {
        case runs, samples, codecarbon, jsonl

        package var mediaType: String { exporter(isRaw: false).mediaType }

        /// Whether an export without a run has a line all the same.
        package var hasHeader: Bool { !exporter(isRaw: false).header.isEmpty }

        func exporter(isRaw: Bool) -> any PageExporter {
            switch self {
            case .runs: RunsExporter(isRaw: isRaw)
            case .samples: SamplesExporter(isRaw: isRaw)
            case .codecarbon: CodeCarbonExporter(isRaw: isRaw)
            case .jsonl: JSONLinesExporter()
            }
        }
    }

    private var pieces: any PieceSource

    /// - Parameter hasRawCells: leaves texts as they are that a spreadsheet would take for formulas.
    package init(_ kind: Kind, of store: any RecordReader, filter: RunFilter = RunFilter(), hasRawCells: Bool = false) {
        func pieces(_ exporter: some PageExporter) -> any PieceSource {
            Pieces(exporter: exporter, reader: store, filter: filter)
        }
        self.pieces = pieces(kind.exporter(isRaw: hasRawCells))
    }

    /// The next piece of UTF-8; `nil` after the last.
    ///
    /// - Throws: `StoreError`.
    package mutating func next() async throws -> [UInt8]? { try await pieces.next() }

    /// Windows that were left out because what they hold cannot be.
    package var damaged: Int { pieces.damaged }

    /// What was left out so far, a line each.
    package var remarks: [String] { pieces.remarks }
}

private protocol PieceSource: Sendable {
    mutating func next() async throws -> [UInt8]?
    var damaged: Int { get }
    var remarks: [String] { get }
}

/// One layout, over the pages of a record.
private struct Pieces<Layout: PageExporter>: PieceSource {
    var exporter: Layout
    let reader: any RecordReader
    let filter: RunFilter
    private var last: Int64 = 0
    private var hasHeader = false
    /// The page that was read while the one before was written.
    private var following: Layout.Part?

    init(exporter: Layout, reader: any RecordReader, filter: RunFilter) {
        self.exporter = exporter
        self.reader = reader
        self.filter = filter
    }

    var damaged: Int { exporter.damaged }
    var remarks: [String] { exporter.remarks }

    mutating func next() async throws -> [UInt8]? {
        let header = hasHeader ? [] : exporter.header
        hasHeader = true
        let page: Layout.Part
        if let following { page = following } else { page = try await Layout.read(reader, filter, after: last) }
        guard let end = page.last else { return header.isEmpty ? nil : header }
        last = end
        // The next page is read while this one is written, which changes this value: what the reading needs is taken out of it before.
        let (reader, filter) = (reader, filter)
        async let next = Self.read(reader, filter, after: end)
        let bytes = try exporter.write(page)
        following = try await next
        return header.isEmpty ? bytes : header + bytes
    }

    @concurrent
    private static func read(
        _ reader: any RecordReader, _ filter: RunFilter, after id: Int64
    ) async throws(StoreError) -> Layout.Part { try await Layout.read(reader, filter, after: id) }
}
