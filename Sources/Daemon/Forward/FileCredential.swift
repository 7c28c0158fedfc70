import Intake
import Store
import Synchronization

/// A file with one secret, as people make them: blanks and a line end around it do not count.
enum SecretFile {
  static func read(_ path: String) throws -> [UInt8] {
    let bytes = try FileSystem.read(path, limit: 64 << 10)
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
    let text = Array(bytes.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    guard !text.isEmpty else { throw ConfigFault(message: "\(path) is empty") }
    guard text.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
      throw ConfigFault(message: "\(path) holds more than one line")
    }
    return text
  }
}

/// The value of `Authorization`, read again when its file has another content; the last good one holds while it cannot be
/// read.
final class FileCredential: Sendable {
  private let path: String
  private let make: @Sendable ([UInt8]) -> String
  private let held: Mutex<(value: String, lookedAt: ContinuousClock.Instant)>

  private static let interval = Duration.seconds(1)

  /// Nil: the destination wants none. Throws when the file cannot be used.
  init?(_ config: DestinationConfig) throws {
    if !config.bearerFile.isEmpty {
      path = config.bearerFile
      make = { "Bearer " + String(decoding: $0, as: UTF8.self) }
    } else if !config.username.isEmpty {
      path = config.passwordFile
      let name = config.username
      make = { "Basic " + String(decoding: Base64.encoded(Array("\(name):".utf8) + $0), as: UTF8.self) }
    } else {
      return nil
    }
    let secret = path.isEmpty ? [] : try SecretFile.read(path)
    held = Mutex((make(secret), .now))
  }

  func value() -> String {
    held.withLock { held in
      let now = ContinuousClock.now
      if now - held.lookedAt >= Self.interval {
        held.lookedAt = now
        if !path.isEmpty, let secret = try? SecretFile.read(path) { held.value = make(secret) }
      }
      return held.value
    }
  }
}
