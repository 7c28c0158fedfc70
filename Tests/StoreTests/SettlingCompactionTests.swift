import Telemetry
import TestSupport
import Testing

@testable import Store

/// A trickle of requests must not leave a thousand files.
@Suite struct SettlingCompactionTests {
  @Test func aThousandTinyBatchesBecomeAFewFiles() async throws {
    let store = try ModelStore()
    for round in 0..<20 {
      for _ in 0..<50 {
        try await store.append([store.log(round % 2 == 0 ? "chat.message" : "gui.click", source: "s\(round % 3)")])
      }
      try store.settle()
    }
    try store.start().maintainNow()
    #expect(try store.settledFiles().count < 16)
    #expect(try store.marks() == Array(1...1000))
    #expect(try store.ids() == Array(1...1000))
    let facts = try store.texts(
      """
      SELECT n.event, c.source, a.door, count(*) FROM event e JOIN name n ON n.id = e.name JOIN ctx c ON c.id = e.ctx
      JOIN arrival a ON a.first = (SELECT max(first) FROM arrival WHERE first <= e.id) GROUP BY 1, 2, 3
      """)
    #expect(facts.count >= 6 && facts.allSatisfy { $0.contains(" test ") })
    store.close()
    let books = try store.books()
    #expect(books.balances && books.accounts.count == 3)
    #expect(books.accounts.reduce(0) { $0 + $1.present } == 1000)
  }

  @Test func mergedFilesSurviveTheLossOfTheCatalog() async throws {
    let store = try ModelStore()
    for _ in 0..<10 {
      try await store.append([store.log("chat.message")])
      try store.settle()
    }
    try store.start().maintainNow()
    store.close()
    let before = try store.settledFiles().map(\.path)
    try FileSystem.remove(store.directory.catalog)
    try store.start()
    #expect(try store.settledFiles().map(\.path) == before)
    #expect(try store.marks() == Array(1...10))
    store.close()
    #expect(try store.books().balances)
  }

  @Test func mergedFilesOfTwoClassesHaveNamesOfTheirOwn() async throws {
    let store = try ModelStore()
    try await store.append([store.log("gui.click"), store.log("chat.message")])
    try store.settle()
    // Parts are counted by class: from here on both classes have second parts.
    for _ in 0..<9 {
      for event in ["gui.click", "chat.message"] {
        try await store.append([store.log("relay.game.start"), store.log(event)])
        try store.settle()
      }
    }
    try store.start().maintainNow()
    #expect(try store.settledFiles().count < 20)
    #expect(try store.marks().count == 38)
    #expect(try store.ids() == Array(1...38))
    store.close()
    #expect(try store.books().balances)
  }

  @Test func pointsKeepTheirSeriesWhenFilesAreMerged() async throws {
    let store = try ModelStore()
    for n in 1...10 {
      try await store.append(
        [SampleBatch.Record("frame.time", kind: .number, time: store.clock.now, data: store.mark(), value: Int64(n))],
        signal: .metrics)
      try store.settle()
    }
    try store.start().maintainNow()
    #expect(try store.settledFiles().count < 10)
    let pairs = try store.texts(
      """
      SELECT e.value || ':' || json_extract(s.attributes, '$.n') || ':' || m.name FROM event e
      JOIN series s ON s.id = e.series JOIN metric m ON m.id = s.metric
      """)
    #expect(pairs.sorted() == (1...10).map { "\($0):\($0):frame.time" }.sorted())
  }
}
