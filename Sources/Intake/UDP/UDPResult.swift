/// What became of one packet: the label `result` of `garner_udp_packets_total`, in the order of the checks.
package enum UDPResult: String, Sendable, CaseIterable {
  case accepted
  /// A signed probe that was answered, and one over the ten a second.
  case probe
  case probeLimited = "probe_limited"
  case badLength = "bad_length"
  case unknownFormat = "unknown_format"
  case badFlags = "bad_flags"
  case unknownKey = "unknown_key"
  case throttled
  case badMAC = "bad_mac"
  case unsigned
  case unnumbered
  case wrongSource = "wrong_source"
  case clock
  case tooManyBoots = "too_many_boots"
  case badNumber = "bad_number"
  case tooOld = "too_old"
  case duplicate
  case rateLimited = "rate_limited"
  case overflow
  case malformed

  var index: Int { Self.indexes[self] ?? 0 }
  private static let indexes = Dictionary(uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })
}
