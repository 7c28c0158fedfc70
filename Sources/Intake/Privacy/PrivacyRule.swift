/// What can be done to a text: the label `rule` of `garner_privacy_applied_total`.
package enum PrivacyRule: String, Sendable, CaseIterable {
  /// A `garner.*` attribute of a sender who may not set one.
  case strip
  case drop
  case pseudonym
  case ip
  case mac
  case email
  case userPath = "user_path"
  case token
  case secret
  case steamID = "steam_id"
  case chat
  /// A record that was left out, or a value that became `[erased]`, for a tombstone.
  case erased

  /// Place in tables of counts.
  var index: Int {
    switch self {
    case .strip: 0
    case .drop: 1
    case .pseudonym: 2
    case .ip: 3
    case .mac: 4
    case .email: 5
    case .userPath: 6
    case .token: 7
    case .secret: 8
    case .steamID: 9
    case .chat: 10
    case .erased: 11
    }
  }
}
