import Telemetry

extension ProtoDecoder {
  /// Log records: field 2 of ScopeLogs.
  mutating func logs(_ items: ProtoCursor) throws(ProtoFault) {
    var cursor = items
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      if tag.field == 2 {
        let record = try cursor.range(tag)
        if isFull() { rejectForSize() } else { try log(record) }
        itemIndex &+= 1
      } else {
        try cursor.skip(tag)
      }
    }
  }

  /// LogRecord: time 1, severity_number 2, severity_text 3, body 5, attributes 6, dropped_attributes_count 7, flags 8,
  /// trace_id 9, span_id 10, observed_time 11, event_name 12.
  private mutating func log(_ message: ProtoCursor) throws(ProtoFault) {
    var severityText = ProtoOnce(message)
    var body = ProtoOnce(message)
    var traceID = ProtoOnce(message)
    var spanID = ProtoOnce(message)
    var eventName = ProtoOnce(message)
    var attributes = ProtoRun(message)
    var time: UInt64 = 0
    var observed: UInt64 = 0
    var severityNumber: Int32 = 0
    var dropped: UInt32 = 0
    var flags: UInt32 = 0
    var cursor = message
    while !cursor.isAtEnd {
      let at = cursor.at
      let tag = try cursor.tag()
      switch tag.field {
      case 1: time = try cursor.fixed64(tag)
      case 2: severityNumber = try cursor.int32(tag)
      case 3: severityText.note(try cursor.range(tag))
      case 5: body.note(try cursor.range(tag))
      case 6:
        _ = try cursor.range(tag)
        attributes.note(at, cursor.at)
      case 7: dropped = try cursor.uint32(tag)
      case 8: flags = try cursor.fixed32(tag)
      case 9: traceID.note(try cursor.range(tag))
      case 10: spanID.note(try cursor.range(tag))
      case 11: observed = try cursor.fixed64(tag)
      case 12: eventName.note(try cursor.range(tag))
      default: try cursor.skip(tag)
      }
    }

    limits.fault = limits.ofScope
    let start = builder.arena.count
    var row = Row()
    row.kind = .log
    row.present = .data
    row.setLogTimes(time, observed, now: builder.options.now)
    var promoted = Promoted()
    var mark = builder.beginObject()
    if body.count > 0 {
      builder.ownKey("body", in: &mark)
      let body = try joined(body, 5, of: message)
      if body.count > ProtoLimits.valueBytes { measure(body) }
      try value(body, depth: 0)
    }
    try self.attributes(attributes, 6, &promoted, .log, in: &mark)
    let (data, moved) = builder.endAttributes(mark, reserved: .log)
    row.data = data
    if moved { row.bits |= Bits.attributesMoved }
    let reason = refusal(data)
    // Ids that cannot be are no link, and no reason to lose the record (CONFORMANCE LOG-05).
    if let trace = self.traceID(traceID.last) {
      row.trace = trace
      row.present.insert(.trace)
    }
    if let span = self.spanID(spanID.last) {
      row.span = span
      row.present.insert(.span)
    }
    row.severity = Severity(number: Int64(severityNumber)) ?? Severity(text: severityText.last.bytes) ?? .info
    row.bits |= severityNumber >= 0 && severityNumber < 31 ? Int64(severityNumber) : Bits.logSeverityInExt
    row.bits |= Int64(flags) << Bits.flagsShift

    let ext = builder.arena.count
    if row.bits & 31 == Bits.logSeverityInExt {
      builder.extKey("\"severity_number\":", ext)
      builder.arena.appendInteger(Int64(severityNumber))
    }
    extText("\"severity_text\":", severityText.last, ext)
    builder.extCount("\"dropped_attributes_count\":", dropped, ext)
    builder.extTime(time == 0 ? observed : time, &row, ext)
    builder.endExt(&row, ext)
    if let reason { return rejectLog(reason, row, eventName.last, from: start) }

    let event: Slice
    if eventName.last.isAtEnd {
      event = promoted.event == nil ? .empty : builder.text(promoted.event) ?? .empty
    } else {
      row.bits |= Bits.logHasEventName
      event = builder.appendText(eventName.last.bytes)
    }
    row.name = builder.internName(event: event, promoted: promoted, fallback: "log")
    builder.append(&row, promoted: promoted)
  }
}

extension ProtoDecoder {
  /// Refuses the log that was written from `start` on, which is given back.
  @inline(never)
  private mutating func rejectLog(_ reason: Rejection.Reason, _ row: Row, _ name: ProtoCursor, from start: Int) {
    var path = ""
    var record = ""
    if builder.rejections.count < Rejection.limitPerBatch {
      path = "resourceLogs[\(resourceIndex)].scopeLogs[\(scopeIndex)].logRecords[\(itemIndex)].\(limitField(reason))"
    }
    if !path.isEmpty && !reason.isLimit {
      var row = row
      if !name.isAtEnd { row.bits |= Bits.logHasEventName }
      let object = builder.arena.count
      extText("\"name\":", name, object)
      if row.present.contains(.trace) { rejectedID("\"trace_id\":", row.trace.0, row.trace.1, object) }
      if row.present.contains(.span) { rejectedID("\"span_id\":", row.span, nil, object) }
      rejectedRow(row, object)
      record = rejectedText(row.data, object)
    }
    builder.arena.truncate(to: start)
    builder.reject(reason, path: path, record: record)
  }

  private mutating func rejectedID(_ key: StaticString, _ first: UInt64, _ second: UInt64?, _ object: Int) {
    builder.extKey(key, object)
    builder.arena.append(UInt8(ascii: "\""))
    for word in [first, second].compactMap({ $0 }) { withUnsafeBytes(of: word) { builder.arena.appendHex($0) } }
    builder.arena.append(UInt8(ascii: "\""))
  }
}

extension Row {
  /// Time, else observed time, else arrival (CONFORMANCE LOG-02). `auxiliary` is there when both times are.
  mutating func setLogTimes(_ time: UInt64, _ observed: UInt64, now: Int64) {
    if observed == 0 { bits |= Bits.logObservedWasZero }
    if time != 0 {
      setTime(time)
      if observed != 0 {
        auxiliary = Int64(bitPattern: observed &- time)
        present.insert(.auxiliary)
      }
      return
    }
    bits |= Bits.logTimeWasZero
    if observed != 0 { setTime(observed) } else { self.time = now }
  }
}
