import Foundation
import TestSupport

/// A real browser without a window: Chromium, as Debian has it. `.ci/deps --test` installs it.
struct Browser {
    private let directory: TemporaryDirectory
    private let page: String

    struct Failure: Error, CustomStringConvertible { var description: String }

    init(_ html: String) throws {
        directory = try TemporaryDirectory(["/page.html": html])
        page = directory.path + "/page.html"
    }

    /// The document as the browser understood it, written out again.
    func dom() throws -> String { String(decoding: try run(["--dump-dom"]), as: UTF8.self) }

    /// The red, green and blue of the upper left corner of a picture of the page.
    func corner(width: Int = 1000, more: [String] = []) throws -> [Int] {
        let picture = directory.path + "/page.png"
        _ = try run(["--screenshot=\(picture)", "--window-size=\(width),800", "--hide-scrollbars"] + more)
        // The first pixel of the first row is itself, whatever the row's filter (PNG, section 9.2).
        let text = try python(
            """
            import struct, sys, zlib
            data = open(sys.argv[1], 'rb').read()
            place, pixels = 8, b''
            while place < len(data):
                size, kind = struct.unpack('>I4s', data[place:place + 8])
                if kind == b'IDAT': pixels += data[place + 8:place + 8 + size]
                place += 12 + size
            print(*zlib.decompress(pixels)[1:4])
            """, [picture])
        return text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    }

    func pdf() throws -> Data {
        let file = directory.path + "/page.pdf"
        _ = try run(["--print-to-pdf=\(file)", "--no-pdf-header-footer"])
        return try Data(contentsOf: URL(fileURLWithPath: file))
    }

    private func run(_ flags: [String]) throws -> Data {
        let profile = directory.path + "/profile-\(UUID().uuidString)"
        return try start(
            "/usr/bin/timeout",
            [
                "60", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--no-first-run", "--user-data-dir=\(profile)",
            ] + flags + ["file://\(page)"])
    }

    private func start(_ program: String, _ arguments: [String]) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(
                description:
                    "chromium ends with \(process.terminationStatus); is it there? `.ci/deps --test` installs it")
        }
        return data
    }
}

/// Runs a program in python3, a reader that is not ours.
func python(_ program: String, _ arguments: [String] = []) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", program] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Browser.Failure(description: "python3 fails") }
    return String(decoding: data, as: UTF8.self)
}

/// What a page is made of, as python's parser of HTML sees it.
struct PageContent: Decodable {
    var tags: [String: Int]
    /// Every attribute that a browser would fetch or go to.
    var addresses: [String]
    var handlers: [String]
    var title: String
    var headings: [String]
    /// Pictures without a name or a description of their own.
    var namelessPictures: Int
    /// Tables without a caption.
    var tablesWithoutCaption: Int
    var duplicateIDs: [String]
    var text: String

    init(_ html: String) throws {
        let directory = try TemporaryDirectory(["/page.html": html])
        let json = try python(Self.parser, [directory.path + "/page.html"])
        self = try JSONDecoder().decode(PageContent.self, from: Data(json.utf8))
    }

    private static let parser = """
        import html.parser, json, sys
        class Reader(html.parser.HTMLParser):
            def __init__(self):
                super().__init__()
                self.tags, self.addresses, self.handlers, self.ids = {}, [], [], []
                self.stack, self.title, self.headings, self.text = [], '', [], []
                self.nameless, self.captionless, self.pictures, self.tables = 0, 0, [], []
            def handle_starttag(self, tag, attributes):
                self.tags[tag] = self.tags.get(tag, 0) + 1
                values = dict(attributes)
                for name, value in attributes:
                    if name in ('src', 'href', 'xlink:href', 'srcset', 'action', 'data', 'poster', 'background'):
                        self.addresses.append(value)
                    if name == 'style' or 'url(' in (value or ''): self.addresses.append(value)
                    if name.startswith('on'): self.handlers.append(name)
                    if name == 'id': self.ids.append(value)
                if tag in ('h1', 'h2', 'h3'): self.headings.append(tag + ':')
                if tag == 'svg': self.pictures.append([values, False, False])
                if tag == 'title' and self.pictures: self.pictures[-1][1] = True
                if tag == 'desc' and self.pictures: self.pictures[-1][2] = True
                if tag == 'table': self.tables.append(False)
                if tag == 'caption' and self.tables: self.tables[-1] = True
                if tag not in ('meta', 'br', 'col', 'link', 'img', 'hr'): self.stack.append(tag)
            def handle_startendtag(self, tag, attributes):
                self.handle_starttag(tag, attributes)
                if tag not in ('meta', 'br', 'col', 'link', 'img', 'hr'): self.handle_endtag(tag)
            def handle_endtag(self, tag):
                while self.stack and self.stack.pop() != tag: pass
                if tag == 'svg' and self.pictures:
                    values, has_name, has_text = self.pictures.pop()
                    if values.get('aria-hidden') != 'true':
                        named = values.get('role') == 'img' and values.get('aria-labelledby')
                        if not (named and has_name and has_text): self.nameless += 1
                if tag == 'table' and self.tables and not self.tables.pop(): self.captionless += 1
            def handle_data(self, data):
                if self.stack and self.stack[-1] == 'style':
                    self.addresses += [part.split(')')[0] for part in data.split('url(')[1:]]
                    if '@import' in data: self.addresses.append('@import')
                    return
                if self.stack == ['html', 'head', 'title']: self.title += data
                if self.stack and any(tag in ('h1', 'h2', 'h3') for tag in self.stack): self.headings[-1] += data
                self.text.append(data)
        reader = Reader()
        reader.feed(open(sys.argv[1], encoding='utf-8').read())
        reader.close()
        json.dump({'tags': reader.tags, 'addresses': reader.addresses, 'handlers': reader.handlers, 'title': reader.title,
            'headings': reader.headings, 'namelessPictures': reader.nameless, 'tablesWithoutCaption': reader.captionless,
            'duplicateIDs': [name for name in set(reader.ids) if reader.ids.count(name) > 1],
            'text': ' '.join(''.join(reader.text).split())}, sys.stdout)
        """
}
