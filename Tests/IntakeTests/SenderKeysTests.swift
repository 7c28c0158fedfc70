import Intake
import Telemetry
import Testing

struct SenderKeysTests {
  static func key(_ keys: SenderKeys, _ signal: Signal, _ credential: String, _ body: String) -> ReceiptKey {
    Array(body.utf8).withUnsafeBytes { keys.receiptKey(signal, credential: Array(credential.utf8), $0) }
  }

  @Test func isTheSameForTheSameRequest() {
    let keys = SenderKeys(key: Array(repeating: 1, count: 32))
    let again = SenderKeys(key: Array(repeating: 1, count: 32))
    #expect(Self.key(keys, .logs, "a", "body") == Self.key(again, .logs, "a", "body"))
  }

  @Test func differsInSignalCredentialBodyAndKey() {
    let keys = SenderKeys(key: Array(repeating: 1, count: 32))
    let other = SenderKeys(key: Array(repeating: 2, count: 32))
    let all: Set<ReceiptKey> = [
      Self.key(keys, .logs, "a", "body"), Self.key(keys, .traces, "a", "body"), Self.key(keys, .logs, "b", "body"),
      Self.key(keys, .logs, "ab", "ody"), Self.key(keys, .logs, "a", "bodies"), Self.key(other, .logs, "a", "body"),
      Self.key(keys, .logs, "a", ""),
    ]
    #expect(all.count == 7)
  }
}
