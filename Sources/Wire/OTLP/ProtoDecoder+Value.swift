import Telemetry

extension ProtoDecoder {
  // MARK: AnyValue

  /// AnyValue as JSON: string 1, bool 2, int 3, double 4, array 5, kvlist 6, bytes 7; of several the last wins. The
  /// string index 8 belongs to profiles and counts as an empty value (CONFORMANCE PROF-05). `depth` arrays and maps lie
  /// around it.
  mutating func value(_ message: ProtoCursor, depth: Int) throws(ProtoFault) {
    var kind: UInt32 = 0
    var number: UInt64 = 0
    var range = message
    // Arrays and maps that repeat without another kind between them are merged.
    var run = message.at
    var repeats = 0
    var isReplaced = false
    var cursor = message
    while !cursor.isAtEnd {
      let start = cursor.at
      let tag = try cursor.tag()
      let field = tag.field
      switch field {
      case 1, 7: range = try cursor.range(tag)
      case 2, 3: number = try cursor.varint(tag)
      case 4: number = try cursor.fixed64(tag)
      case 5, 6:
        range = try cursor.range(tag)
        if kind == field {
          repeats &+= 1
        } else {
          run = start
          repeats = 0
        }
      case 8:
        _ = try cursor.varint(tag)
        stringIndexes &+= 1
      default:
        try cursor.skip(tag)
        continue
      }
      if kind != field {
        if kind == 5 || kind == 6 { isReplaced = true }
        kind = field
      }
    }
    if isReplaced { try checkReplaced(message, behind: kind == 5 || kind == 6 ? run : message.end, depth: depth) }
    switch kind {
    case 1: if !builder.arena.appendJSONString(range.bytes) { builder.replacedTexts += 1 }
    case 2: builder.arena.append(number == 0 ? "false" : "true")
    case 3: builder.arena.appendInteger(Int64(bitPattern: number))
    case 4: builder.arena.appendDouble(Double(bitPattern: number))
    case 7: builder.arena.appendBytesValue(range.bytes)
    case 5, 6:
      if depth >= builder.options.depthLimit { throw message.fault(.tooDeep) }
      if repeats > 0 {
        range = try joined(ProtoOnce(repeated: range), kind, of: ProtoCursor(at: run, end: message.end))
      }
      if kind == 5 { try array(range, depth: depth + 1) } else { try map(range, depth: depth + 1) }
    default: builder.arena.append("null")
    }
  }

