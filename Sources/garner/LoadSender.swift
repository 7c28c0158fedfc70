import Glibc
import Wire

/// The work of one connection: a request at a time until the time is over or all records are sent.
struct LoadSender: ~Copyable {
  private let run: LoadRun
  private let index: Int
  private var random = LoadRandom()
  private var templates: [LoadTemplate]
  private(set) var tally = LoadTally()
  /// Connections that failed in a row.
  private var lost = 0

  private static let mostLost = 50
  private static let pause: Int64 = 100_000_000

  init(_ run: LoadRun, index: Int) {
    self.run = run
    self.index = index
    templates = run.plan.signals.map { run.plan.template($0, records: run.plan.batch, sender: index) }
  }

  /// Connects again when a connection fails: a collector that is started again is loaded again.
  mutating func send() {
    var turn = index
    while !run.isOver, lost < Self.mostLost {
      do throws(LoadConnection.Failure) {
        switch run.plan.way {
        case .http:
          var connection = try LoadConnection(run.plan.target)
          try send(over: &connection, turn: &turn)
        case .grpc:
          var connection = try LoadCalls(run.plan.target)
          try send(over: &connection, turn: &turn)
        }
      } catch {
        tally.failures += 1
        tally.note(error.text)
        lost += 1
        LoadClock.sleep(until: LoadClock.monotonic() + Self.pause)
      }
    }
  }

  private mutating func send<Wire: LoadWire & ~Copyable>(
    over connection: inout Wire, turn: inout Int
  ) throws(LoadConnection.Failure) {
    while !run.isOver {
      let due = run.due(sender: index, request: tally.requests)
      if run.isLate(due) { return }
      LoadClock.sleep(until: due)
      let count = run.claim()
      if count == 0 { return }
      let signal = turn % templates.count
      turn += 1
      let start = run.plan.rate == nil ? LoadClock.monotonic() : due
      tally.requests += 1
      let body = body(signal, records: count)
      let answer = try connection.exchange(run.plan, run.plan.signals[signal], body)
      lost = 0
      let now = LoadClock.monotonic()
      if answer.status == 200 {
        let rejected = LoadAnswer.rejected(answer.body, isJSON: run.plan.encoding == .json)
        if rejected > 0 { tally.note(Self.text(answer)) }
        tally.acknowledge(records: count, rejected: rejected, bytes: body.count, due: start, at: now)
      } else {
        tally.refusals[answer.status, default: 0] += 1
        tally.note(Self.text(answer))
        // Exporters wait as long as they are told; so that an overload shows as one, never longer than a second.
        if let seconds = answer.retryAfter { LoadClock.sleep(until: now + Int64(min(seconds, 1)) * 1_000_000_000) }
      }
      if answer.closes { return }
    }
  }

  private mutating func body(_ signal: Int, records: Int) -> [UInt8] {
    let now = UInt64(LoadClock.wall()) &- UInt64(records) * 1_000
    if records != run.plan.batch {
      // The last request of a run of N records.
      var rest = run.plan.template(run.plan.signals[signal], records: records, sender: index)
      rest.vary(now: now, random: &random)
      return run.plan.gzip ? Deflater.gzip(rest.bytes) ?? rest.bytes : rest.bytes
    }
    templates[signal].vary(now: now, random: &random)
    return run.plan.gzip ? Deflater.gzip(templates[signal].bytes) ?? [] : templates[signal].bytes
  }

  private static func text(_ answer: LoadConnection.Answer) -> String {
    let printable = answer.body.map { (0x20...0x7e).contains($0) ? $0 : 0x20 }
    return "\(answer.status): \(String(decoding: printable.prefix(300), as: UTF8.self))"
  }
}
