import CSQLite

/// What SQLite's callbacks touch for every row, in plain memory of one cursor: no reference is counted on the way.
struct ScanState {
  /// Stands on the row; nil behind the last one, and while rows are only counted.
  var statement: OpaquePointer?
  /// `xNext` may step the statement itself.
  var steps = false
  /// Rows that are passed on without being looked at, the one the cursor stands on included.
  var counted: Int64 = 0
  /// Of the plan in use.
  var places: UnsafePointer<Int32>?
  var timestampColumn: Int32 = -1
  /// The cursor's own, kept by it.
  let scan: Unmanaged<Scan>

  var isAtEnd: Bool { statement == nil && counted == 0 }
}
