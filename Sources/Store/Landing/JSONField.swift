/// Reads one text member of an object that our own decoders wrote; for the rare events whose fields steer the store.
enum JSONField {
  static func string(_ name: StaticString, in json: UnsafeRawBufferPointer) -> String? {
    let key = name.withUTF8Buffer { Array("\"".utf8) + $0 + Array("\":\"".utf8) }
    guard json.count > key.count else { return nil }
    for start in 0..<(json.count - key.count) where json[start] == key[0] {
      if !json[start..<(start + key.count)].elementsEqual(key) { continue }
      let value = json[(start + key.count)...]
      guard let end = value.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
      let bytes = value[..<end]
      return bytes.isEmpty || bytes.contains(UInt8(ascii: "\\")) ? nil : String(decoding: bytes, as: UTF8.self)
    }
    return nil
  }
}
