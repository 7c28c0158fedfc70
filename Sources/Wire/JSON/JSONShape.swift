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

  /// Where the elements of an array are in its text, whatever they are. Throws when it is none.
  package static func elements(_ array: UnsafeRawBufferPointer) throws(DecodeError) -> [Range<Int>] {
    guard let base = array.baseAddress, let cursor = JSONCursor(array) else {
      throw DecodeError(.truncated, "JSON: there is nothing", at: 0)
    }
    var elements: [Range<Int>] = []
    do throws(JSONFault) {
      var input = StoredArray(cursor)
      while try input.next() {
        let element = try input.cursor.storedValue()
        let start = element.baseAddress.map { $0 - base } ?? 0
        elements.append(start..<(start + element.count))
      }
      input.cursor.skipSpace()
      guard input.cursor.left == 0 else { throw input.cursor.fault(.trailing) }
    } catch {
      let kind = error.kind == .truncated ? DecodeError.Kind.truncated : .malformed
      throw DecodeError(kind, "JSON: \(error.message)", at: Int(error.address &- UInt(bitPattern: base)))
    }
    return elements
  }
}
