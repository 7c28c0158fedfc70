package import Intake

extension Protector {
  /// Makes the key file at the first start, and only then. `now`: nanoseconds since 1970. Throws `PseudonymKeyFile.Fault` or
  /// `Tombstones.Fault`.
  package convenience init(_ config: GarnerConfig, now: Int64) throws {
    if config.hasLostPrivacyKeys { throw PseudonymKeyFile.Fault.lost(path: config.privacyKeyFile) }
    self.init(
      config.privacyPolicy, keys: try PseudonymKeyFile.open(config.privacyKeyFile, now: now),
      tombstones: try Tombstones.read(config.tombstonesFile))
  }

  /// Policy, keys and tombstones as they are now; when a file cannot be read, or there is no key file any more, nothing
  /// changes. Throws the same.
  package func reload(_ config: GarnerConfig) throws {
    guard let keys = try PseudonymKeyFile.read(config.privacyKeyFile) else {
      throw PseudonymKeyFile.Fault.lost(path: config.privacyKeyFile)
    }
    replace(config.privacyPolicy, keys: keys, tombstones: try Tombstones.read(config.tombstonesFile))
  }
}
