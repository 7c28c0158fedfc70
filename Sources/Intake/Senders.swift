import Door

/// Who sent a request, in words that may be stored.
struct Sender: Sendable {
  /// `local`, or the keyed hash of the address.
  var peer: [UInt8]
  var credential: Credential
  /// Session of records that name none.
  var anonymousSession: [UInt8]
  /// The request has come from our own store, by whatever way.
  var isLoop = false

  /// For what cannot be decoded: there are no records to take it from.
  var source: String { credential.source.isEmpty ? String(decoding: peer, as: UTF8.self) : credential.source }
}

struct Senders: Sendable {
  let keys: SenderKeys
  private let local: Sender

  init(_ keys: SenderKeys) {
    self.keys = keys
    local = Sender(
      peer: Array("local".utf8), credential: .anonymous,
      anonymousSession: Array(keys.anonymousSession("local").utf8))
  }

  func sender(_ context: DoorContext, _ credential: Credential) -> Sender {
    sender(from: context.foreignAddress, credential)
  }

  /// `address`: see `DoorContext.foreignAddress`.
  func sender(from address: String?, _ credential: Credential) -> Sender {
    guard let address else {
      var sender = local
      sender.credential = credential
      return sender
    }
    let peer = keys.peer(address)
    return Sender(
      peer: Array(peer.utf8), credential: credential, anonymousSession: Array(keys.anonymousSession(peer).utf8))
  }
}
