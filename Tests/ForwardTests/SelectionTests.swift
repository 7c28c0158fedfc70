import Telemetry
import Testing
import Wire

@testable import Forward

@Suite(.timeLimit(.minutes(5))) struct SelectionTests {
  @Test func filtersByPatternsAndBeginsWhereItIsTold() async throws {
    let lab = try await ForwardLab()
    let last = lab.records.append(40) { place in
      TestRow(
        isImported: place % 10 == 9, category: place % 2 == 0 ? "relay" : "game",
        event: place % 2 == 0 ? "relay.tick.end" : "game.note", source: place % 3 == 0 ? "alpha" : "beta")
    }
    let names = ["all", "include", "exclude", "source", "class", "imports", "new", "timed"]
    let destinations = names.map { name in
      lab.lines(name) {
        switch name {
        case "include": $0.filter.include = ["relay.tick.*"].compactMap(RecordPattern.init)
        case "exclude": $0.filter.exclude = ["category:relay"].compactMap(RecordPattern.init)
        case "source": $0.filter.include = ["source:al*"].compactMap(RecordPattern.init)
        case "class": $0.filter.include = ["class:no-such"].compactMap(RecordPattern.init)
        case "imports": $0.forwardImports = true
        case "new": $0.start = .now
        case "timed": $0.start = .time(TestRow.base + 31 * 1_000_000)
        default: break
        }
      }
    }
    let forwarder = lab.forwarder()
    try forwarder.start(destinations)
    for name in names { await lab.storage.until("\(name)/live") { $0.position.low == last } }
    await forwarder.stop()
    let live = lab.records.allIDs.filter { $0 % 10 != 0 }
    let expected: [String: [Int64]] = [
      "all": live, "include": live.filter { $0 % 2 == 1 }, "exclude": live.filter { $0 % 2 == 0 },
      "source": live.filter { $0 % 3 == 1 }, "class": [], "imports": lab.records.allIDs, "new": [],
      "timed": live.filter { $0 >= 31 },
    ]
    for name in names {
      #expect(
        lab.server.requests.filter { $0.path == "/\(name)" }.flatMap(\.ids).sorted() == expected[name], "\(name)")
    }
    await lab.stop()
  }

  @Test func passesOverWhatIsUnsentWhenItIsTold() async throws {
    let lab = try await ForwardLab { request, _ in request.ids.contains(1) ? .ok : .answer(503) }
    lab.records.append(100)
    let forwarder = lab.forwarder()
    try forwarder.start([lab.lines { $0.pace.concurrency = 1 }])
    await eventually { await forwarder.status()[0].retried > 2 }
    let skipped = try await forwarder.skip("d", to: 55)
    #expect(skipped == 40 || skipped == 45)
    lab.server.script { _, _ in .ok }
    await lab.storage.until("d/live") { $0.position.low == 100 }
    let books = try lab.state().books
    #expect(books.settled == 100)
    #expect(books.refusedCount == 0)
    #expect(try await forwarder.skip("d", to: 1_000) == 0)
    await forwarder.stop()
    await lab.stop()
  }
}
