import Door
import Intake
import TestSupport
import Testing
import Wire

struct BudgetTests {
  @Test func givesBackWhatAPermitHeld() {
    let budget = Budget(limitBytes: 100)
    do {
      let permit = budget.reserve(60)
      #expect(permit?.bytes == 60)
      #expect(budget.usedBytes == 60)
      #expect(budget.reserve(41) == nil)
      #expect(budget.reserve(40)?.bytes == 40)
    }
    #expect(budget.usedBytes == 0)
  }

  @Test func admitsTheTooBigAlone() {
    let budget = Budget(limitBytes: 100)
    let alone = budget.reserve(500)
    #expect(alone != nil)
    #expect(budget.reserve(1) == nil)
    alone?.release()
    #expect(budget.reserve(1) != nil)
  }

  @Test func growsOnlyIntoRoomUnlessAlone() throws {
    let budget = Budget(limitBytes: 100)
    let first = try #require(budget.reserve(50))
    let second = try #require(budget.reserve(30))
    #expect(first.grow(to: 70))
    #expect(!first.grow(to: 71))
    #expect(first.bytes == 70)
    second.release()
    #expect(first.grow(to: 1000))
    first.settle(at: 10)
    #expect(budget.usedBytes == 10)
  }

  @Test func refusesWhenNothingIsLeftBeforeReading() async throws {
    try await withDoor(budgetBytes: 1 << 20) { door in
      door.sink.hold()
      let first = try door.connect()
      let body = try fixture("x00-plain.json")
      async let answer = first.request("POST", "/v1/traces", headers: OTLPHTTPDoorTests.json, body: body)
      await door.sink.arrivals(1)
      let second = try door.connect()
      await second.send(EdgeTests.head("Content-Length: 2000000"))
      let refused = await second.receive()
      #expect(refused?.status == 503)
      #expect(refused?.headers["retry-after"] == "1")
      #expect(refused?.text.contains("queue_full") == true)
      #expect(door.vitals.refused(cause: "queue_full") == 1)
      door.sink.letGo()
      #expect(await answer?.status == 200)
    }
  }

  @Test func paysForABodyAsItComes() throws {
    let budget = Budget(limitBytes: 64 << 20)
    let stalled = try #require(budget.reserve(beginningOf: 60 << 20))
    #expect(stalled.bytes == 1 << 20 && budget.usedBytes == 1 << 20)
    #expect(budget.reserve(beginningOf: 100)?.bytes == 100)
    #expect(budget.reserve(beginningOf: 64 << 20) == nil)
    #expect(stalled.grow(holding: (1 << 20) + 1, of: 60 << 20) && stalled.bytes == 2 << 20)
    #expect(stalled.grow(holding: 59 << 20, of: 60 << 20) && stalled.bytes == 59 << 20)
    #expect(stalled.grow(holding: 60 << 20, of: 60 << 20) && stalled.bytes == 60 << 20)
    #expect(budget.reserve(beginningOf: 5 << 20) == nil)
  }

  @Test func whoSaysMuchAndSendsNothingKeepsNobodyOut() async throws {
    try await withDoor(budgetBytes: 16 << 20) { door in
      let stalled = try door.connect()
      await stalled.send(EdgeTests.head("Expect: 100-continue", "Content-Length: \(15 << 20)"))
      #expect(await stalled.receive()?.status == 100)
      let body = try fixture("x00-plain.json")
      #expect(try await door.post("/v1/traces", OTLPHTTPDoorTests.json, body).status == 200)
      // Then it sends after all.
      let late = body + Array(repeating: 0x20, count: (15 << 20) - body.count)
      await stalled.send(late)
      #expect(await stalled.receive()?.status == 200)
      #expect(door.budget.usedBytes == 0)
    }
  }

  @Test func takesABodyOverTheBudgetWhenItIsAlone() async throws {
    try await withDoor(budgetBytes: 64 << 10) { door in
      let body = try fixture("x00-plain.json") + Array(repeating: 0x20, count: 1 << 20)
      #expect(try await door.post("/v1/traces", OTLPHTTPDoorTests.json, body).status == 200)
      #expect(door.budget.usedBytes == 0)
    }
  }

  @Test func refusesABombThatOutgrowsTheBudgetOfOthers() async throws {
    try await withDoor(budgetBytes: 1 << 20) { door in
      door.sink.hold()
      let first = try door.connect()
      let body = try fixture("x00-plain.json")
      async let answer = first.request("POST", "/v1/traces", headers: OTLPHTTPDoorTests.json, body: body)
      await door.sink.arrivals(1)
      let headers = ["Content-Type": "application/json", "Content-Encoding": "gzip"]
      #expect(try await door.post("/v1/traces", headers, fixture("x13-gzip-bomb-80MiB.bin")).status == 503)
      door.sink.letGo()
      #expect(await answer?.status == 200)
      #expect(try await door.post("/v1/traces", headers, fixture("x13-gzip-bomb-80MiB.bin")).status == 413)
      #expect(door.budget.usedBytes == 0)
    }
  }

  @Test(arguments: [(0, 200), (1, 413)])
  func takesExactlyTheLimit(_ over: Int, _ status: Int) async throws {
    try await withDoor { door in
      let span = Array(OTLPHTTPDoorTests.span.utf8)
      let body = span + Array(repeating: 0x20, count: (64 << 20) + over - span.count)
      #expect(try await door.post("/v1/traces", OTLPHTTPDoorTests.json, body).status == status)
      let packed = try #require(Deflater.gzip(body))
      let headers = ["Content-Type": "application/json", "Content-Encoding": "gzip"]
      #expect(try await door.post("/v1/traces", headers, packed).status == status)
      #expect(door.budget.usedBytes == 0)
    }
  }
}