  /// Walks arrays and maps that another member of the oneof has replaced: they may be malformed, and then the request is.
  @inline(never)
  private mutating func checkReplaced(
    _ message: ProtoCursor, behind end: UnsafePointer<UInt8>, depth: Int
  ) throws(ProtoFault) {
    let start = builder.arena.count
    var cursor = ProtoCursor(at: message.at, end: end)
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      guard tag.field == 5 || tag.field == 6 else {
        try cursor.skip(tag)
        continue
      }
      if depth >= builder.options.depthLimit { throw cursor.fault(.tooDeep) }
      let range = try cursor.range(tag)
      if tag.field == 5 { try array(range, depth: depth + 1) } else { try map(range, depth: depth + 1) }
      builder.arena.truncate(to: start)
    }
  }

  /// ArrayValue: values 1.
  private mutating func array(_ message: ProtoCursor, depth: Int) throws(ProtoFault) {
    builder.arena.append(UInt8(ascii: "["))
    var first = true
    var cursor = message
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      guard tag.field == 1 else {
        try cursor.skip(tag)
        continue
      }
      let element = try cursor.range(tag)
      if !first { builder.arena.append(UInt8(ascii: ",")) }
      first = false
      try value(element, depth: depth)
    }
    builder.arena.append(UInt8(ascii: "]"))
  }

  /// KeyValueList: values 1.
  private mutating func map(_ message: ProtoCursor, depth: Int) throws(ProtoFault) {
    var mark = builder.beginObject()
    var cursor = message
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      guard tag.field == 1 else {
        try cursor.skip(tag)
        continue
      }
      let pair = try cursor.range(tag)
      let (key, value) = try keyValue(pair)
      if pair.count > ProtoLimits.keyBytes && key.count > ProtoLimits.keyBytes { limits.fault = .keyTooLong }
      builder.key(key.bytes, in: &mark)
      try self.value(value, depth: depth)
    }
    _ = builder.endObject(mark)
    // Maps in maps with equal keys at every depth are written again at every depth.
    if builder.rewrittenBytes > rewriteLimit { throw message.fault(.tooManyRepeats) }
  }

  // MARK: KeyValue

  /// KeyValue: key 1, value 2. The key index 3 belongs to profiles.
  @inline(__always)
  private mutating func keyValue(_ message: ProtoCursor) throws(ProtoFault) -> (key: ProtoCursor, value: ProtoCursor) {
    var key = ProtoOnce(message)
    var value = ProtoOnce(message)
    var cursor = message
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      switch tag.field {
      case 1: key.note(try cursor.range(tag))
      case 2: value.note(try cursor.range(tag))
      case 3:
        _ = try cursor.varint(tag)
        stringIndexes &+= 1
      default: try cursor.skip(tag)
      }
    }
    return (key.last, try joined(value, 2, of: message))
  }

  /// The attributes of a level: every `field` of `run` is a KeyValue. Notes what is promoted to columns.
  mutating func attributes(
    _ run: ProtoRun, _ field: UInt32, _ promoted: inout Promoted, reserved: ReservedKeys = .none
  ) throws(ProtoFault) -> (slice: Slice, moved: Bool) {
    var mark = builder.beginObject()
    try attributes(run, field, &promoted, reserved, in: &mark)
    return builder.endAttributes(mark, reserved: reserved)
  }

  /// The same into an object that is open already.
  mutating func attributes(
    _ run: ProtoRun, _ field: UInt32, _ promoted: inout Promoted, _ reserved: ReservedKeys, in mark: inout ObjectMark
  ) throws(ProtoFault) {
    if run.count > ProtoLimits.attributes { limits.fault = .tooManyAttributes }
    var cursor = run.cursor
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      guard tag.field == field else {
        try cursor.skip(tag)
        continue
      }
      let pair = try cursor.range(tag)
      let (key, value) = try keyValue(pair)
      if pair.count > ProtoLimits.keyBytes { measure(key, value) }
      builder.key(key.bytes, in: &mark, reserved: reserved)
      let start = builder.arena.count
      try self.value(value, depth: 0)
      promoted.note(key.bytes, Slice(start: start, count: builder.arena.count &- start))
    }
  }

  /// Attributes that nothing is promoted from: of links, exemplars and metrics.
  mutating func plainAttributes(_ run: ProtoRun, _ field: UInt32) throws(ProtoFault) -> Slice {
    if run.count > ProtoLimits.attributes { limits.fault = .tooManyAttributes }
    var mark = builder.beginObject()
    var cursor = run.cursor
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      guard tag.field == field else {
        try cursor.skip(tag)
        continue
      }
      let pair = try cursor.range(tag)
      let (key, value) = try keyValue(pair)
      if pair.count > ProtoLimits.keyBytes { measure(key, value) }
      builder.key(key.bytes, in: &mark)
      try self.value(value, depth: 0)
    }
    return builder.endObject(mark).slice
  }

  // MARK: EntityRef

  /// Array of `{"schema_url","type","id_keys":[],"description_keys":[]}` without empty members; empty for none.
  mutating func entityRefs(_ run: ProtoCursor) throws(ProtoFault) -> Slice {
    guard !run.isAtEnd else { return .empty }
    let start = builder.arena.count
    var cursor = run
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      guard tag.field == 3 else {
        try cursor.skip(tag)
        continue
      }
      let message = try cursor.range(tag)
      builder.arena.append(builder.arena.count == start ? UInt8(ascii: "[") : UInt8(ascii: ","))
      try entityRef(message)
    }
    builder.arena.append(UInt8(ascii: "]"))
    return Slice(start: start, count: builder.arena.count - start)
  }

  /// EntityRef: schema_url 1, type 2, id_keys 3, description_keys 4.
  private mutating func entityRef(_ message: ProtoCursor) throws(ProtoFault) {
    var schemaURL = ProtoOnce(message)
    var type = ProtoOnce(message)
    var idKeys = ProtoRun(message)
    var descriptionKeys = ProtoRun(message)
    var cursor = message
    while !cursor.isAtEnd {
      let start = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 1: schemaURL.note(try cursor.range(tag))
      case 2: type.note(try cursor.range(tag))
      case 3:
        _ = try cursor.range(tag)
        idKeys.note(start, cursor.at)
      case 4:
        _ = try cursor.range(tag)
        descriptionKeys.note(start, cursor.at)
      default: try cursor.skip(tag)
      }
    }
    let start = builder.arena.count
    extText("\"schema_url\":", schemaURL.last, start)
    extText("\"type\":", type.last, start)
    try extTexts("\"id_keys\":", idKeys, 3, start)
    try extTexts("\"description_keys\":", descriptionKeys, 4, start)
    builder.arena.append(builder.arena.count == start ? "{}" : "}")
  }

  /// A text member of an optional object, left out when empty.
  mutating func extText(_ name: StaticString, _ text: ProtoCursor, _ start: Int) {
    guard !text.isAtEnd else { return }
    builder.extKey(name, start)
    if !builder.arena.appendJSONString(text.bytes) { builder.replacedTexts += 1 }
  }

  private mutating func extTexts(
    _ name: StaticString, _ run: ProtoRun, _ field: UInt32, _ start: Int
  ) throws(ProtoFault) {
    guard run.count > 0 else { return }
    builder.extKey(name, start)
    builder.arena.append(UInt8(ascii: "["))
    var first = true
    var cursor = run.cursor
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      guard tag.field == field else {
        try cursor.skip(tag)
        continue
      }
      if !first { builder.arena.append(UInt8(ascii: ",")) }
      first = false
      if !builder.arena.appendJSONString(try cursor.range(tag).bytes) { builder.replacedTexts += 1 }
    }
    builder.arena.append(UInt8(ascii: "]"))
  }

  /// An id as lower hex, left out when it is empty or all zero.
  mutating func extID(_ name: StaticString, _ id: ProtoCursor, _ start: Int) {
    guard id.bytes.contains(where: { $0 != 0 }) else { return }
    builder.extKey(name, start)
    builder.arena.append(UInt8(ascii: "\""))
    builder.arena.appendHex(id.bytes)
    builder.arena.append(UInt8(ascii: "\""))
  }
}
