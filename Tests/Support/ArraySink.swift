import Synchronization
package import Telemetry

/// A sink in memory: keeps what it is given, knows bodies again by their key, and refuses when told to.
package final class ArraySink: BatchSink {
  private struct State {
    var batches: [Batch] = []
    var receipts: [ReceiptKey: Receipt] = [:]
    var keys: [ReceiptKey?] = []
    var marks: [Mark] = []
    var identities: [RecordIdentity] = []
    var remark = ""
    var appendRefusal: Refusal?
    var admitRefusal: Refusal?
    var admitted: [Int] = []
    var held = false
    var waiting: [CheckedContinuation<Void, Never>] = []
    var arrivals: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    var arrived = 0
  }

  // covers: everything; continuations are resumed outside.
  private let state = Mutex(State())

  package init() {}

  package var batches: [Batch] { state.withLock { $0.batches } }
  package var keys: [ReceiptKey?] { state.withLock { $0.keys } }
  /// Of all batches, in order.
  package var marks: [Mark] { state.withLock { $0.marks } }
  /// Of the records that came with some, in order.
  package var identities: [RecordIdentity] { state.withLock { $0.identities } }
  /// Sizes that `admit` was asked about.
  package var admitted: [Int] { state.withLock { $0.admitted } }
  package var recordCount: Int { batches.reduce(0) { $0 + $1.recordCount } }

  package func refuseAppends(_ refusal: Refusal?) { state.withLock { $0.appendRefusal = refusal } }
  /// Put into the message of every receipt from now on.
  package func remark(_ text: String) { state.withLock { $0.remark = text } }
  package func refuseAdmission(_ refusal: Refusal?) { state.withLock { $0.admitRefusal = refusal } }

  /// From now on `append` waits until `letGo`.
  package func hold() { state.withLock { $0.held = true } }

  package func letGo() {
    let waiting = state.withLock { state in
      defer { state.waiting = [] }
      state.held = false
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  /// Returns once `count` calls of `append` have come in.
  package func arrivals(_ count: Int) async {
    await withCheckedContinuation { continuation in
      let there = state.withLock { state in
        if state.arrived >= count { return true }
        state.arrivals.append((count, continuation))
        return false
      }
      if there { continuation.resume() }
    }
  }

  package func admit(byteCount: Int) -> Refusal? {
    state.withLock {
      $0.admitted.append(byteCount)
      return $0.admitRefusal
    }
  }

  package func append(
    _ batch: Batch, key: ReceiptKey?, door: String, marks: [Mark]
  ) async throws(Refusal) -> Receipt {
    await arrive()
    let result = state.withLock { state -> Result<Receipt, Refusal> in
      if let refusal = state.appendRefusal { return .failure(refusal) }
      state.keys.append(key)
      if let key, var known = state.receipts[key] {
        known.duplicate = true
        return .success(known)
      }
      let rejected = batch.rejectedCount
      var parts = batch.warnings
      if !state.remark.isEmpty { parts.append(state.remark) }
      if rejected > 0 { parts.insert("\(rejected) refused", at: 0) }
      let receipt = Receipt(
        received: batch.recordCount + rejected, stored: batch.recordCount, rejected: rejected,
        message: parts.joined(separator: "; "))
      state.batches.append(batch)
      state.marks += marks
      if let key { state.receipts[key] = receipt }
      return .success(receipt)
    }
    return try result.get()
  }

  package func append(
    _ batch: Batch, key: ReceiptKey?, door: String, identities: [RecordIdentity]
  ) async throws(Refusal) -> Receipt {
    state.withLock { $0.identities += identities }
    return try await append(batch, key: key, door: door)
  }

  private func arrive() async {
    let ready = state.withLock { state in
      state.arrived += 1
      let arrived = state.arrived
      let ready = state.arrivals.filter { $0.count <= arrived }.map(\.continuation)
      state.arrivals.removeAll { $0.count <= arrived }
      return ready
    }
    for continuation in ready { continuation.resume() }
    await withCheckedContinuation { continuation in
      let held = state.withLock { state in
        if state.held { state.waiting.append(continuation) }
        return state.held
      }
      if !held { continuation.resume() }
    }
  }
}
