package import Intake

extension Protector {
  /// Makes the key file when there is none. `now`: nanoseconds since 1970. Throws `PseudonymKeyFile.Fault` or
  /// `Tombstones.Fault`.
  package convenience init(_ config: GarnerConfig, now: Int64) throws {
    self.init(
      config.privacyPolicy, keys: try PseudonymKeyFile.open(config.privacyKeyFile, now: now),
      tombstones: try Tombstones.read(config.tombstonesFile))
  }

  /// Policy, keys and tombstones as they are now; when a file cannot be read nothing changes. Throws the same.
  package func reload(_ config: GarnerConfig, now: Int64) throws {
    replace(
      config.privacyPolicy, keys: try PseudonymKeyFile.open(config.privacyKeyFile, now: now),
      tombstones: try Tombstones.read(config.tombstonesFile))
  }
}
