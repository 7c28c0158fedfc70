import Synchronization

/// Between the receiving thread, which never waits, and the task that waits for the disk. Bounded by the one who puts in:
/// it asks first.
final class UDPQueue: Sendable {
  private struct State {
    var waiting: [UDPParcel] = []
    var waitingBytes = 0
    /// Handed out, and not yet done with.
    var inFlightBytes = 0
    var isClosed = false
    var taker: CheckedContinuation<UDPParcel?, Never>?
  }

  // covers: everything; the continuation is resumed outside.
  private let state = Mutex(State())

  /// Bytes that are on their way to the disk, and whether a parcel put in now would be the next to go.
  var load: (bytes: Int, isShort: Bool) {
    state.withLock { ($0.waitingBytes + $0.inFlightBytes, $0.waiting.isEmpty) }
  }

  func put(_ parcel: UDPParcel) {
    let taker = state.withLock { state -> CheckedContinuation<UDPParcel?, Never>? in
      guard let taker = state.taker else {
        state.waiting.append(parcel)
        state.waitingBytes += parcel.byteCount
        return nil
      }
      state.taker = nil
      state.inFlightBytes += parcel.byteCount
      return taker
    }
    taker?.resume(returning: parcel)
  }

  /// The next parcel, which is in flight until `finish`; nil once the queue is closed and empty. One taker at a time.
  func take() async -> UDPParcel? {
    await withCheckedContinuation { continuation in
      let (parcel, ready) = state.withLock { state -> (UDPParcel?, Bool) in
        if !state.waiting.isEmpty {
          let parcel = state.waiting.removeFirst()
          state.waitingBytes -= parcel.byteCount
          state.inFlightBytes += parcel.byteCount
          return (parcel, true)
        }
        if state.isClosed { return (nil, true) }
        state.taker = continuation
        return (nil, false)
      }
      if ready { continuation.resume(returning: parcel) }
    }
  }

  /// A parcel of so many bytes is stored, or given up.
  func finish(_ byteCount: Int) { state.withLock { $0.inFlightBytes -= byteCount } }

  func close() {
    let taker = state.withLock { state -> CheckedContinuation<UDPParcel?, Never>? in
      state.isClosed = true
      defer { state.taker = nil }
      return state.taker
    }
    taker?.resume(returning: nil)
  }
}
