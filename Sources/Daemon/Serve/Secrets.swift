import Glibc
import Store

/// Random keys of a data directory, made on first use, mode 0600, under `keys/`.
enum Secrets {
  /// 32 bytes, the same at every start. Throws when the file is there and not 32 bytes long: a silent new key would make
  /// every retry look new.
  static func key(_ name: String, _ directory: DataDirectory) throws(StoreFailure) -> [UInt8] {
    let path = directory.keys + "/" + name
    if FileSystem.exists(path) {
      guard let bytes = try? FileSystem.read(path), bytes.count == 32 else {
        throw StoreFailure(
          "\(path) is not a key of 32 bytes; put the right one back, or remove it to have a new one made")
      }
      return bytes
    }
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
    do throws(FileError) { try FileSystem.writeDurably(path, bytes) } catch { throw StoreFailure("\(error)") }
    return bytes
  }
}
