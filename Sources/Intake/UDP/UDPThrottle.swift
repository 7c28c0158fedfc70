import Telemetry

/// Keeps a flood of packets that nobody signed from costing a MAC each. Fixed memory: strangers never allocate.
struct UDPThrottle: Sendable {
  private static let buckets = 4_096
  static let failuresPerSecond: UInt32 = 1_000
  private static let provedNanoseconds: Int64 = 60_000_000_000

  private struct Bucket {
    var second: Int64 = 0
    var failures: UInt32 = 0
  }

  /// An address that a key has proved; a later one with the same place pushes it out.
  private struct Proof {
    var address: UInt64 = 0
    var at: Int64 = .min
  }

  private let hash: KeyedHash
  private var failures = [Bucket](repeating: Bucket(), count: buckets)
  private var proofs = [Proof](repeating: Proof(), count: buckets)

  init(hash: KeyedHash = .random()) { self.hash = hash }

  /// Whether packets from there are dropped unread.
  func isThrottled(_ address: UDPAddress, now: Int64) -> Bool {
    let bucket = failures[bucket(address)]
    guard bucket.second == now / 1_000_000_000, bucket.failures > Self.failuresPerSecond else { return false }
    let key = exact(address)
    let proof = proofs[Int(key % UInt64(Self.buckets))]
    return proof.address != key || proof.at == .min || now - proof.at > Self.provedNanoseconds
  }

  mutating func fail(_ address: UDPAddress, now: Int64) {
    let index = bucket(address)
    let second = now / 1_000_000_000
    if failures[index].second != second { failures[index] = Bucket(second: second) }
    failures[index].failures &+= failures[index].failures == .max ? 0 : 1
  }

  mutating func prove(_ address: UDPAddress, now: Int64) {
    let key = exact(address)
    proofs[Int(key % UInt64(Self.buckets))] = Proof(address: key, at: now)
  }

  private func exact(_ address: UDPAddress) -> UInt64 {
    var state = hash.start()
    state.add(address.high)
    state.add(address.low)
    return state.finish().low
  }

  /// One for an IPv4 address, one for a /64, of which anybody has all addresses.
  private func bucket(_ address: UDPAddress) -> Int {
    var state = hash.start()
    state.add(address.high)
    state.add(address.isIPv4 ? address.low : 0)
    return Int(state.finish().high % UInt64(Self.buckets))
  }
}
