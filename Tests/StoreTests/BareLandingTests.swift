import Testing

@testable import Store

/// A landing file that a kill left behind before anything was committed to it.
@Suite struct BareLandingTests {
  @Test(arguments: [0, 8_192]) func isInNobodysWay(length: Int) async throws {
    let store = try ModelStore()
    try await store.append([store.log("gui.click")])
    store.close()
    let path = store.directory.landingFile(9)
    try FileSystem.writeDurably(path, [])
    if length > 0 {
      let connection = try Connection(path, .create)
      try connection.execute("PRAGMA page_size=\(length); PRAGMA journal_mode=WAL")
      connection.close()
    }
    #expect(FileSystem.length(path) == Int64(length))
    #expect(try store.files().map(\.number) == [1])
    let books = try store.books()
    #expect(books.balances && books.unreadable.isEmpty)
    try store.start()
    store.close()
    #expect(try store.marks() == [1])
    #expect(try store.books().balances)
  }
}
