import Telemetry
import TestSupport
import Testing

@testable import Store

/// Eight days of a small machine in fast motion: records of all classes every hour, six landing files a day, a cap that the
/// per-tick rows reach on the third day. Everything that must hold is looked at after each hour.
@Suite struct RetentionWeekTests {
  private static let cap: Int64 = 32 << 20
  private static let minAge = 2 * StepClock.hour
  /// Records an hour and bytes of each, by event; one event of each class.
  private static let load = [
    ("relay.game.start", 2, 200), ("relay.suspicion", 1, 100), ("gui.click", 4, 300), ("chat.message", 4, 300),
    ("relay.tick.process", 100, 3000),
  ]

  private final class Week {
    let store: ModelStore
    var known: [String: DataFile] = [:]
    var prunedBefore = 0
    var evidence = 0
    var sent = 0

    init() throws {
      store = try ModelStore()
      store.options.maxBytes = RetentionWeekTests.cap
      store.options.minAge = RetentionWeekTests.minAge
    }

    func hour(_ number: Int) async throws {
      for (event, count, bytes) in RetentionWeekTests.load {
        let records = (0..<count).map { _ in
          var record = store.log(event)
          record.data = "{\"n\":\(store.nextNumber()),\"pad\":\"\(String(repeating: "x", count: bytes))\"}"
          return record
        }
        try await store.append(records)
        sent += count
        if event == "relay.game.start" { evidence += count }
      }
      if number % 4 == 3 { try store.settle() }
      for file in try store.settledFiles() { known[file.path] = file }
      try store.start().maintainNow()
    }

    func look(_ number: Int) throws {
      let now = store.clock.now
      let hour: Comment = "hour \(number)"
      let pruned = store.diary.prunedPaths
      for path in pruned[prunedBefore...] {
        guard let file = known[path] else { continue }
        #expect(file.maxReceived < now - RetentionWeekTests.minAge, hour)
      }
      prunedBefore = pruned.count
      let used = FileSystem.allocatedBelow(
        store.directory.path, except: [store.directory.exports, store.directory.drop])
      #expect(used <= RetentionWeekTests.cap, hour)
      var ages: [String: Int64] = [:]
      for entry in store.options.classes.classes { ages[entry.name] = entry.ageNanoseconds }
      for file in try store.settledFiles() {
        if let age = file.className.flatMap({ ages[$0] }) { #expect(file.maxReceived >= now - age, hour) }
      }
      // Every record itself is counted once a day, what the catalog says of them every hour.
      let books = try Books.read(store.directory, countFiles: number % 24 == 0)
      let account = try #require(books.accounts.first)
      #expect(books.accounts.count == 1 && books.balances && account.received == Int64(sent) && account.lost == 0, hour)
      var games: Int64 = 0
      for file in try store.files() where file.isLanding || file.className == "evidence" {
        games +=
          try Connection(file.path, .readOnly).integer(
            "SELECT count(*) FROM event e JOIN name n ON n.id = e.name WHERE n.event = 'relay.game.start'") ?? 0
      }
      #expect(games == Int64(evidence), hour)
    }
  }

  @Test func eightDaysKeepEveryPromiseEveryHour() async throws {
    let week = try Week()
    for number in 0..<8 * 24 {
      try await week.hour(number)
      try week.look(number)
      week.store.clock.advance(StepClock.hour)
    }
    let pruned = week.store.diary.pruned
    #expect(pruned.contains("firehose cap"))
    #expect(!pruned.contains { $0.hasPrefix("evidence") || $0.hasPrefix("restricted") })
    let left = try week.store.settledFiles()
    #expect(left.contains { $0.className == "firehose" } && left.contains { $0.className == "evidence" })
    // Evidence of the first day is there, the per-tick rows of the first day are long gone.
    let first = { (name: String) in left.filter { $0.className == name }.map(\.minReceived).min() ?? .max }
    #expect(first("evidence") < StepClock.noon + StepClock.day)
    #expect(first("firehose") > StepClock.noon + StepClock.day)
  }

  /// Without a cap that bites, age alone takes the per-tick rows after three days.
  @Test func ageAloneTakesTheFirehose() async throws {
    let week = try Week()
    week.store.options.maxBytes = nil
    for number in 0..<5 * 24 {
      try await week.hour(number)
      week.store.clock.advance(StepClock.hour)
    }
    try week.store.start().maintainNow()
    let firehose = try week.store.settledFiles().filter { $0.className == "firehose" }
    #expect(firehose.allSatisfy { $0.maxReceived >= week.store.clock.now - 3 * StepClock.day })
    #expect(week.store.diary.pruned.allSatisfy { $0 == "firehose age" } && !week.store.diary.pruned.isEmpty)
    #expect(try week.store.books().balances)
  }
}
