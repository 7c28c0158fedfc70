import Console
package import Store
import Synchronization
import Telemetry

/// `garner status`: the JSON of DESIGN §6, from a running daemon or from the files alone.
package struct StatusReport: Sendable {
  let directory: DataDirectory
  let options: StoreOptions

  package init(directory: DataDirectory, options: StoreOptions) {
    self.directory = directory
    self.options = options
  }

  /// Without a daemon: `ready` false, rates and queues 0.
  package func json(version: String) throws -> String { try json(nil, version) }

  func json(_ live: LiveStatus) throws -> String { try json(live, live.version) }

  private func json(_ live: LiveStatus?, _ version: String) throws -> String {
    let files = try FileList.read(directory)
    let books = try Books.read(directory, countFiles: false)
    let space = FileSystem.space(directory.path)
    let used = FileSystem.allocatedBelow(directory.path, except: [directory.exports, directory.drop])
    let landing = files.filter(\.isLanding).reduce(Int64(0)) { $0 + $1.bytes }
    var storeID = live?.store.storeID ?? ""
    if storeID.isEmpty, FileSystem.exists(directory.state) {
      storeID =
        (try? Connection(directory.state, .readOnly).text("SELECT value FROM counter WHERE name = 'store_id'")) ?? ""
    }
    let now = FileSystem.now()
    let uptime = live.map { max(0, now - $0.started) / 1_000_000_000 } ?? 0
    let records = live?.store.vitals.committedRecords.load(ordering: .relaxed) ?? 0
    let rate = uptime > 0 ? Double(records) / Double(uptime) : 0
    let reserve = live?.store.vitals.reserveBytes.load(ordering: .relaxed) ?? options.reserve(in: directory)
    let queue = live?.store.vitals.queueBytes.load(ordering: .relaxed) ?? 0
    var members: [String] = []
    func add(_ name: String, _ value: String) { members.append("\"\(name)\":\(value)") }
    add("version", JSONText.quoted(version))
    add("store_uuid", JSONText.quoted(storeID))
    add("data_dir", JSONText.quoted(directory.path))
    add("ready", "\(live?.readiness.isReady ?? false)")
    add("uptime_s", "\(uptime)")
    add("records_per_s", "\((rate * 10).rounded() / 10)")
    add("queue_bytes", "\(queue)")
    add("bytes", "\(used)")
    add("max_bytes", "\(options.maxBytes ?? -1)")
    add("files", "\(files.count)")
    add("landing_bytes", "\(landing)")
    add("free_bytes", "\(space?.free ?? 0)")
    add("reserve_bytes", "\(reserve)")
    add("classes", "[" + classes(files).joined(separator: ",") + "]")
    add("sources", "[" + sources(books).joined(separator: ",") + "]")
    let rejects = books.rejects.sorted { $0.key < $1.key }
    add(
      "rejects",
      "[" + rejects.map { "{\"reason\":\(JSONText.quoted($0.key)),\"count\":\($0.value)}" }.joined(separator: ",") + "]"
    )
    return "{\(members.joined(separator: ","))}"
  }

  private func classes(_ files: [DataFile]) -> [String] {
    var sums: [String: (rows: Int64, bytes: Int64, oldest: Int64, newest: Int64)] = [:]
    func add(_ name: String, _ rows: Int64, _ bytes: Int64, _ oldest: Int64, _ newest: Int64) {
      var sum = sums[name] ?? (0, 0, .max, .min)
      sum = (sum.rows + rows, sum.bytes + bytes, min(sum.oldest, oldest), max(sum.newest, newest))
      sums[name] = sum
    }
    for file in files {
      if let name = file.className {
        add(name, file.rows, file.bytes, file.minTime, file.maxTime)
      } else if let connection = try? Connection(file.path, .readOnly), let tables = try? connection.landingTables() {
        for table in tables {
          let row = try? connection.rows("SELECT count(*), min(time), max(time) FROM \(Tables.quoted(table))").first
          guard case .integer(let rows)? = row?[0], rows > 0, case .integer(let oldest)? = row?[1],
            case .integer(let newest)? = row?[2]
          else { continue }
          add(String(table.dropFirst("event_".count)), rows, 0, oldest, newest)
        }
      }
    }
    return options.classes.classes.map { entry in
      let sum = sums[entry.name]
      let age = entry.ageNanoseconds.map { JSONText.quoted(DurationText.text(nanoseconds: $0)) } ?? "null"
      let oldest = sum.map { JSONText.quoted(Timestamp.text($0.oldest)) } ?? "null"
      let newest = sum.map { JSONText.quoted(Timestamp.text($0.newest)) } ?? "null"
      return
        "{\"class\":\(JSONText.quoted(entry.name)),\"rows\":\(sum?.rows ?? 0),\"bytes\":\(sum?.bytes ?? 0),\"oldest\":\(oldest),\"newest\":\(newest),\"age\":\(age)}"
    }
  }

  private func sources(_ books: Books) -> [String] {
    books.accounts.filter { !$0.doors.isEmpty }.map { account in
      let doors = account.doors.sorted().joined(separator: ",")
      return
        "{\"source\":\(JSONText.quoted(account.source)),\"door\":\(JSONText.quoted(doors)),\"first_seen\":\(JSONText.quoted(Timestamp.text(account.firstSeen))),\"last_seen\":\(JSONText.quoted(Timestamp.text(account.lastSeen))),\"received\":\(account.received),\"stored\":\(account.stored),\"rejected\":\(account.rejected),\"filtered\":\(account.filtered),\"deduplicated\":\(account.deduplicated)}"
    }
  }
}

/// What only the running daemon knows.
struct LiveStatus: Sendable {
  let store: DataStore
  let readiness: Readiness
  let started: Int64
  let version: String
}
