import Wire

/// Takes the parcels of one lane to their end, one request in flight: the same again, halves, or on to the next
/// (FORWARD §4).
struct LaneRunner: Sendable {
  let delivery: Delivery
  let courier: any Courier
  let options: DestinationOptions
  let lane: Int

  /// A part of a parcel that has to be sent by itself.
  private struct Piece {
    var range: Range<Int>
    var level = 0
    /// Equal ones running.
    var serverErrors = 0
    var lastError = ""
    /// Requests that had been accepted when this one met its first server error.
    var acceptedBefore: Int?
    /// The same of the whole that it is a half of.
    var acceptedBeforeWhole: Int?
    /// It would not have been sent if the far end had taken the whole, and has not been yet.
    var isExtra = false
  }

  /// A parcel that is under way.
  private struct Job {
    let shipment: Shipment
    var pieces: [Piece]
    var extra = 0
    /// Of the last answer that made halves.
    var words = ""
    /// There was nothing else to try the far end with when this was put off.
    var isAlone = false
    var hasAccepted = false
    var hasTriedNewest = false
    /// Pieces running that were put off.
    var putOff = 0

    init(_ shipment: Shipment) {
      self.shipment = shipment
      pieces = shipment.range.isEmpty ? [] : [Piece(range: shipment.range)]
    }
  }

  /// What a lane remembers from one parcel to the next.
  private struct Memory {
    var backoff: Backoff
    /// Records a request; smaller after a far end that is throttling, growing with what it accepts.
    var size = Int.max

    mutating func accepted() {
      backoff.reset()
      if size < Int.max { size = size > 1 << 20 ? Int.max : size + max(1, size / 4) }
    }
  }

  static let extraRequestLimit = 256
  /// Halvings without one acceptance before the newest record is tried alone.
  static let blindLevels = 3
  /// Equal server errors to one request before it is halved, and before one that cannot be lets others pass.
  static let errorsToSplit = 3
  static let errorsToPass = 5

  func run() async {
    var memory = Memory(backoff: Backoff(initial: options.pace.retryInitial, max: options.pace.retryMax))
    // Behind the first are those that were let pass, because the far end may only have something against the first.
    var jobs: [Job] = []
    var turn = 0
    while true {
      if jobs.isEmpty {
        guard let shipment = await delivery.next(lane) else { return }
        jobs = [Job(shipment)]
        turn = 0
      }
      var job = jobs[turn]
      let end = await work(&job, &memory, isFirst: turn == 0)
      jobs[turn] = job
      switch end {
      case .done:
        await delivery.released(job.shipment)
        jobs.remove(at: turn)
        turn = 0
      case .later:
        turn += 1
        guard turn == jobs.count else { continue }
        let other = await delivery.take(lane)
        for place in jobs.indices { jobs[place].isAlone = other == nil }
        if let other { jobs.append(Job(other)) } else { turn = 0 }
      case .gone:
        for job in jobs { await delivery.released(job.shipment) }
        return
      }
    }
  }

  private enum End {
    case done
    /// It waits until it is known whether others are accepted.
    case later
    /// The daemon stops.
    case gone
  }

  private func work(_ job: inout Job, _ memory: inout Memory, isFirst: Bool) async -> End {
    let shipment = job.shipment
    while var piece = job.pieces.first {
      if piece.range.count > memory.size {
        let middle = piece.range.lowerBound + memory.size
        var rest = piece
        rest.range = middle..<piece.range.upperBound
        rest.isExtra = false
        piece.range = piece.range.lowerBound..<middle
        job.pieces.replaceSubrange(0..<1, with: [piece, rest])
      }
      if piece.isExtra {
        if job.extra == Self.extraRequestLimit {
          await refuseRest(job, "budget", job.words)
          return .done
        }
        job.extra += 1
        piece.isExtra = false
        job.pieces[0].isExtra = false
      }
      let attempt = await attempt(shipment, piece, &memory, isFirst: isFirst, isAlone: job.isAlone)
      if case .later(let changed) = attempt {
        job.pieces.removeFirst()
        job.pieces.append(changed)
        job.putOff += 1
        guard job.putOff >= job.pieces.count else { continue }
        job.putOff = 0
        return .later
      }
      job.putOff = 0
      switch attempt {
      case .gone: return .gone
      case .dropped: return .done
      case .later: continue
      case .accepted(let fate):
        job.pieces.removeFirst()
        job.hasAccepted = true
        memory.accepted()
        await delivery.finish(shipment, piece.range, fate)
      case .refused(let reason, let words):
        job.pieces.removeFirst()
        await delivery.finish(shipment, piece.range, .refused(reason: reason, words: words))
      case .throttled: memory.size = max(1, piece.range.count / 2)
      case .halves(let reason, let words, let isDefinite, let before):
        if piece.range.count == 1 {
          job.pieces.removeFirst()
          await delivery.finish(shipment, piece.range, .refused(reason: reason, words: words))
          continue
        }
        job.words = words
        if isDefinite, piece.level + 1 >= Self.blindLevels, !job.hasAccepted, !job.hasTriedNewest,
          piece.range.upperBound == shipment.range.upperBound
        {
          if let end = await tryNewest(&job, &piece, &memory) { return end }
        }
        // What was accepted since the whole failed tells as much about its halves.
        piece.acceptedBeforeWhole = piece.acceptedBeforeWhole ?? before
        halve(&job, piece, isDefinite: isDefinite)
      }
    }
    return .done
  }

