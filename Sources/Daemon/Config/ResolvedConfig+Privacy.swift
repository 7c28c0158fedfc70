import Intake

extension ResolvedConfig {
  /// Exceptions from nothing are most likely misspelt.
  var privacyWarnings: [String] {
    config.privacyPolicy.idleExceptions.map { list, entry in
      let place = place("privacy.\(list)").map { "\($0): " } ?? ""
      let message = "\(JSONText.quoted(entry)) takes nothing away, for no pattern matches such a key"
      return "\(place)`privacy.\(list)`: \(message)"
    }
  }

  /// A key file or tombstones that cannot be used. None at all is no problem at the first start: the daemon makes a key.
  func privacyProblems() -> [ConfigProblem] {
    var problems: [ConfigProblem] = []
    do throws(PseudonymKeyFile.Fault) {
      _ = try PseudonymKeyFile.read(config.privacyKeyFile)
      if config.hasLostPrivacyKeys { throw .lost(path: config.privacyKeyFile) }
    } catch {
      problems.append(ConfigProblem("`privacy.key_file`: \(error)", at: place("privacy.key_file")))
    }
    do throws(Tombstones.Fault) {
      _ = try Tombstones.read(config.tombstonesFile)
    } catch {
      problems.append(ConfigProblem("tombstones: \(error)", at: place("data_dir")))
    }
    return problems
  }
}
