import Telemetry

extension ProtoDecoder {
  /// Spans: field 2 of ScopeSpans.
  mutating func spans(_ items: ProtoCursor) throws(ProtoFault) {
    var cursor = items
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      if tag.field == 2 {
        try span(try cursor.range(tag))
        itemIndex &+= 1
      } else {
        try cursor.skip(tag)
      }
    }
  }

  /// Span: trace_id 1, span_id 2, trace_state 3, parent_span_id 4, name 5, kind 6, start 7, end 8, attributes 9,
  /// dropped_attributes 10, events 11, dropped_events 12, links 13, dropped_links 14, status 15, flags 16.
  private mutating func span(_ message: ProtoCursor) throws(ProtoFault) {
    var traceID = ProtoOnce(message)
    var spanID = ProtoOnce(message)
    var parentID = ProtoOnce(message)
    var traceState = ProtoOnce(message)
    var name = ProtoOnce(message)
    var status = ProtoOnce(message)
    var attributes = ProtoRun(message)
    var events = ProtoRun(message)
    var links = ProtoRun(message)
    var kind: Int32 = 0
    var start: UInt64 = 0
    var end: UInt64 = 0
    var droppedAttributes: UInt32 = 0
    var droppedEvents: UInt32 = 0
    var droppedLinks: UInt32 = 0
    var flags: UInt32 = 0
    var cursor = message
    while !cursor.isAtEnd {
      let at = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 1: traceID.note(try cursor.range(tag))
      case 2: spanID.note(try cursor.range(tag))
      case 3: traceState.note(try cursor.range(tag))
      case 4: parentID.note(try cursor.range(tag))
      case 5: name.note(try cursor.range(tag))
      case 6: kind = try cursor.int32(tag)
      case 7: start = try cursor.fixed64(tag)
      case 8: end = try cursor.fixed64(tag)
      case 9:
        _ = try cursor.range(tag)
        attributes.note(at, cursor.at)
      case 10: droppedAttributes = try cursor.uint32(tag)
      case 11:
        _ = try cursor.range(tag)
        events.note(at, cursor.at)
      case 12: droppedEvents = try cursor.uint32(tag)
      case 13:
        _ = try cursor.range(tag)
        links.note(at, cursor.at)
      case 14: droppedLinks = try cursor.uint32(tag)
      case 15: status.note(try cursor.range(tag))
      case 16: flags = try cursor.fixed32(tag)
      default: try cursor.skip(tag)
      }
    }

    limits.fault = limits.ofScope
    var row = Row()
    row.kind = .span
    let startOfSpan = builder.arena.count
    var promoted = Promoted()
    row.data = try self.attributes(attributes, 9, &promoted).slice
    row.present = .ofSpan
    row.setTime(start)
    row.duration = Int64(bitPattern: end &- start)
    let (code, statusMessage) = try self.status(try joined(status, 15, of: message))
    row.severity = code == 2 ? .error : .info
    row.bits = kind >= 0 && kind < 15 ? Int64(kind) : Bits.spanKindInExt
    row.bits |= (code >= 0 && code < 3 ? Int64(code) : Bits.spanStatusInExt) << Bits.spanStatusShift
    row.bits |= Int64(flags) << Bits.flagsShift

    let ext = builder.arena.count
    if row.bits & 15 == Bits.spanKindInExt {
      builder.extKey("\"kind\":", ext)
      builder.arena.appendInteger(Int64(kind))
    }
    if code < 0 || code > 2 {
      builder.extKey("\"status\":", ext)
      builder.arena.appendInteger(Int64(code))
    }
    extText("\"status_message\":", statusMessage, ext)
    extText("\"trace_state\":", traceState.last, ext)
    try self.links(links, ext)
    builder.extCount("\"dropped_attributes_count\":", droppedAttributes, ext)
    builder.extCount("\"dropped_events_count\":", droppedEvents, ext)
    builder.extCount("\"dropped_links_count\":", droppedLinks, ext)
    builder.extTime(start, &row, ext)
    builder.endExt(&row, ext)

    guard let trace = self.traceID(traceID.last), let span = self.spanID(spanID.last),
      parentID.last.isAtEnd || parentID.last.count == 8
    else {
      // Walked all the same: what is malformed is refused as a whole, whatever its ids.
      try self.events(events, of: row, start: start, Promoted(), kept: false)
      rejectSpan(traceID.last, spanID.last, parentID.last, name.last, row, from: startOfSpan)
      return
    }
    if let reason = refusal(row.data) {
      try self.events(events, of: row, start: start, Promoted(), kept: false)
      rejectSpan(traceID.last, spanID.last, parentID.last, name.last, row, from: startOfSpan, because: reason)
      return
    }
    if isFull(adding: 1 &+ events.count) {
      builder.arena.truncate(to: startOfSpan)
      return rejectForSize()
    }
    row.trace = trace
    row.span = span
    if let parent = self.spanID(parentID.last) {
      row.parent = parent
      row.present.insert(.parent)
    }
    row.name = builder.internName(event: builder.appendText(name.last.bytes), promoted: promoted, fallback: "span")
    if name.last.bytes.isEmpty { row.bits |= Bits.spanUnnamed }
    // The column has 23 bits; more events than that do not fit into a request.
    row.bits |= Int64(min(events.count, 0x7f_ffff)) << Bits.spanEventCountShift
    builder.append(&row, promoted: promoted)
    if events.count > 0 {
      let first = builder.rows.count - 1
      try self.events(events, of: row, start: start, promoted.inherited, kept: true)
      if let reason = limits.fault { takeBack(from: first, because: reason) }
    }
  }

  /// Refuses the span whose rows begin at `first` for what one of its events has. The arena keeps what was written: names
  /// and contexts may point there.
  @inline(never)
  private mutating func takeBack(from first: Int, because reason: Rejection.Reason) {
    builder.takeBackRecord(from: first)
    let path = "resourceSpans[\(resourceIndex)].scopeSpans[\(scopeIndex)].spans[\(itemIndex)].events"
    builder.reject(reason, path: path, record: "")
  }

  /// Status: message 2, code 3.
  @inline(__always)
  private func status(_ message: ProtoCursor) throws(ProtoFault) -> (code: Int32, message: ProtoCursor) {
    var text = ProtoOnce(message)
    var code: Int32 = 0
    var cursor = message
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      switch tag.field {
      case 2: text.note(try cursor.range(tag))
      case 3: code = try cursor.int32(tag)
      default: try cursor.skip(tag)
      }
    }
    return (code, text.last)
  }

  // MARK: events

  private mutating func events(
    _ run: ProtoRun, of span: Row, start: UInt64, _ inherited: Promoted, kept: Bool
  ) throws(ProtoFault) {
    var cursor = run.cursor
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      if tag.field == 11 {
        try event(try cursor.range(tag), of: span, start: start, inherited, kept: kept)
      } else {
        try cursor.skip(tag)
      }
    }
  }

  /// Event: time 1, name 2, attributes 3, dropped_attributes_count 4.
  private mutating func event(
    _ message: ProtoCursor, of span: Row, start: UInt64, _ inherited: Promoted, kept: Bool
  ) throws(ProtoFault) {
    var name = ProtoOnce(message)
    var attributes = ProtoRun(message)
    var time: UInt64 = 0
    var dropped: UInt32 = 0
    var cursor = message
    while !cursor.isAtEnd {
      let at = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 1: time = try cursor.fixed64(tag)
      case 2: name.note(try cursor.range(tag))
      case 3:
        _ = try cursor.range(tag)
        attributes.note(at, cursor.at)
      case 4: dropped = try cursor.uint32(tag)
      default: try cursor.skip(tag)
      }
    }
    var row = Row()
    row.kind = .spanEvent
    row.trace = span.trace
    row.span = span.span
    row.present = .ofSpanEvent
    row.setTime(time)
    row.auxiliary = Int64(bitPattern: time &- start)
    var promoted = inherited
    let (data, moved) = try self.attributes(attributes, 3, &promoted, reserved: .spanEvent)
    row.data = data
    if moved { row.bits |= Bits.attributesMoved }
    let ext = builder.arena.count
    builder.extCount("\"dropped_attributes_count\":", dropped, ext)
    builder.extTime(time, &row, ext)
    builder.endExt(&row, ext)
    guard kept else { return }
    row.name = builder.internName(event: builder.appendText(name.last.bytes), promoted: promoted, fallback: "span")
    if name.last.bytes.isEmpty { row.bits |= Bits.spanEventUnnamed }
    builder.append(&row, promoted: promoted)
  }

  // MARK: links

  private mutating func links(_ run: ProtoRun, _ ext: Int) throws(ProtoFault) {
    guard run.count > 0 else { return }
    builder.extKey("\"links\":[", ext)
    var first = true
    var cursor = run.cursor
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      guard tag.field == 13 else {
        try cursor.skip(tag)
        continue
      }
      if !first { builder.arena.append(UInt8(ascii: ",")) }
      first = false
      try link(try cursor.range(tag))
    }
    builder.arena.append(UInt8(ascii: "]"))
  }

  /// Link: trace_id 1, span_id 2, trace_state 3, attributes 4, dropped_attributes_count 5, flags 6. Ids are kept as they are.
  private mutating func link(_ message: ProtoCursor) throws(ProtoFault) {
    var traceID = ProtoOnce(message)
    var spanID = ProtoOnce(message)
    var traceState = ProtoOnce(message)
    var attributes = ProtoRun(message)
    var dropped: UInt32 = 0
    var flags: UInt32 = 0
    var cursor = message
    while !cursor.isAtEnd {
      let at = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 1: traceID.note(try cursor.range(tag))
      case 2: spanID.note(try cursor.range(tag))
      case 3: traceState.note(try cursor.range(tag))
      case 4:
        _ = try cursor.range(tag)
        attributes.note(at, cursor.at)
      case 5: dropped = try cursor.uint32(tag)
      case 6: flags = try cursor.fixed32(tag)
      default: try cursor.skip(tag)
      }
    }
    let start = builder.arena.count
    extID("\"trace_id\":", traceID.last, start)
    extID("\"span_id\":", spanID.last, start)
    extText("\"trace_state\":", traceState.last, start)
    builder.extCount("\"flags\":", flags, start)
    if attributes.count > 0 {
      builder.extKey("\"attributes\":", start)
      _ = try plainAttributes(attributes, 4)
    }
    builder.extCount("\"dropped_attributes_count\":", dropped, start)
    builder.arena.append(builder.arena.count == start ? "{}" : "}")
  }

  // MARK: refusal

  /// Refuses the span that was written from `start` on, which is given back.
  @inline(never)
  private mutating func rejectSpan(
    _ traceID: ProtoCursor, _ spanID: ProtoCursor, _ parentID: ProtoCursor, _ name: ProtoCursor, _ row: Row,
    from start: Int, because known: Rejection.Reason? = nil
  ) {
    let reason: Rejection.Reason
    let field: String
    if let known {
      reason = known
      field = limitField(known)
    } else if self.traceID(traceID) == nil {
      reason = traceID.isAtEnd || traceID.count == 16 ? .zeroTraceID : .badTraceID
      field = "traceId"
    } else if self.spanID(spanID) == nil {
      reason = spanID.isAtEnd || spanID.count == 8 ? .zeroSpanID : .badSpanID
      field = "spanId"
    } else {
      reason = .badSpanID
      field = "parentSpanId"
    }
    var path = ""
    var record = ""
    if builder.rejections.count < Rejection.limitPerBatch {
      path = "resourceSpans[\(resourceIndex)].scopeSpans[\(scopeIndex)].spans[\(itemIndex)].\(field)"
    }
    if !path.isEmpty && !reason.isLimit {
      let object = builder.arena.count
      extText("\"name\":", name, object)
      extID("\"trace_id\":", traceID, object)
      extID("\"span_id\":", spanID, object)
      extID("\"parent_span_id\":", parentID, object)
      rejectedRow(row, object)
      record = rejectedText(row.data, object)
    }
    builder.arena.truncate(to: start)
    builder.reject(reason, path: path, record: record)
  }

  /// What its row would have had, and its resource and scope: enough to make the record again, but for span events.
  mutating func rejectedRow(_ row: Row, _ object: Int) {
    let numbers: [(StaticString, Int64?)] = [
      ("\"time\":", row.time), ("\"duration\":", row.present.contains(.duration) ? row.duration : nil),
      ("\"auxiliary\":", row.present.contains(.auxiliary) ? row.auxiliary : nil), ("\"bits\":", row.bits),
      ("\"severity\":", Int64(row.severity.rawValue)),
    ]
    for (key, number) in numbers {
      guard let number else { continue }
      builder.extKey(key, object)
      builder.arena.appendInteger(number)
    }
    own("\"ext\":", row.ext, object)
    if let resource = builder.resources.last, resource.attributes.count > 2 {
      own("\"resource\":{\"attributes\":", resource.attributes, object)
      builder.arena.append(UInt8(ascii: "}"))
    }
    guard let scope = builder.streams.last else { return }
    builder.extKey("\"scope\":{\"name\":", object)
    quote(scope.name)
    builder.arena.append(",\"version\":")
    quote(scope.version)
    if scope.attributes.count > 2 {
      builder.arena.append(",\"attributes\":")
      builder.arena.appendOwn(Int(scope.attributes.start), Int(scope.attributes.count))
    }
    builder.arena.append(UInt8(ascii: "}"))
  }

  private mutating func own(_ key: StaticString, _ slice: Slice, _ object: Int) {
    guard slice.count > 0 else { return }
    builder.extKey(key, object)
    builder.arena.appendOwn(Int(slice.start), Int(slice.count))
  }

  private mutating func quote(_ slice: Slice) {
    let text = [UInt8](builder.arena.bytes(Int(slice.start), Int(slice.count)))
    text.withUnsafeBytes { _ = builder.arena.appendJSONString($0) }
  }

  /// Ends the text of a refused record with its attributes.
  mutating func rejectedText(_ attributes: Slice, _ object: Int) -> String {
    builder.extKey("\"attributes\":", object)
    builder.arena.appendOwn(Int(attributes.start), Int(attributes.count))
    builder.arena.append(UInt8(ascii: "}"))
    return String(decoding: builder.arena.bytes(object, builder.arena.count - object), as: UTF8.self)
  }
}

extension Row.Present {
  // Literals of option sets are arrays that are made and taken apart for every row: a quarter of the decoder (perf).
  fileprivate static let ofSpan: Row.Present = [.trace, .span, .duration, .data]
  fileprivate static let ofSpanEvent: Row.Present = [.trace, .span, .auxiliary, .data]
}
