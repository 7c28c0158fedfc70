import Forward
import FoundationEssentials
import Store
import Telemetry

/// What commands ask of destinations through the control socket.
struct ForwardControl: Sendable {
  let forwarder: Forwarder
  let source: StoreRecords
  let unsent: UnsentFiles

  /// Status of an answer and its JSON.
  typealias Answer = (status: Int, body: String)

  /// `verb` is the path behind `/forward/`.
  func answer(_ verb: String, _ parameters: [String: String]) async -> Answer {
    do {
      switch verb {
      case "status":
        let runs = await forwarder.status()
        let (source, unsent) = (source, unsent)
        // Who waits for a replay asks often, and wants to know only how far it is.
        let hasSamples = parameters["samples"] != "0"
        let json = try await withCheckedThrowingContinuation { (done: CheckedContinuation<String, any Error>) in
          BlockingWork.run {
            done.resume(
              with: Result {
                try ForwardReport(runs, source: source, hasSamples: hasSamples, heldBytes: unsent.heldBytes).json()
              })
          }
        }
        return (200, json)
      case "pause", "resume":
        try await forwarder.setPaused(try name(parameters), verb == "pause")
        return (200, "{}")
      case "skip": return try await skip(parameters)
      case "replay": return try await replay(parameters)
      case "cancel":
        guard let id = parameters["id"].flatMap({ Int($0) }) else {
          throw Forwarder.CommandFailure.refused("`id` is missing")
        }
        try await forwarder.cancelReplay(id)
        return (200, "{}")
      case "resume-replay":
        guard let id = parameters["id"].flatMap({ Int($0) }) else {
          throw Forwarder.CommandFailure.refused("`id` is missing")
        }
        try await forwarder.resumeReplay(id)
        // One that has stopped for what its far end said tries at once, not at its time.
        await forwarder.hurry()
        return (200, "{}")
      case "test": return try await test(parameters)
      default: return (404, error("there is no /forward/\(verb)"))
      }
    } catch Forwarder.CommandFailure.unknownDestination(let name) {
      let known = forwarder.destinationNames
      let hint = known.isEmpty ? "none is configured" : "there are \(known.joined(separator: ", "))"
      return (404, error("there is no destination `\(name)`; \(hint)"))
    } catch Forwarder.CommandFailure.unknownReplay(let id) {
      return (404, error("there is no replay \(id) under way"))
    } catch Forwarder.CommandFailure.refused(let text) {
      return (400, error(text))
    } catch {
      return (500, self.error("\(error)"))
    }
  }

  private func error(_ text: String) -> String { "{\"error\":\(JSONText.quoted(text))}" }

  private func name(_ parameters: [String: String]) throws -> String {
    guard let name = parameters["destination"], !name.isEmpty else {
      throw Forwarder.CommandFailure.refused("`destination` is missing")
    }
    return name
  }

  private func skip(_ parameters: [String: String]) async throws -> Answer {
    let name = try name(parameters)
    let to = try parameters["to"].flatMap { Int64($0) }.map { try source.position(receivedAt: $0) } ?? source.lastID
    let skipped = try await forwarder.skip(name, to: to)
    return (200, "{\"skipped\":\(skipped)}")
  }

  private func replay(_ parameters: [String: String]) async throws -> Answer {
    let name = try name(parameters)
    var request = ReplayRequest(id: 0, destination: name, lastID: source.lastID)
    request.from = parameters["from"].flatMap { Int64($0) }
    request.to = parameters["to"].flatMap { Int64($0) }
    request.byTimestamp = parameters["by"] != "received"
    request.include = parameters["include"].map { $0.split(separator: "\n").map(String.init) } ?? []
    for pattern in request.include where RecordPattern(pattern) == nil {
      throw Forwarder.CommandFailure.refused("`\(pattern)` is no pattern of records")
    }
    if let rate = parameters["rate"].flatMap({ Int($0) }), rate >= 0 { request.rate = rate }
    if parameters["refused"] == "1" {
      request.refusedReason = parameters["reason"] ?? ""
      let ranges = try await forwarder.refusedRanges(name, reason: parameters["reason"])
      if ranges.isEmpty { throw Forwarder.CommandFailure.refused("nothing of that was refused") }
      request.ranges = ranges
    } else if parameters["reason"] != nil {
      throw Forwarder.CommandFailure.refused("`reason` chooses among what was refused; ask for `refused` too")
    } else if request.to == nil {
      // What the live position has still to send would go twice.
      request.lastID = min(request.lastID, try await forwarder.low(name))
    }
    let id = try forwarder.replay(request)
    return (200, "{\"id\":\(id)}")
  }

  private func test(_ parameters: [String: String]) async throws -> Answer {
    let name = try name(parameters)
    let answer = try await forwarder.test(name)
    return (
      200,
      "{\"ok\":\(answer.isReached),\"answer\":\(JSONText.quoted(answer.code)),\"message\":\(JSONText.quoted(answer.words))}"
    )
  }
}
