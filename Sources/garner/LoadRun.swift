import Glibc
import Synchronization

/// All connections of one load, each on its own thread.
final class LoadRun: Sendable {
  let plan: LoadPlan
  /// Monotonic nanoseconds.
  let start: Int64
  private let end: Int64
  private let left: Atomic<Int>
  // covers: the sum of what finished senders saw; nothing is taken inside.
  private let sum = Mutex(LoadTally())

  /// A signal handler can reach nothing but globals.
  private static let isInterrupted = Atomic(false)

  /// Ctrl-C ends the load, not the report.
  static func stopAtInterrupt() {
    signal(SIGINT) { _ in LoadRun.isInterrupted.store(true, ordering: .relaxed) }
  }

  init(_ plan: LoadPlan) {
    self.plan = plan
    let now = LoadClock.monotonic()
    start = now
    end = plan.nanoseconds.map { now + $0 } ?? .max
    left = Atomic(plan.records ?? .max)
  }

  /// Nanoseconds that sending at the rate takes at least; 0: no rate. The last request goes before they are over.
  var planned: Int64 {
    guard let rate = plan.rate, !Self.isInterrupted.load(ordering: .relaxed) else { return 0 }
    let records = plan.records.map { Int64(Double($0) * 1e9 / Double(rate)) }
    return min(records ?? .max, plan.nanoseconds ?? .max)
  }

  var isOver: Bool {
    LoadClock.monotonic() >= end || left.load(ordering: .relaxed) <= 0 || Self.isInterrupted.load(ordering: .relaxed)
  }

  /// Records for the next request; 0: all are sent.
  func claim() -> Int {
    let before = left.subtract(plan.batch, ordering: .relaxed).oldValue
    return min(max(before, 0), plan.batch)
  }

  /// When a sender's n-th request is to be sent: senders take turns at even distances. A late one is sent at once, and its
  /// latency counts from here, so that a pause of the collector is not left out of the percentiles.
  func due(sender: Int, request: Int) -> Int64 {
    guard let rate = plan.rate else { return start }
    let turn = Double(request * plan.connections + sender)
    return start + Int64(turn * Double(plan.batch) * 1e9 / Double(rate))
  }

  func isLate(_ due: Int64) -> Bool { due >= end }

  /// Returns when all is sent and answered.
  func run() -> LoadTally {
    var threads: [pthread_t] = []
    for index in 0..<plan.connections {
      var thread = pthread_t()
      let work = Unmanaged.passRetained(Work(run: self, index: index))
      let failed = pthread_create(
        &thread, nil,
        { argument in
          guard let argument else { return nil }
          Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().perform()
          return nil
        }, work.toOpaque())
      if failed == 0 { threads.append(thread) } else { work.release() }
    }
    for thread in threads { pthread_join(thread, nil) }
    return sum.withLock { $0 }
  }

  private final class Work {
    let run: LoadRun
    let index: Int

    init(run: LoadRun, index: Int) {
      self.run = run
      self.index = index
    }

    func perform() {
      var sender = LoadSender(run, index: index)
      sender.send()
      let tally = sender.tally
      run.sum.withLock { $0.add(tally) }
    }
  }
}
