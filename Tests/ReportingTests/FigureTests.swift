import Core
import Foundation
import Recording
import TestSupport
import Testing

@testable import Reporting

@Suite("Figures alone")
struct FigureTests {
    private func figure(_ kind: FigureKind, _ store: Store?, _ options: TableReport.Options = .init()) async throws
        -> FigureFile
    {
        do throws(FigureFile.Absence) { return try await FigureFile(kind, store, options) } catch { throw error }
    }

    /// What an SVG is made of, as python's parser of XML sees it.
    private struct Picture: Decodable {
        var root: String
        var tags: [String: Int]
        var title: String
        var description: String
        var width: Double
        var height: Double
        var style: String
        var classes: [String]
        /// Each text with the place where it ends or begins.
        var texts: [[String]]
        var references: [String]

        init(_ svg: String) throws {
            let directory = try TemporaryDirectory(["/figure.svg": svg])
            let json = try python(
                """
                import json, re, sys, xml.etree.ElementTree as E
                root = E.parse(sys.argv[1]).getroot()
                name = lambda e: e.tag.split('}')[1]
                tags, classes, texts, references = {}, set(), [], []
                for e in root.iter():
                    tags[name(e)] = tags.get(name(e), 0) + 1
                    classes.update((e.get('class') or '').split())
                    if name(e) == 'text': texts.append([e.get('x'), e.get('y'), e.get('text-anchor') or 'start', ''.join(e.itertext())])
                    for key, value in e.items():
                        if 'href' in key or key in ('src', 'style') or key.startswith('on'): references.append(value)
                style = ''.join(e.text for e in root if name(e) == 'style')
                references += re.findall(r'url\\(([^)]*)\\)', style)
                json.dump({'root': root.tag, 'tags': tags, 'title': root[0].text, 'description': root[1].text,
                    'width': float(root.get('width')), 'height': float(root.get('height')), 'style': style,
                    'classes': sorted(classes), 'texts': texts, 'references': references}, sys.stdout)
                """, [directory.path + "/figure.svg"])
            self = try JSONDecoder().decode(Picture.self, from: Data(json.utf8))
        }
    }

