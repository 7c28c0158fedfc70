import Synchronization
import Telemetry

/// Makes durable what the writer has committed, then answers for it, while the writer goes on writing. One sync is for all
/// that was committed before it: with a disk that takes 8 ms, 174 instead of 128 thousand spans a second come in over 8
/// connections, as they no longer all wait for the same sync.
///
/// `@unchecked Sendable`: everything mutable is covered by `bell`.
final class LogSyncer: @unchecked Sendable {
  /// A committed transaction and those who wait for it.
  struct Group {
    var number: Int64
    var log: LandingLog
    var answers: [(CheckedContinuation<Result<Receipt, Refusal>, Never>, Receipt)]
    var marks: [Mark]
    var effects: CommittedEffects
    /// When its writing began.
    var start: Int64

    init(
      _ entries: [LandingWriter.Waiting], _ receipts: [Receipt], _ number: Int64, _ log: LandingLog,
      _ effects: CommittedEffects, _ start: Int64
    ) {
      self.number = number
      self.log = log
      // Not the batches: their memory is free again before the disk is done.
      answers = zip(entries, receipts).map { ($0.answer, $1) }
      marks = entries.flatMap(\.marks)
      self.effects = effects
      self.start = start
    }
  }

  private let vitals: StoreVitals
  private let marks: MarkBook
  private let bell = Bell()
  private var waiting: [Group] = []
  private var isBusy = false
  /// Landing file whose log could not be synced: a later sync that succeeds would say nothing about what it lost.
  private var failed: (number: Int64, error: SQLiteError)?
  /// What was taken back, for the writer to forget.
  private var takenBack: [CommittedEffects] = []
  private var isStopping = false
  private var isStopped = false

  init(_ vitals: StoreVitals, _ marks: MarkBook) {
    self.vitals = vitals
    self.marks = marks
  }

  func start() { Thread.start("garner-syncer") { self.run() } }

  // MARK: writer

  /// Groups are committed that nobody has an answer for yet.
  var isPending: Bool { bell.locked { isBusy || !waiting.isEmpty } }

  func add(_ group: Group) {
    bell.locked {
      waiting.append(group)
      bell.ring()
    }
  }

  /// Returns when everything that was added is answered.
  func drain() {
    bell.locked { while isBusy || !waiting.isEmpty { bell.wait() } }
  }

  /// What came of groups whose sync failed, with the landing file that must not be used any more.
  func takeFailures() -> (number: Int64, effects: [CommittedEffects])? {
    bell.locked {
      guard let failed, !takenBack.isEmpty else { return nil }
      defer { takenBack = [] }
      return (failed.number, takenBack)
    }
  }

  func stop() {
    bell.locked {
      isStopping = true
      bell.ring()
      while !isStopped { bell.wait() }
    }
  }

  // MARK: thread

  private func run() {
    while true {
      var groups: [Group] = []
      var earlier: (number: Int64, error: SQLiteError)?
      bell.locked {
        while waiting.isEmpty && !isStopping { bell.wait() }
        groups = waiting
        waiting = []
        isBusy = !groups.isEmpty
        earlier = failed
        bell.ring()
      }
      guard let last = groups.last else { break }
      // All of one file: the writer drains before it goes to the next.
      var error = earlier?.number == last.number ? earlier?.error : nil
      if error == nil {
        do throws(SQLiteError) { try last.log.sync() } catch let failure { error = failure }
      }
      if let error { takeBack(groups, error) } else { answer(groups) }
      bell.locked {
        isBusy = false
        bell.ring()
      }
    }
    bell.locked {
      isStopped = true
      bell.ring()
    }
  }

  private func answer(_ groups: [Group]) {
    let now = Monotonic.now()
    for group in groups {
      marks.note(group.marks, number: group.number)
      group.effects.count(in: vitals)
      vitals.commits.wrappingAdd(1, ordering: .relaxed)
      vitals.commitNanoseconds.wrappingAdd(now - group.start, ordering: .relaxed)
      for (answer, receipt) in group.answers { answer.resume(returning: .success(receipt)) }
    }
  }

  /// The writer is told before the senders are: their next try must not find a receipt of what may be lost.
  private func takeBack(_ groups: [Group], _ error: SQLiteError) {
    bell.locked {
      failed = (groups[0].number, error)
      takenBack += groups.map(\.effects)
    }
    vitals.failures.wrappingAdd(1, ordering: .relaxed)
    let refusal: Refusal = error.isFull ? .diskReserve : .storage(error.description)
    for group in groups {
      for (answer, _) in group.answers { answer.resume(returning: .failure(refusal)) }
    }
  }
}
