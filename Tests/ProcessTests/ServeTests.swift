import Glibc
import Synchronization
import TestSupport
import Testing

/// Numbers in the order of `LoadBody`, as `garner query` shows them.
private func numbers(_ folder: ScratchFolder) async throws -> [Int] {
  let outcome = try await GarnerProcess.run(
    [
      "query", "--data-dir", folder.data, "--format", "ndjson", "--limit", "0", "--timeout", "0s",
      "SELECT json_extract(data, '$.n') AS n FROM telemetry_events WHERE json_extract(data, '$.n') IS NOT NULL",
    ], in: folder)
  #expect(outcome.status == 0, "\(outcome.errors)")
  return outcome.lines.compactMap { line in Int(line.filter { $0.isNumber || $0 == "-" }) }.sorted()
}

private func balance(_ folder: ScratchFolder) async throws -> GarnerProcess.Outcome {
  try await GarnerProcess.run(["balance", "--data-dir", folder.data], in: folder)
}

/// Sends bodies one after another over connections of its own until the daemon goes away.
private final class Sender: Sendable {
  // covers: the numbers of bodies that were answered with 200.
  private let state = Mutex<[Int]>([])
  private let waiting = Mutex<[(count: Int, continuation: CheckedContinuation<Void, Never>)]>([])

  var acknowledged: [Int] { state.withLock { $0 } }

  /// `first`, `first + step`, …
  func run(port: Int, first: Int, step: Int) async {
    var number = first
    guard var client = try? HTTPClient(port: port) else { return finish() }
    while true {
      let body = LoadBody.logs(number)
      guard
        let answer = await client.request("POST", "/v1/logs", headers: ["Content-Type": body.type], body: body.bytes)
      else { return finish() }
      if answer.status == 200 {
        let done = number
        note(done)
        number += step
      } else if answer.status != 503 {
        return finish()
      }
      if answer.headers["connection"] == "close" {
        guard let fresh = try? HTTPClient(port: port) else { return finish() }
        client = fresh
      }
    }
  }

  private func note(_ number: Int) {
    let count = state.withLock { state in
      state.append(number)
      return state.count
    }
    let ready = waiting.withLock { waiting in
      let ready = waiting.filter { $0.count <= count }
      waiting.removeAll { $0.count <= count }
      return ready
    }
    for entry in ready { entry.continuation.resume() }
  }

  private func finish() {
    let ready = waiting.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
    for entry in ready { entry.continuation.resume() }
    finished.store(true, ordering: .releasing)
  }

  private let finished = Atomic<Bool>(false)

  /// Returns once so many bodies were acknowledged, or the senders have ended.
  func reached(_ count: Int) async {
    await withCheckedContinuation { continuation in
      let wait = waiting.withLock { waiting in
        if finished.load(ordering: .acquiring) || state.withLock({ $0.count }) >= count { return false }
        waiting.append((count, continuation))
        return true
      }
      if !wait { continuation.resume() }
    }
  }
}

private func recordNumbers(_ bodies: [Int]) -> [Int] {
  bodies.flatMap { body in (0..<LoadBody.recordsPerBody).map { body * LoadBody.recordsPerBody + $0 } }.sorted()
}

/// A few of the numbers that should be there and are not.
private func missing(_ expected: [Int], _ found: [Int]) -> [Int] {
  Array(Set(expected).subtracting(found).sorted().prefix(5))
}

private func twice(_ numbers: [Int]) -> [Int] {
  Array(zip(numbers, numbers.dropFirst()).filter { $0.0 == $0.1 }.map { $0.0 }.prefix(5))
}

@Suite(.serialized) struct ServeTests {
  @Test func storesWhatIsPostedAndStopsCleanly() async throws {
    let folder = ScratchFolder()
    let daemon = try await GarnerDaemon.start(folder)
    let json = try #require(try await daemon.post("/v1/logs", .logs(0)))
    #expect(json.status == 200 && json.text == "{}")
    let span = SampleProtobuf.span(name: "job", service: "load")
    let protobuf = try #require(
      try await daemon.post("/v1/traces", LoadBody(type: "application/x-protobuf", bytes: span)))
    #expect(protobuf.status == 200 && protobuf.body.isEmpty)
    #expect(try await numbers(folder) == recordNumbers([0]))
    let ended = await daemon.stop()
    #expect(ended.status == 0, "\(ended.errors)")
    #expect(try await numbers(folder) == recordNumbers([0]))
    let spans = try await GarnerProcess.run(
      ["query", "--data-dir", folder.data, "--format", "ndjson", "SELECT name, trace_id FROM spans"], in: folder)
    #expect(spans.output == "{\"name\":\"job\",\"trace_id\":\"000102030405060708090a0b0c0d0e0f\"}\n")
    #expect(try await balance(folder).status == 0)
    for left in ["control.sock", "endpoints.json"] { #expect(access(folder.data + "/" + left, F_OK) != 0) }
  }

  @Test func everyAcknowledgedRecordSurvivesAStopUnderLoad() async throws {
    let folder = ScratchFolder()
    let daemon = try await GarnerDaemon.start(folder)
    let port = daemon.port
    let senders = (0..<4).map { _ in Sender() }
    await withTaskGroup(of: Void.self) { group in
      for (index, sender) in senders.enumerated() {
        group.addTask { await sender.run(port: port, first: index, step: 4) }
      }
      await senders[0].reached(40)
      daemon.process.signal(SIGTERM)
      await group.waitForAll()
    }
    let ended = await daemon.process.end()
    #expect(ended.status == 0, "\(ended.errors)")
    let acknowledged = recordNumbers(senders.flatMap(\.acknowledged))
    let stored = try await numbers(folder)
    #expect(missing(acknowledged, stored) == [] && twice(stored) == [])
    let books = try await balance(folder)
    #expect(books.status == 0, "\(books.output) \(books.errors)")
  }

