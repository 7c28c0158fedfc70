/// Entries of one stream, in the order of their times.
package final class LokiParcel: Parcel {
  package let items: [ParcelItem]
  package var lane: UInt64? { stream.id }
  package let road: Int
  private let stream: LokiStream
  /// Each item is the inside of a logproto.Entry.
  private let bytes: ParcelBytes
  private let size: Int

  init(_ stream: LokiStream, _ road: Int, _ items: [ParcelItem], _ bytes: ParcelBytes) {
    self.stream = stream
    self.road = road
    self.items = items
    self.bytes = bytes
    size = items.reduce(0) { $0 + $1.end - $1.start }
  }

  package var byteCount: Int { size + items.count * MemoryLayout<ParcelItem>.stride }

  /// `{a="b"}`, as it is sent.
  package var labels: String { String(decoding: stream.labels, as: UTF8.self) }

  package func body(_ range: Range<Int>, form: Int) -> [UInt8] {
    form == LokiForm.json ? json(range) : protobuf(range)
  }

  private func bytes(_ item: ParcelItem) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes.bytes[item.start..<item.end])
  }

  // MARK: protobuf

  /// logproto.PushRequest: `{1: {1: labels, 2: entry, 2: entry, …}}`.
  private func protobuf(_ range: Range<Int>) -> [UInt8] {
    var length = 1 + LokiLength.varint(stream.labels.count) + stream.labels.count
    for item in items[range] {
      let count = item.end - item.start
      length += 1 + LokiLength.varint(count) + count
    }
    var out = Arena(capacity: length + 16)
    out.append(0x0a)
    out.appendVarint(UInt64(length))
    out.append(0x0a)
    out.appendVarint(UInt64(stream.labels.count))
    out.append(stream.labels[...])
    for item in items[range] {
      out.append(0x12)
      out.appendVarint(UInt64(item.end - item.start))
      out.append(bytes(item))
    }
    return [UInt8](out.bytes(0, out.count))
  }

  // MARK: JSON

  /// `{"streams":[{"stream":{…},"values":[["<ns>","line",{…}],…]}]}` (CONFORMANCE LOKI-01).
  private func json(_ range: Range<Int>) -> [UInt8] {
    var out = Arena(capacity: 1 << 16)
    out.append("{\"streams\":[{\"stream\":")
    out.append(stream.json[...])
    out.append(",\"values\":[")
    for index in range {
      if index > range.lowerBound { out.append(",") }
      append(items[index], &out)
    }
    out.append("]}]}")
    return [UInt8](out.bytes(0, out.count))
  }

  private func append(_ item: ParcelItem, _ out: inout Arena) {
    var entry = LokiFields(bytes(item))
    out.append("[\"")
    out.appendInteger(item.time)
    out.append("\",")
    var line = UnsafeRawBufferPointer(start: nil, count: 0)
    var hasLine = false
    var hasMetadata = false
    while let field = entry.next() {
      switch field.number {
      case 2: line = field.bytes
      case 3:
        if !hasLine { out.appendJSONString(line) }
        hasLine = true
        out.append(hasMetadata ? "," : ",{")
        hasMetadata = true
        var pair = LokiFields(field.bytes)
        out.appendJSONString(pair.next()?.bytes ?? line)
        out.append(":")
        out.appendJSONString(pair.next()?.bytes ?? line)
      default: break
      }
    }
    if !hasLine { out.appendJSONString(line) }
    out.append(hasMetadata ? "}]" : "]")
  }
}

/// Reads what the builder wrote: fields with a length only.
private struct LokiFields {
  private let bytes: UnsafeRawBufferPointer
  private var at = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func next() -> (number: Int, bytes: UnsafeRawBufferPointer)? {
    guard at < bytes.count else { return nil }
    let number = Int(bytes[at] >> 3)
    at += 1
    var length = 0
    var shift = 0
    while at < bytes.count {
      let byte = bytes[at]
      at += 1
      length |= Int(byte & 0x7f) << shift
      shift += 7
      if byte < 0x80 { break }
    }
    let start = at
    at = min(at + length, bytes.count)
    return (number, UnsafeRawBufferPointer(rebasing: bytes[start..<at]))
  }
}
