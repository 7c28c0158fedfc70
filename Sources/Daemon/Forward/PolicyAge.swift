import FoundationEssentials
import Store
import Synchronization

/// Up to which row the store may hold what the present privacy policy would not have let in: `<data>/keys/policy.json`.
/// Those rows are protected again when they leave.
final class PolicyAge: Sendable {
  private struct Kept: Codable {
    /// All keys of the configuration that make the policy.
    var policy: String
    var protectedBefore: Int64
  }

  private let path: String
  // covers: what is in the file.
  private let kept: Mutex<Kept>
  /// There is a policy at all.
  private let isProtecting: Atomic<Bool>

  /// Rows that may still come in under the old rules after a reload: batches keep those that they began with.
  private static let reloadMargin: Int64 = 1_000_000

  /// `lastID`: the last row that is stored.
  init(_ directory: DataDirectory, _ config: GarnerConfig, lastID: Int64) {
    path = directory.keys + "/policy.json"
    isProtecting = Atomic(config.privacy.policy != .none)
    let policy = Self.text(config)
    let known = (try? FileSystem.read(path, limit: 1 << 20)).flatMap {
      try? JSONDecoder().decode(Kept.self, from: Data($0))
    }
    if let known, known.policy == policy {
      kept = Mutex(known)
    } else {
      kept = Mutex(Kept(policy: policy, protectedBefore: lastID))
      save()
    }
  }

  /// Rows up to here are to be looked at again; 0: none.
  var protectedBefore: Int64 {
    isProtecting.load(ordering: .relaxed) ? kept.withLock { $0.protectedBefore } : 0
  }

  func reload(_ config: GarnerConfig, lastID: Int64) {
    isProtecting.store(config.privacy.policy != .none, ordering: .relaxed)
    let policy = Self.text(config)
    let isChanged = kept.withLock { kept in
      if kept.policy == policy { return false }
      kept = Kept(policy: policy, protectedBefore: lastID + Self.reloadMargin)
      return true
    }
    if isChanged { save() }
  }

  private func save() {
    let kept = kept.withLock { $0 }
    // Not written, it is made anew at the next start, when more rows are looked at than need be.
    guard let bytes = try? JSONEncoder().encode(kept) else { return }
    try? FileSystem.writeDurably(path, [UInt8](bytes))
  }

  /// Whether the policy that was in force last made pseudonyms; false where nothing is known of one.
  static func hadPseudonyms(_ directory: DataDirectory) -> Bool {
    guard let bytes = try? FileSystem.read(directory.keys + "/policy.json", limit: 1 << 20),
      let kept = try? JSONDecoder().decode(Kept.self, from: Data(bytes))
    else { return false }
    let lines = kept.policy.split(separator: "\n")
    return lines.contains { $0.hasPrefix("privacy.policy=") && $0 != "privacy.policy=none" }
      || lines.contains { $0.hasPrefix("privacy.pseudonymize=") && $0 != "privacy.pseudonymize=[]" }
  }

  private static func text(_ config: GarnerConfig) -> String {
    ConfigKey.all.filter { $0.path.hasPrefix("privacy.") && $0.aliasOf == nil }
      .map { "\($0.path)=\($0.show(config))" }.joined(separator: "\n")
  }
}
