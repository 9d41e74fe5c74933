import Testing

@testable import Exchange

@Suite struct ImportNamesTests {
    @Test(arguments: [
        (["a.tgz"], "a.tgz"), (["a.tgz", "b.tgz"], "a.tgz, b.tgz"), (["d/a", "d/b", "d/c"], "d/a, d/b, d/c"),
        (["d/a", "d/b", "d/c", "d/e"], "4 files, d/a to e"),
    ]) func anImportNamesItsFiles(paths: [String], text: String) { #expect(ImportGroup.files(paths) == text) }
}
