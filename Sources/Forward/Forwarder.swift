import NIOPosix
import Synchronization
import Telemetry

/// All destinations at work. The store is the queue: nothing here holds up intake, and no destination another one.
package final class Forwarder: Sendable {
  struct Held {
    var destinations: [String: Destination] = [:]
    var runs: [String: DestinationRun] = [:]
    var tasks: [String: Task<Void, Never>] = [:]
    var states: [String: RunState] = [:]
    /// What is known was read.
    var isPrepared = false
    var isStopping = false
    /// The last row from before the doors opened, until all destinations have begun.
    var openingID: Int64?
  }

  let source: any RecordSource
  let storage: any ForwardStorage
  private let report: @Sendable (String) -> Void
  let pool: NIOThreadPool
  private let keeper: StateKeeper
  let held = Mutex(Held())

  /// State of a destination that is no longer configured stays this long, nanoseconds.
  package static let forgetAfter: Int64 = 30 * 86_400_000_000_000

  /// `report`: a sentence for the operator.
  package init(
    source: any RecordSource, storage: any ForwardStorage, report: @escaping @Sendable (String) -> Void
  ) {
    self.source = source
    self.storage = storage
    self.report = report
    // Reading blocks: two threads serve all destinations, for two are as many as one box can feed.
    pool = NIOThreadPool(numberOfThreads: 2)
    keeper = StateKeeper(storage, pool: pool, report: report)
    // What comes in while they start is theirs.
    let openingID = source.lastID
    held.withLock { $0.openingID = openingID }
  }

  /// Reads what is known of the destinations, and gives each of those that are new a position that is on disk: whatever is
  /// acknowledged from now on is theirs to send, also when the process ends before they have begun. Blocks.
  package func prepare(_ destinations: [Destination]) throws {
    pool.start()
    var states: [String: RunState] = [:]
    for (key, bytes) in try storage.states() {
      states[key] = StateKeeper.decode(bytes)
      if states[key] == nil { report("what was known of the destination \(key) cannot be read: it begins anew") }
    }
    let memory = storage.memory
    if case .aged = memory {
      // All of it may have been sent since.
      let lastID = source.lastID
      for key in states.keys { states[key]?.position.willSend(upTo: lastID) }
    }
    held.withLock { [states] in
      $0.states = states
      $0.isPrepared = true
    }
    for destination in destinations {
      try changeDelay(destination.options)
      for (kind, key) in Self.liveRuns(destination.options) {
        _ = try state(of: destination.options, kind, key, isLost: memory == .lost)
      }
    }
  }

  /// Starts the destinations and the replays that were not done. Blocks while states are read.
  package func start(_ destinations: [Destination]) throws {
    defer { held.withLock { $0.openingID = nil } }
    if !held.withLock({ $0.isPrepared }) { try prepare(destinations) }
    let states = held.withLock { $0.states }
    for destination in destinations { try startLive(destination) }
    for (key, state) in states.sorted(by: { $0.key < $1.key }) {
      guard let request = state.replay, !request.isDone, !request.isCancelled else { continue }
      if let destination = destinations.first(where: { $0.options.name == request.destination }) {
        try start(destination, replay: request, key, state)
      }
    }
    forget(Set(destinations.map(\.options.name)), states)
  }

  /// Drops the states of names that have been gone for long enough, and notes since when others are.
  private func forget(_ names: Set<String>, _ states: [String: RunState]) {
    let now = source.now()
    var gone: [String: [UInt8]?] = [:]
    for (key, state) in states {
      let isOver = state.isDrained || (state.replay.map { $0.isDone || $0.isCancelled } ?? false)
      if names.contains(String(key.prefix { $0 != "/" })) && !isOver { continue }
      if let since = state.goneAt {
        if now - since > Self.forgetAfter { gone[key] = .some(nil) }
      } else {
        var state = state
        state.goneAt = now
        gone[key] = .some(try? StateKeeper.encode(state))
      }
    }
    guard !gone.isEmpty else { return }
    for (key, state) in gone where state == nil { forgetFold(key) }
    do { try storage.save(gone) } catch { report("the positions of destinations cannot be written: \(error)") }
  }

  /// The runs that go on by themselves, with the keys of their states.
  static func liveRuns(_ options: DestinationOptions) -> [(DestinationRun.Kind, key: String)] {
    [(.live, "\(options.name)/live")] + (options.delay == nil ? [] : [(.delayed, "\(options.name)/delayed")])
  }

  func startLive(_ destination: Destination) throws {
    let options = destination.options
    held.withLock { $0.destinations[options.name] = destination }
    try changeDelay(options)
    for (kind, key) in Self.liveRuns(options) {
      let lot: RunLot.Kind =
        switch (kind, options.delay) {
        case (.delayed, let delay?): .delayed(delay)
        case (_, let delay?): .prompt(delay)
        case (_, nil): .live
        }
      var state = try state(of: options, kind, key, isLost: false)
      state.goneAt = nil
      try start(destination, kind, lot, key, state)
    }
    for (key, state) in held.withLock({ $0.states }) where key.hasPrefix("\(options.name)/drain-") {
      guard let last = state.drainTo, !state.isDrained else { continue }
      let match = (state.held ?? []).compactMap(RecordPattern.init)
      try start(destination, .delayed, .drain(match, lastID: last), key, state)
    }
  }

  /// What is known of a run, or its first state, which is on disk on return. `isLost`: its position was known.
  private func state(
    of options: DestinationOptions, _ kind: DestinationRun.Kind, _ key: String, isLost: Bool
  ) throws -> RunState {
    if let known = held.withLock({ $0.states[key] }) { return known }
    forgetFold(key)
    var state: RunState
    if kind == .delayed, let live = held.withLock({ $0.states["\(options.name)/live"] }) {
      // A delay that is new: what lies behind the present position went without it.
      state = RunState(position: live.position)
    } else {
      state = RunState(position: Position(after: try firstPosition(options)))
    }
    state.isPaused = isLost
    if kind == .delayed { state.held = options.delay?.match.map(\.text) }
    do { try storage.save([key: try StateKeeper.encode(state)]) } catch {
      // It goes on without: what is written later is tried again until it is.
      report("the positions of destinations cannot be written: \(error)")
      keeper.put(key, state)
    }
    held.withLock { [state] in $0.states[key] = state }
    return state
  }

  /// What another run of the same key remembered is not for one that begins.
  func forgetFold(_ key: String) {
    do { try storage.removeCheckpoints(key) } catch {
      report("what \(key) remembered cannot be removed: \(error)")
    }
  }

  private func firstPosition(_ options: DestinationOptions) throws -> Int64 {
    switch options.start {
    case .now: held.withLock { $0.openingID } ?? source.lastID
    case .oldest: try source.oldest()
    case .time(let time): try source.position(receivedAt: time)
    }
  }

  func start(
    _ destination: Destination, replay request: ReplayRequest, _ key: String, _ state: RunState
  ) throws {
    try start(
      destination, .replay, .replay(request, request.include.compactMap(RecordPattern.init)), key, state)
  }

  func start(
    _ destination: Destination, _ kind: DestinationRun.Kind, _ lot: RunLot.Kind, _ key: String, _ state: RunState
  ) throws {
    let options = destination.options
    let source = source
    let courier = try destination.courier(state)
    var state = state
    // On disk before anything is sent: what a file had before us stays, what comes can be taken back.
    state.courier = courier.keptState()
    let delivery = Delivery(
      options, courier: courier, state: state, key: key, keeper: keeper, now: { source.now() })
    delivery.vitals.set(state)
    keeper.put(key, state)
    let run = DestinationRun(
      key: key, kind: kind, options,
      lot: RunLot(
        kind: lot, filter: options.filter, delay: options.delay, forwardImports: options.forwardImports),
      delivery: delivery,
      source: source, storage: storage, pool: pool, builder: destination.builder, report: report)
    let task = Task {
      await run.run()
      await delivery.courier.close()
    }
    held.withLock { [state] in
      $0.runs[key] = run
      $0.tasks[key] = task
      $0.states[key] = state
    }
  }

  /// Ends what is under way within `patience`, writes positions. What was not answered by then goes again at the next
  /// start.
  package func stop(patience: Duration = .seconds(5)) async {
    let (runs, tasks) = held.withLock { held in
      held.isStopping = true
      return (Array(held.runs.values), Array(held.tasks.values))
    }
    for run in runs { await run.delivery.stop() }
    let cancelling = Task {
      try await Task.sleep(for: patience)
      for task in tasks { task.cancel() }
    }
    for task in tasks { await task.value }
    cancelling.cancel()
    await keeper.flush()
    try? await pool.shutdownGracefully()
  }

  // MARK: what people ask

  package var destinationNames: [String] { held.withLock { $0.destinations.keys.sorted() } }

  package func options(_ name: String) -> DestinationOptions? { held.withLock { $0.destinations[name]?.options } }

  /// One entry a run, in the order of names.
  package func status() async -> [RunStatus] {
    let runs = held.withLock { $0.runs.sorted { $0.key < $1.key }.map(\.value) }
    var all: [RunStatus] = []
    for run in runs { all.append(await RunStatus(run, lastID: source.lastID)) }
    return all
  }

  package enum CommandFailure: Error, Sendable {
    case unknownDestination(String)
    case unknownReplay(Int)
    case refused(String)
  }

  func runs(of name: String) throws(CommandFailure) -> [DestinationRun] {
    let runs = held.withLock { held in held.runs.values.filter { $0.options.name == name && $0.kind != .replay } }
    guard !runs.isEmpty else { throw .unknownDestination(name) }
    return runs
  }

  package func setPaused(_ name: String, _ isPaused: Bool) async throws(CommandFailure) {
    for run in try runs(of: name) { await run.delivery.setPaused(isPaused) }
  }

  /// Tries stopped destinations at once.
  package func hurry() async {
    for run in held.withLock({ Array($0.runs.values) }) { await run.delivery.hurry() }
  }

  /// Starts sending history; the number of the replay.
  package func replay(_ request: ReplayRequest) throws -> Int {
    guard let destination = held.withLock({ $0.destinations[request.destination] }) else {
      throw CommandFailure.unknownDestination(request.destination)
    }
    var request = request
    request.id = 1 + (held.withLock { $0.states.values.compactMap { $0.replay?.id }.max() } ?? 0)
    let key = "\(request.destination)/replay-\(request.id)"
    let first = request.ranges?.first?.first.map { $0 - 1 }
    let state = RunState(position: Position(after: try first ?? source.oldest()))
    var started = state
    started.replay = request
    forgetFold(key)
    try start(destination, replay: request, key, started)
    return request.id
  }

  private func replayRun(_ id: Int) throws(CommandFailure) -> DestinationRun {
    let run = held.withLock { held in
      held.runs.values.first { run in
        if case .replay(let request, _) = run.lot.kind { return request.id == id }
        return false
      }
    }
    guard let run else { throw .unknownReplay(id) }
    return run
  }

  package func cancelReplay(_ id: Int) async throws(CommandFailure) {
    let run = try replayRun(id)
    await run.delivery.update { $0.replay?.isCancelled = true }
    await run.delivery.stop()
  }

  /// Goes on with one that stands still because most of its records were refused.
  package func resumeReplay(_ id: Int) async throws(CommandFailure) {
    await (try replayRun(id)).delivery.setPaused(false)
  }

  /// Where the live positions of a destination are; rows up to the least of them are settled.
  package func low(_ name: String) async throws(CommandFailure) -> Int64 {
    var low = Int64.max
    for run in try runs(of: name) { low = min(low, await run.delivery.state.position.low) }
    return low
  }

  /// What was refused, to be sent again.
  package func refusedRanges(_ name: String, reason: String?) async throws(CommandFailure) -> [[Int64]] {
    var ranges: [[Int64]] = []
    for run in try runs(of: name) {
      for (found, records) in await run.delivery.state.books.refused where reason == nil || reason == found {
        ranges += records.ranges
      }
    }
    var merged: [[Int64]] = []
    for range in ranges.sorted(by: { $0[0] < $1[0] }) {
      if let last = merged.last, range[0] <= last[1] + 1 {
        merged[merged.count - 1][1] = max(last[1], range[1])
      } else {
        merged.append(range)
      }
    }
    return merged
  }
}