    @Test("Each is a picture that needs nothing beside it, in every theme", arguments: FigureKind.all.map(\.name))
    func pictures(_ name: String) async throws {
        let kind = try FigureKind.named(name)
        let sampled = try SampledRecord(provenance: .estimated)
        for theme in FigureTheme.allCases {
            let picture = try await Picture(try figure(kind, sampled.record.store).svg(theme))
            #expect(picture.root == "{http://www.w3.org/2000/svg}svg")
            #expect(!picture.title.isEmpty && !picture.description.isEmpty)
            #expect(
                picture.tags["script"] == nil && picture.tags["foreignObject"] == nil && picture.tags["image"] == nil)
            #expect(picture.references.allSatisfy { $0.hasPrefix("#") }, "\(picture.references)")
            // No converter knows variables, and none follows a page's media.
            for word in ["var(", "@media", "@import", ":root"] { #expect(!picture.style.contains(word), "\(word)") }
            // What has a place is on the picture.
            for text in picture.texts {
                let (x, y) = (try #require(Double(text[0])), try #require(Double(text[1])))
                #expect((0...picture.width).contains(x) && (0...picture.height).contains(y), "\(text)")
            }
        }
    }

    @Test("Themes have the values of the page, and grey has no hue")
    func themes() {
        let sheet = String(decoding: PackageResources.report_css, as: UTF8.self)
        #expect(FigureTheme.light.css.contains(".sheet { fill: #ffffff; }"))
        #expect(FigureTheme.dark.css.contains(".sheet { fill: #1a1d22; }"))
        #expect(sheet.contains("--sheet: #ffffff") && sheet.contains("--sheet: #1a1d22"))
        for theme in FigureTheme.allCases {
            #expect(!theme.css.contains("--"), "a variable has no value")
            let colours = theme.css.matches(of: /#([0-9a-f]{6})\b/).map { String($0.1) }
            #expect(colours.count > 20)
            let isGrey = colours.allSatisfy {
                $0.prefix(2) == $0.dropFirst(2).prefix(2) && $0.prefix(2) == $0.suffix(2)
            }
            #expect(isGrey == (theme == .grey), "\(theme)")
        }
        // Black, white, and the middle by WCAG's formula: #777777 and #b3261e have that luminance.
        #expect(FigureTheme.grey.css.contains("fill: #ffffff"))
    }

    @Test("What is not measured is hatched in the file as on the page", arguments: [Provenance.estimated, .simulated])
    func hatched(_ provenance: Provenance) async throws {
        let sampled = try SampledRecord(provenance: provenance)
        for name in ["energy", "power"] {
            let picture = try await Picture(try figure(try FigureKind.named(name), sampled.record.store).svg())
            #expect(picture.classes.contains(provenance.rawValue), "\(name)")
            #expect(picture.texts.contains { $0[3].contains(provenance.rawValue) }, "\(name)")
        }
    }

    @Test("CSV has all that is drawn, with the same numbers", arguments: FigureKind.all.map(\.name))
    func csv(_ name: String) async throws {
        let sampled = try SampledRecord()
        let kind = try FigureKind.named(name)
        let page = try await ReportPage(sampled.record.store, .init(version: "1", writtenAt: 0))
        let data = try #require(kind.make(page)).data
        let read = try await pythonReads(try figure(kind, sampled.record.store).csv(isRaw: true))
        let keys = try #require(read.first)
        #expect(Set(keys).count == keys.count && keys.allSatisfy { $0.wholeMatch(of: /[a-z0-9_]+/) != nil }, "\(keys)")
        let rows = data.flatMap { part in part.rows.map { (part, $0) } }
        #expect(!rows.isEmpty && read.count == rows.count + 1)
        for (fields, (part, row)) in zip(read.dropFirst(), rows) {
            #expect(row.count == part.columns.count && fields.count == keys.count)
            for (column, cell) in zip(part.columns, row) {
                let field = fields[try #require(keys.firstIndex(of: column.key))]
                switch cell {
                case .text(let text), .name(let text): #expect(field == text)
                case .number(let value, _): #expect(Double(field) == value)
                case .provenance(let provenance): #expect(field == provenance.rawValue)
                case .none: #expect(field.isEmpty)
                }
            }
        }
    }

    @Test("The energy that is drawn is the table's")
    func energy() async throws {
        let sampled = try SampledRecord()
        let table = try await TableReport(sampled.record.store)
        let read = try await pythonReads(try figure(try FigureKind.named("energy"), sampled.record.store).csv())
        let place = try #require(read[0].firstIndex(of: "kwh_per_1000"))
        #expect(Double(read[1][place]) == table.rows[0].mean)
        #expect(read[2][1] == "paper" && Double(read[2][place]) == PaperTable.rows[.fillMask]?.mean)
    }

    @Test(
        "Names from outside stay text, and no formula for a spreadsheet",
        arguments: ["<script>x</script>", "=1+1", "a\"b'&\u{202E}"])
    func hostile(_ name: String) async throws {
        let names = SampledRecord.Names(
            suite: name, machine: name, model: name, dataset: name, plugin: name, parameter: name)
        let sampled = try SampledRecord(names)
        for kind in FigureKind.all {
            let file = try await figure(kind, sampled.record.store)
            let picture = try Picture(file.svg())
            #expect(picture.tags["script"] == nil)
            let fields = try pythonReads(file.csv()).flatMap(\.self)
            #expect(!fields.contains { $0.hasPrefix("=") }, "\(kind.name)")
        }
    }

    @Test("Where there is nothing to draw it says so")
    func absence() async throws {
        let empty = try TestRecord()
        var filtered = TableReport.Options()
        filtered.filter.task = .summarization
        let sampled = try SampledRecord()
        for kind in FigureKind.all {
            await #expect(throws: FigureFile.Absence.noRuns) { try await figure(kind, sampled.record.store, filtered) }
            for store in [empty.store, nil] {
                if kind.needsRuns {
                    await #expect(throws: FigureFile.Absence.noRuns) { try await figure(kind, store) }
                } else {
                    await #expect(throws: Never.self) { try await figure(kind, store) }
                }
            }
        }
        let one = try TestRecord()
        try one.add([run()])
        for (name, isThere) in [("energy", true), ("scopes", false), ("power", false), ("plane", false)] {
            let kind = try FigureKind.named(name)
            if isThere {
                await #expect(throws: Never.self) { try await figure(kind, one.store) }
            } else {
                await #expect(throws: FigureFile.Absence.self) { try await figure(kind, one.store) }
                await #expect(throws: FigureFile.Absence.noRuns) { try await figure(kind, empty.store) }
            }
        }
        #expect(throws: UnknownName.self) { try FigureKind.named("energie") }
    }

    @Test(
        "A legend stays within its picture, whatever its width, and no entry covers another",
        arguments: [200.0, 480, 960, 2560])
    func legend(_ width: Double) throws {
        let entries = (1...9).map { Legend.Entry.bar("measured", String(repeating: "w", count: $0 * 3)) }
        let (shapes, height) = Legend.rows(entries, from: 100, within: width)
        let rows = try shapes.map(\.source).filter { $0.contains("<text") }.map {
            source -> (x: Double, y: Double, text: String) in
            let match = try #require(source.firstMatch(of: /x="([0-9.]+)" y="([0-9.]+)">([^<]*)</))
            return (try #require(Double(match.1)), try #require(Double(match.2)), String(match.3))
        }
        #expect(rows.count == entries.count)
        for (index, row) in rows.enumerated() {
            let end = row.x + TextWidth.of(row.text)
            #expect(end <= width && row.y <= 100 + height)
            if index > 0, rows[index - 1].y == row.y { #expect(rows[index - 1].x < row.x) }
        }
        #expect(Legend.rows([], from: 1, within: width).height == 0)
    }
}