  @Test func everyAcknowledgedRecordSurvivesBeingKilledAtFullLoad() async throws {
    let folder = ScratchFolder()
    // Small files, so that settling, too, is killed in all its steps.
    let config = folder.write("garner.yaml", "store:\n  landing_bytes: 1MiB\nretention:\n  reserve_bytes: 0\n")
    var acknowledged: [Int] = []
    var next = 0
    for round in 0..<10 {
      let daemon = try await GarnerDaemon.start(folder, ["--config", config])
      let port = daemon.port
      let senders = (0..<4).map { _ in Sender() }
      let first = next
      let ended = await withTaskGroup(of: Void.self) { group in
        for (index, sender) in senders.enumerated() {
          group.addTask { await sender.run(port: port, first: first + index, step: 4) }
        }
        await senders[0].reached(15 + round * 17)
        let ended = await daemon.kill()
        await group.waitForAll()
        return ended
      }
      #expect(ended.status == 128 + SIGKILL)
      let answered = senders.flatMap(\.acknowledged)
      acknowledged += answered
      // What was in flight may be stored without an answer; its numbers are not used again.
      next = (answered.max() ?? next) + 100
    }
    let stored = try await numbers(folder)
    #expect(missing(recordNumbers(acknowledged), stored) == [] && twice(stored) == [])
    let books = try await balance(folder)
    #expect(books.status == 0, "\(books.output) \(books.errors)")
    let daemon = try await GarnerDaemon.start(folder, ["--config", config])
    #expect(await daemon.stop().status == 0)
    let again = try await numbers(folder)
    #expect(missing(stored, again) == [] && again.count == stored.count)
    let after = try await balance(folder)
    #expect(after.status == 0, "\(after.output) \(after.errors)")
  }

  @Test func aBodyThatIsSentAgainAfterAKillIsStoredOnce() async throws {
    let folder = ScratchFolder()
    let body = LoadBody.logs(7)
    var daemon = try await GarnerDaemon.start(folder)
    let first = try #require(try await daemon.post("/v1/logs", body))
    #expect(first.status == 200 && first.headers["garner-duplicate"] == nil)
    for _ in 0..<50 {
      #expect(try await daemon.post("/v1/logs", body)?.headers["garner-duplicate"] == "1")
    }
    _ = await daemon.kill()
    daemon = try await GarnerDaemon.start(folder)
    for _ in 0..<49 {
      let again = try #require(try await daemon.post("/v1/logs", body))
      #expect(again.status == 200 && again.headers["garner-duplicate"] == "1" && again.body == first.body)
    }
    #expect(await daemon.stop().status == 0)
    #expect(try await numbers(folder) == recordNumbers([7]))
    #expect(try await balance(folder).status == 0)
  }
}

@Suite(.serialized) struct ServeRefusalTests {
  @Test func aSecondDaemonOnOneDirectoryEndsWithAClearMessage() async throws {
    let folder = ScratchFolder()
    let daemon = try await GarnerDaemon.start(folder)
    let second = try await GarnerProcess.run(
      ["serve", "--data-dir", folder.data, "--otlp-http", "127.0.0.1:0", "--console", "none"], in: folder)
    #expect(second.status == 69)
    #expect(second.errors.contains("in use by another garner process") && second.errors.contains(folder.data))
    #expect(try await daemon.post("/v1/logs", .logs(1))?.status == 200)
    #expect(await daemon.stop().status == 0)
  }

  @Test func aPortThatIsTakenEndsWithAClearMessage() async throws {
    let folder = ScratchFolder()
    let daemon = try await GarnerDaemon.start(folder)
    let second = try await GarnerProcess.run(
      ["serve", "--data-dir", folder.path + "/other", "--otlp-http", "127.0.0.1:\(daemon.port)", "--console", "none"],
      in: folder)
    #expect(second.status == 69)
    #expect(second.errors.contains("\(daemon.port)") && second.errors.contains("taken"))
    #expect(await daemon.stop().status == 0)
  }

  @Test func aDataDirectoryThatCannotBeMadeEndsWithAClearMessage() async throws {
    let folder = ScratchFolder()
    let file = folder.write("file", "not a folder")
    for place in [file, "/proc/garner"] {
      let outcome = try await GarnerProcess.run(
        ["serve", "--data-dir", place, "--otlp-http", "127.0.0.1:0", "--console", "none"], in: folder)
      #expect(outcome.status == 69)
      #expect(outcome.errors.contains(place), "\(outcome.errors)")
    }
  }

  @Test(arguments: [
    "listen:\n  otlp_htp: 127.0.0.1:0\n", "retention:\n  max_bytes: lots\n", "listen: [\n", "nonsense: 1\n",
  ])
  func aConfigurationErrorEndsWith78(text: String) async throws {
    let folder = ScratchFolder()
    let config = folder.write("garner.yaml", text)
    let outcome = try await GarnerProcess.run(["serve", "--data-dir", folder.data, "--config", config], in: folder)
    #expect(outcome.status == 78)
    #expect(outcome.errors.contains("garner.yaml"), "\(outcome.errors)")
    #expect(access(folder.data, F_OK) != 0)
  }

  @Test func aMissingConfigurationFileIsAnError() async throws {
    let folder = ScratchFolder()
    let outcome = try await GarnerProcess.run(
      ["serve", "--data-dir", folder.data, "--config", folder.path + "/none.yaml"], in: folder)
    #expect(outcome.status == 78 && outcome.errors.contains("none.yaml"))
  }
}
