import Door

/// Who sent a request, in words that may be stored.
struct Sender: Sendable {
  /// `local`, or the keyed hash of the address.
  var peer: [UInt8]
  /// Session of records that name none.
  var anonymousSession: [UInt8]
}

struct Senders: Sendable {
  let keys: SenderKeys
  private let local: Sender

  init(_ keys: SenderKeys) {
    self.keys = keys
    local = Sender(peer: Array("local".utf8), anonymousSession: Array(keys.anonymousSession("local").utf8))
  }

  func sender(_ context: DoorContext) -> Sender {
    guard let address = context.foreignAddress else { return local }
    let peer = keys.peer(address)
    return Sender(peer: Array(peer.utf8), anonymousSession: Array(keys.anonymousSession(peer).utf8))
  }
}
