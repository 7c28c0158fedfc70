import Door
import Intake
import Logging

/// Looks whether the keys that credentials name for their pseudonyms are there.
///
/// Whose key is missing is taken all the same, under the active one: refused records, datagrams above all, would be lost for
/// good, while a pseudonym of another key hides a player as well and only does not fit those of the event's other relays.
/// So it has to be told, loudly.
struct PseudonymKeyCheck: Sendable {
  let credentials: CredentialBook
  let protector: Protector
  let logger: Logger

  func look() {
    for (credential, key) in credentials.pseudonymKeys(now: Gate.wallClock()) where !protector.knows(pseudonymKey: key)
    {
      logger.error(
        "a credential names a pseudonym key that is not in privacy.key_file: its players get pseudonyms of the active key",
        metadata: ["event": "privacy.unknown_key", "credential": "\(credential)", "pseudonym_key": "\(key)"])
    }
  }
}
