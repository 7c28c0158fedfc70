import Daemon
import Store

/// How many rows and files a command has changed, whether it or a running daemon did it.
struct RewriteAnswer {
  var rows: Int64
  var files: Int64

  init(rows: Int64, files: Int64) {
    self.rows = rows
    self.files = files
  }

  /// From the daemon's `{"rows": …, "files": …}`; SQLite's JSON functions take it apart.
  init(json: String) throws {
    let numbers = try Connection(":memory:", .create).rows("SELECT ?1 ->> 'rows', ?1 ->> 'files'", .text(json))
    guard case .integer(let rows)? = numbers.first?.first, case .integer(let files)? = numbers.first?.last else {
      throw CommandFailure(.software, "the daemon's answer cannot be read")
    }
    self.init(rows: rows, files: files)
  }

  func write(_ listing: ListingArguments) throws {
    try listing.write(["rows", "files"], [[.integer(rows), .integer(files)]])
  }
}
