import Intake

extension GarnerConfig {
  /// The JSON strings that may stand for a player in the store: pseudonyms under every key, and the id as it is for rows that
  /// were stored without privacy. A manifest never shows the id of somebody who has a pseudonym.
  package func pseudonyms(of player: String) throws -> [String] {
    guard let keys = try PseudonymKeyFile.read(privacyKeyFile) else { return [JSONText.quoted(player)] }
    let names = Pseudonym.of(player: player, under: keys)
    return (privacyPolicy.base == .none ? names + [player] : names).map { JSONText.quoted($0) }
  }
}
