import NIOCore
import Synchronization

/// The open connections of the door and their unfinished work.
final class GRPCConnections: Sendable {
  private struct State {
    var open: [Int: any Channel] = [:]
    /// Leases, which outlive their channels while work is under way.
    var leases = 0
    var next = 0
    var isClosing = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  // covers: everything; channels are told and continuations resumed outside.
  private let state = Mutex(State())

  /// Nil: the door is closing.
  func add(_ channel: any Channel) -> GRPCLease? {
    let place = state.withLock { state -> (key: Int, number: Int)? in
      if state.isClosing { return nil }
      let key = state.next
      state.next += 1
      state.leases += 1
      state.open[key] = channel
      return (key, state.open.count)
    }
    guard let place else { return nil }
    channel.closeFuture.whenComplete { [weak self] _ in self?.closed(place.key) }
    return GRPCLease(self, number: place.number)
  }

  private func closed(_ key: Int) { state.withLock { _ = $0.open.removeValue(forKey: key) } }

  fileprivate func giveBack() {
    let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      state.leases -= 1
      guard state.leases == 0 else { return [] }
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  /// No more connections; those that are open finish what they have.
  func quiesce() {
    let open = state.withLock { state -> [any Channel] in
      state.isClosing = true
      return Array(state.open.values)
    }
    for channel in open { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
  }

  func closeAll() {
    let open = state.withLock { Array($0.open.values) }
    for channel in open { channel.close(promise: nil) }
  }

  /// Returns once no lease is left.
  func empty() async {
    await withCheckedContinuation { continuation in
      let isEmpty = state.withLock { state in
        if state.leases > 0 { state.waiting.append(continuation) }
        return state.leases == 0
      }
      if isEmpty { continuation.resume() }
    }
  }
}

/// Held by a connection and by each batch that came through it; the door waits until the last one is gone.
final class GRPCLease: Sendable {
  /// How many connections there were with this one.
  let number: Int
  private let connections: GRPCConnections

  fileprivate init(_ connections: GRPCConnections, number: Int) {
    self.connections = connections
    self.number = number
  }

  deinit { connections.giveBack() }
}
