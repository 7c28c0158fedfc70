import Telemetry
import TestSupport
import Testing

@testable import Store

@Suite struct MarkTests {
  enum Interlude: CaseIterable, Sendable { case none, reopened, settled, settledAndReopened, catalogDeleted }

  private static func key(_ text: String) -> [UInt8] { Array(text.utf8) }

  private static func append(_ store: ModelStore, _ marks: [Mark], records: Int = 1) async throws {
    let batch = SampleBatch.make(.logs, (0..<records).map { _ in store.log("a.b") })
    _ = try await store.start().writer.append(batch, key: nil, door: "test", marks: marks)
  }

  private static func pass(_ interlude: Interlude, _ store: ModelStore) throws {
    switch interlude {
    case .none: break
    case .reopened: try store.restart()
    case .settled: try store.settle()
    case .settledAndReopened:
      try store.settle()
      try store.restart()
    case .catalogDeleted:
      try store.settle()
      store.close()
      try FileSystem.remove(store.directory.catalog)
    }
  }

  @Test(arguments: Interlude.allCases)
  func staysWithItsRows(after interlude: Interlude) async throws {
    let store = try ModelStore()
    try await Self.append(store, [Mark(key: Self.key("udp/a"), value: [1]), Mark(key: Self.key("udp/b"), value: [2])])
    try await Self.append(store, [Mark(key: Self.key("udp/a"), value: [3]), Mark(key: Self.key("drop/a"), value: [4])])
    try Self.pass(interlude, store)
    let open = try store.start()
    #expect(try open.mark(Self.key("udp/a")) == [3])
    #expect(try open.mark(Self.key("udp/none")) == nil)
    #expect(try open.marks(prefix: Self.key("udp/")).map(\.value) == [[3], [2]])
  }

  @Test(arguments: Interlude.allCases)
  func isGoneOnceItWasRemoved(after interlude: Interlude) async throws {
    let store = try ModelStore()
    try await Self.append(store, [Mark(key: Self.key("a"), value: [1])])
    try Self.pass(interlude, store)
    try await Self.append(store, [Mark(key: Self.key("a"), value: nil)])
    #expect(try store.start().mark(Self.key("a")) == nil)
    try Self.pass(interlude, store)
    #expect(try store.start().mark(Self.key("a")) == nil)
    #expect(try store.start().marks(prefix: []).isEmpty)
  }

  @Test func needsNoRows() async throws {
    let store = try ModelStore()
    try await Self.append(store, [Mark(key: Self.key("a"), value: [])], records: 0)
    try store.restart()
    #expect(try store.start().mark(Self.key("a")) == [])
    store.close()
    #expect(try store.books().balances)
  }
}

@Suite struct TraceIndexTests {
  @Test func sortsByHashAndKeepsTheOrderOfRows() {
    var random = SampleRandom(seed: 9)
    let entries = (0..<5000).map { UInt64(random.upTo(40)) << 32 | UInt64($0) }
    #expect(TraceIndex.sorted(entries) == entries.sorted())
  }

  /// More rows of one trace than a blob holds, and ids further apart than 32 bits.
  @Test func findsAllRowsOfATrace() throws {
    let connection = try Connection(":memory:", .create)
    var index = TraceIndex(expected: 0)
    var wanted: [UInt64: [Int64]] = [:]
    var random = SampleRandom(seed: 3)
    var id: Int64 = 7
    for _ in 0..<4000 {
      let trace = random.one(in: 2) ? UInt64(1) : UInt64(random.upTo(300))
      id += random.one(in: 1000) ? 5_000_000_000 : Int64(random.upTo(3)) + 1
      index.add(trace, ~trace, id: id)
      wanted[trace, default: []].append(id)
    }
    try index.write(to: connection)
    for (trace, ids) in wanted {
      #expect(try TraceIndex.find(trace, ~trace, in: connection) == ids)
    }
    #expect(try TraceIndex.find(12_345, 1, in: connection).isEmpty)
  }
}