  /// Breadth first: the halves come behind what waits already.
  private func halve(_ job: inout Job, _ piece: Piece, isDefinite: Bool) {
    job.pieces.removeFirst()
    let middle = piece.range.lowerBound + piece.range.count / 2
    for half in [piece.range.lowerBound..<middle, middle..<piece.range.upperBound] where !half.isEmpty {
      job.pieces.append(
        Piece(range: half, level: piece.level + 1, acceptedBeforeWhole: piece.acceptedBeforeWhole, isExtra: isDefinite))
    }
  }

  /// Whether the far end takes any record of a parcel of which it has taken none. Nil: it goes on, with what is left of
  /// the piece.
  private func tryNewest(_ job: inout Job, _ piece: inout Piece, _ memory: inout Memory) async -> End? {
    job.hasTriedNewest = true
    let newest = piece.range.upperBound - 1..<piece.range.upperBound
    switch await attempt(job.shipment, Piece(range: newest), &memory, isFirst: true, isAlone: false) {
    case .gone: return .gone
    case .dropped: return .done
    case .accepted(let fate):
      job.hasAccepted = true
      memory.accepted()
      await delivery.finish(job.shipment, newest, fate)
      piece.range = piece.range.lowerBound..<newest.lowerBound
      return nil
    case .refused(let reason, let words), .halves(let reason, let words, _, _):
      // Nothing of it is wanted: the far end's fault or the operator's, but not one a half would mend.
      await refuseRest(job, reason, words)
      return .done
    case .later, .throttled: return nil
    }
  }

  private func refuseRest(_ job: Job, _ reason: String, _ words: String) async {
    for left in job.pieces {
      await delivery.finish(job.shipment, left.range, .refused(reason: reason, words: words))
    }
  }

  private enum Attempt {
    case accepted(Delivery.Fate)
    case refused(reason: String, words: String)
    /// `isDefinite`: the far end has said that it will never take it as it is.
    /// `before`: requests that had been accepted when it met its first server error.
    case halves(reason: String, words: String, isDefinite: Bool, before: Int? = nil)
    /// Less at once, of this and of what follows.
    case throttled
    case later(Piece)
    /// It was passed over meanwhile.
    case dropped
    case gone
  }

  /// Sends one piece until something is decided.
  private func attempt(
    _ shipment: Shipment, _ given: Piece, _ memory: inout Memory, isFirst: Bool, isAlone: Bool
  ) async -> Attempt {
    let parcel = shipment.parcel
    var piece = given
    var backoff = Backoff(initial: options.pace.retryInitial, max: options.pace.retryMax)
    var silences = 0
    var throttles = 0
    let isSingle = piece.range.count == 1
    while true {
      let epoch: Int
      switch await delivery.pass(shipment) {
      case .go(let present): epoch = present
      case .dropped: return .dropped
      case .ended: return .gone
      }
      let form = courier.form
      let started = ContinuousClock.now
      let answer = await courier.send(parcel, piece.range, form: form)
      delivery.vitals.took(ContinuousClock.now - started)
      if Task.isCancelled { return .gone }
      let verdict = courier.judge(answer, parcel, piece.range, form: form)
      await delivery.answered(answer, verdict, epoch)
      switch verdict {
      case .accept(let refused, let reason, let message):
        return .accepted(.accepted(refused: refused, reason: reason, words: message))
      case .refuse(let reason): return .refused(reason: reason, words: answer.words)
      case .split(let reason): return .halves(reason: reason, words: answer.words, isDefinite: true)
      case .otherForm:
        if courier.form == form && !courier.changeForm(from: form) {
          return .halves(reason: "invalid", words: answer.words, isDefinite: true)
        }
      case .outage:
        if answer.mayBeAboutLength { silences += 1 }
        // Some servers reset a connection over a body they find too long.
        if silences >= 3, !isSingle, parcel.byteCount * piece.range.count / max(1, parcel.items.count) > 1 << 20 {
          return .halves(reason: "too_large", words: answer.words, isDefinite: false)
        }
      case .retry(let after):
        throttles += 1
        if after == nil { await delivery.pause(backoff.next()) }
        if throttles >= 3 && !isSingle { return .throttled }
      case .serverError(let isOutage):
        if piece.lastError != answer.code { piece.serverErrors = 0 }
        piece.lastError = answer.code
        piece.serverErrors += 1
        let accepted = await delivery.acceptedRequests
        let before = piece.acceptedBefore ?? accepted
        piece.acceptedBefore = before
        // While nothing succeeds it may be an outage, in which nothing is refused or taken apart for good.
        let othersPass = accepted > before
        let othersPassed = othersPass || accepted > piece.acceptedBeforeWhole ?? accepted
        if piece.serverErrors >= Self.errorsToSplit {
          // What passed earlier counts when there is nothing else that could be tried now.
          if isSingle && (othersPass || (othersPassed && isAlone && !isOutage)) {
            return .refused(reason: "server_error", words: answer.words)
          }
          if !isSingle && (othersPassed || piece.level < Self.blindLevels) {
            return .halves(reason: "server_error", words: answer.words, isDefinite: othersPassed, before: before)
          }
        }
        if !isOutage { await delivery.pause(memory.backoff.next()) }
        if piece.serverErrors >= Self.errorsToPass || (!isFirst && !othersPass) { return .later(piece) }
      case .stop: break
      }
    }
  }
}

extension Answer {
  /// There was a connection, and it ended without an answer.
  fileprivate var mayBeAboutLength: Bool {
    if case .silence(let text, let isTimeout) = outcome { return isTimeout || text == HTTPTransport.lostConnection }
    return false
  }
}
