/// What a text of JSON is, without decoding it.
package enum JSONShape {
  /// One whole object, with nothing but white space around it.
  package static func isObject(_ text: UnsafeRawBufferPointer) -> Bool {
    guard var cursor = JSONCursor(text) else { return false }
    do throws(JSONFault) {
      guard try cursor.peek() == UInt8(ascii: "{") else { return false }
      _ = try cursor.storedValue()
      cursor.skipSpace()
      return cursor.left == 0
    } catch {
      return false
    }
  }
}
