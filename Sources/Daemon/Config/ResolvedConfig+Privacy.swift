import Intake

extension ResolvedConfig {
  /// A key file that cannot be used. None at all is no problem: the daemon makes one.
  func privacyProblems() -> [ConfigProblem] {
    do throws(PseudonymKeyFile.Fault) {
      _ = try PseudonymKeyFile.read(config.privacyKeyFile)
      return []
    } catch {
      return [ConfigProblem("`privacy.key_file`: \(error)", at: place("privacy.key_file"))]
    }
  }
}
