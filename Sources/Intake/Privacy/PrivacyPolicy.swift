/// The privacy part of the configuration: which keys are dropped, pseudonymised and scrubbed.
///
/// Lists hold patterns over keys: letters match without case, `*` is any run of characters, `{a,b}` either of both. They
/// add to the built-in ones; `!pattern` takes a built-in pattern away, or, where there is none such, exempts the keys it
/// matches. In `pseudonymize`, `device:pattern` makes `d_` pseudonyms instead of `p_`.
package struct PrivacyPolicy: Sendable, Equatable {
  package enum Base: String, Sendable, CaseIterable {
    case standard = "default"
    /// Nothing is changed but `garner.*` of senders who may not set it.
    case none
  }

  package var base: Base
  package var pseudonymize: [String]
  package var drop: [String]
  package var scrub: [String]

  package init(
    base: Base = .standard, pseudonymize: [String] = [], drop: [String] = [], scrub: [String] = []
  ) {
    self.base = base
    self.pseudonymize = pseudonymize
    self.drop = drop
    self.scrub = scrub
  }

  /// Entries like `!pattern` that change nothing, each with the list that it is in: no key that they match would be touched.
  package var idleExceptions: [(list: String, entry: String)] {
    let isActive = base == .standard
    func own(_ entries: [String]) -> [String] { entries.filter { !$0.hasPrefix("!") } }
    let hashed = own(pseudonymize).map { $0.hasPrefix("device:") ? String($0.dropFirst(7)) : $0 }
    let lists: [(String, [String], [String])] = [
      ("pseudonymize", pseudonymize, (isActive ? Self.standardPlayers + Self.standardDevices : []) + hashed),
      ("drop", drop, (isActive ? Self.standardDrops + Self.playerDrops : []) + own(drop)),
      ("scrub", scrub, (isActive ? ["*"] : []) + own(scrub)),
    ]
    return lists.flatMap { name, entries, inForce in
      let patterns = inForce.flatMap(KeyPattern.patterns)
      return entries.filter { entry in
        entry.hasPrefix("!")
          && !KeyPattern.patterns(String(entry.dropFirst())).contains { own in patterns.contains { own.overlaps($0) } }
      }.map { (list: name, entry: $0) }
    }
  }

  package static let none = PrivacyPolicy(base: .none)

  static let standardPlayers = [
    "player", "diverged_players", "*player.id", "*player_id", "player.*_id", "user.id", "user_id", "user.hash",
    "enduser.id", "enduser.pseudo.id", "account.id", "account_id", "steam.id", "*steam_id", "*sender_id",
    "requester_hash", "host_hash",
  ]

  static let standardDevices = [
    "device.id", "*device_id", "*.other_device", "app.installation.id", "machine.id",
  ]

  static let standardDrops = [
    "client.{address,ip}", "*client_ip", "client.socket.*", "{source,destination}.address",
    "network.{peer,local}.address", "net.{peer,host}.ip", "net.sock.*", "*ip_address", "host.{id,ip,mac}", "host.cpu.*",
    "process.{command,command_line,command_args,owner,working_directory}", "user.{name,full_name,email}", "email",
    "*.email", "player.name", "*player_name", "nickname", "display_name", "chat.{text,message}",
    "http.{request,response}.header.*", "authorization", "cookie", "*password", "*.secret", "*api_key",
  ]

  /// Of players' own machines nothing but what they measured is wanted.
  static let playerDrops = ["host.*", "process.*"]

  /// Of what keys the integers 0–255 are slots of a game, which tell nobody.
  static let slotKeys = ["player", "diverged_players"]
}
