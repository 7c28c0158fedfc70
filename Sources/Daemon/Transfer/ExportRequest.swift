package import Store

/// What `garner export` writes.
package enum ExportFormat: String, Sendable, CaseIterable {
  /// A database with the table of the source schema, which an import takes back without loss.
  case sqlite
  /// One object a row, with the thirteen columns and an identity.
  case ndjson
  case csv
  /// One array of objects.
  case json
  /// OTLP/JSON, one request a line; into a folder: a file a signal.
  case otlp
}

/// One export: which rows, in which form, where to.
package struct ExportRequest: Sendable {
  package var format: ExportFormat
  package var filter = RowFilter()
  /// File, or for OTLP an existing folder; `-` is the standard output.
  package var output: String
  /// Nanoseconds since 1970, for the manifest.
  package var now: Int64

  package init(_ format: ExportFormat, to output: String, now: Int64) {
    self.format = format
    self.output = output
    self.now = now
  }
}

package struct ExportSummary: Sendable, Equatable {
  package var rows: Int64 = 0
  package var records: Int64 = 0
  package var bytes: Int64 = 0
  /// Files and rows that could not be read, a sentence each.
  package var warnings: [String] = []
}
