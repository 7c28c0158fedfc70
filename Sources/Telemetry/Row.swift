/// A range of a batch's arena. `count == 0` is the empty text; absence is said by `Row.Present`.
package struct Slice: Sendable, Equatable {
  package var start: UInt32
  package var count: UInt32

  package init(start: Int, count: Int) {
    self.start = UInt32(start)
    self.count = UInt32(count)
  }

  package static let empty = Slice(start: 0, count: 0)
  package var isEmpty: Bool { count == 0 }
}

/// One row of the table `event`, flat: no references, so that a batch is one allocation and a copy is a memcpy.
///
/// Dictionary fields (`name`, `context`, `stream`, `series`) index the tables of the same batch.
package struct Row: Sendable {
  /// Which of the optional fields are there. Not stored: absent fields are NULL.
  package struct Present: OptionSet, Sendable {
    package let rawValue: UInt16
    // Inlinable, here and below: other rooms test these bits for every row, and a call each was a tenth of the writer.
    @inlinable package init(rawValue: UInt16) { self.rawValue = rawValue }
    @inlinable package static var trace: Present { Present(rawValue: 1 << 0) }
    @inlinable package static var span: Present { Present(rawValue: 1 << 1) }
    @inlinable package static var parent: Present { Present(rawValue: 1 << 2) }
    @inlinable package static var duration: Present { Present(rawValue: 1 << 3) }
    @inlinable package static var auxiliary: Present { Present(rawValue: 1 << 4) }
    @inlinable package static var tick: Present { Present(rawValue: 1 << 5) }
    @inlinable package static var integer: Present { Present(rawValue: 1 << 6) }
    @inlinable package static var double: Present { Present(rawValue: 1 << 7) }
    @inlinable package static var data: Present { Present(rawValue: 1 << 8) }
    @inlinable package static var ext: Present { Present(rawValue: 1 << 9) }
    @inlinable package static var correlation: Present { Present(rawValue: 1 << 10) }
    @inlinable package static var uid: Present { Present(rawValue: 1 << 11) }
    /// The event opens a game or session and tells its module and fingerprint: the writer lets other rows inherit.
    @inlinable package static var teachesContext: Present { Present(rawValue: 1 << 12) }
    /// `session.profile_switch`: the context of its session changes from here on.
    @inlinable package static var switchesContext: Present { Present(rawValue: 1 << 13) }
  }

  /// Row time: a span's start, a log's time (else observed, else arrival), a point's time; ≥ 2^63 is clamped, see `Bits.timeInExt`.
  package var time: Int64 = 0
  /// Span: end − start, wrapping. Others: from `duration_us` and the like, in nanoseconds.
  package var duration: Int64 = 0
  /// Log: observed − time. Point: time − start. Span event: time − its span's start. All wrapping on the unclamped numbers.
  package var auxiliary: Int64 = 0
  package var tick: Int64 = 0
  /// A number point's value: an integer, or the bits of a double (see `present`).
  package var value: Int64 = 0
  /// See `Bits`.
  package var bits: Int64 = 0
  /// 16 bytes in wire order.
  package var trace: (UInt64, UInt64) = (0, 0)
  /// 8 bytes in wire order. A span event has its span's id.
  package var span: UInt64 = 0
  package var parent: UInt64 = 0
  /// JSON object. Span: attributes. Log: attributes and `body`. Span event: attributes. Distribution: count, sum, min, max.
  package var data: Slice = .empty
  /// JSON object with what has no column of its own; see `docs/schema.md`.
  package var ext: Slice = .empty
  package var correlation: Slice = .empty
  package var uid: Slice = .empty
  package var name: Int32 = 0
  package var context: Int32 = 0
  package var stream: Int32 = 0
  package var series: Int32 = -1
  package var kind: RowKind = .log
  package var severity: Severity = .info
  package var present: Present = []

  package init() {}
}

/// The column `bits`: small numbers of a row packed into one integer. The layout is on disk: only add.
///
/// ```
/// bit   span               log                  point     span event
/// 0–3   kind (15: ext)     severity_number      –         0: name was empty
/// 4     status, 2 bits     (5 bits, 31: ext)    –         –
/// 5     (3: ext)           time was 0           –         –
/// 6     ── a time ≥ 2^63: the exact text is in ext "time" ──
/// 7     name was empty     ── attributes named like a key of ours lie in data."attributes" ──
/// 8–39  ── flags ──
/// 40…   event count        40: event_name set   –         –
///                          41: observed was 0
/// ```
package enum Bits {
  package static let timeInExt: Int64 = 1 << 6
  package static let attributesMoved: Int64 = 1 << 7
  /// The row is called `span`, for events need a name; what came had none.
  package static let spanUnnamed: Int64 = 1 << 7
  package static let spanEventUnnamed: Int64 = 1 << 0
  package static let flagsShift: Int64 = 8
  package static let spanKindInExt: Int64 = 15
  package static let spanStatusShift: Int64 = 4
  package static let spanStatusInExt: Int64 = 3
  package static let spanEventCountShift: Int64 = 40
  package static let logSeverityInExt: Int64 = 31
  package static let logTimeWasZero: Int64 = 1 << 5
  package static let logHasEventName: Int64 = 1 << 40
  package static let logObservedWasZero: Int64 = 1 << 41
}
