import Testing

@testable import Daemon

@Suite struct TableWriterTests {
  private static let rows: [[TableValue]] = [
    [.text("relay"), .integer(12), .real(0.5), .null],
    [.text("gui, \"x\""), .integer(3_000), .real(-2), .blob([0, 255])],
  ]

  private func written(_ format: TableFormat, _ columns: [String], _ rows: [[TableValue]]) throws -> String {
    let out = Collected()
    try TableWriter.write(format, columns: columns, rows: rows) { out.bytes += $0 }
    return String(decoding: out.bytes, as: UTF8.self)
  }

  private final class Collected {
    var bytes: [UInt8] = []
  }

  @Test(arguments: [
    (
      TableFormat.table,
      """
      NAME         N  SHARE  RAW
      relay       12    0.5
      gui, "x"  3000   -2.0  00ff

      """
    ),
    (
      .json,
      """
      [
      {"name":"relay","n":12,"share":0.5,"raw":null},
      {"name":"gui, \\"x\\"","n":3000,"share":-2.0,"raw":"00ff"}
      ]

      """
    ),
    (
      .ndjson,
      """
      {"name":"relay","n":12,"share":0.5,"raw":null}
      {"name":"gui, \\"x\\"","n":3000,"share":-2.0,"raw":"00ff"}

      """
    ),
    (
      .csv,
      #"""
      name,n,share,raw
      relay,12,0.5,
      "gui, ""x""",3000,-2.0,00ff

      """#
    ),
  ]) func writesEveryFormat(format: TableFormat, text: String) throws {
    #expect(try written(format, ["name", "n", "share", "raw"], TableWriterTests.rows) == text)
  }

  @Test(arguments: [(TableFormat.table, "A\n"), (.json, "[]\n"), (.ndjson, ""), (.csv, "a\n")])
  func writesAnEmptyListing(format: TableFormat, text: String) throws {
    #expect(try written(format, ["a"], []) == text)
  }

  @Test func aCellCannotMoveTheCursor() throws {
    let text = try written(.table, ["a"], [[.text("x\u{1b}[2J\n\t\u{9b}\u{202e}y")]])
    #expect(text == "A\nx\\u{1b}[2J\\n\\t\\u{9b}\\u{202e}y\n")
  }

  @Test func jsonEscapesWhatItMust() throws {
    let text = try written(.ndjson, ["a\"b"], [[.text("\u{0}\n\\é")], [.real(.infinity)]])
    #expect(text == "{\"a\\\"b\":\"\\u0000\\n\\\\é\"}\n{\"a\\\"b\":\"inf\"}\n")
  }

  @Test func csvTellsAnEmptyTextFromNull() throws {
    #expect(
      try written(.csv, ["a", "b"], [[.text(""), .null], [.text("x\ny"), .null]]) == "a,b\n\"\",\n\"x\ny\",\n")
  }

  @Test(arguments: TableFormat.allCases) func longListingsComeInPieces(format: TableFormat) throws {
    let pieces = Collected()
    var count = 0
    var writer = TableWriter(format, columns: ["n"]) { piece in
      pieces.bytes += piece
      count += 1
    }
    for number in 0..<20_000 { try writer.append([.integer(Int64(number))]) }
    #expect(count > 0)
    try writer.finish()
    let lines = pieces.bytes.split(separator: UInt8(ascii: "\n"))
    #expect((20_000...20_002).contains(lines.count))
  }

  @Test func whatTheTakerThrowsIsThrown() {
    struct Gone: Error {}
    #expect(throws: Gone.self) {
      try TableWriter.write(.csv, columns: ["a"], rows: []) { _ in throw Gone() }
    }
  }
}
