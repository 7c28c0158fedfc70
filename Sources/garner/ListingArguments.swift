import ArgumentParser
import Daemon

extension TableFormat: ExpressibleByArgument {}

/// How a listing is shown.
struct ListingArguments: ParsableArguments {
  @Option(help: "table, json (an array of objects), ndjson or csv.")
  var format = TableFormat.table

  func write(_ columns: [String], _ rows: [[TableValue]]) throws {
    try TableWriter.write(format, columns: columns, rows: rows) { Output.bytes($0) }
  }

  /// For listings that grow while they are written.
  func writer(_ columns: [String]) -> TableWriter {
    TableWriter(format, columns: columns) { Output.bytes($0) }
  }
}
