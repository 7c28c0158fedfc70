import Telemetry

/// Ids of what a landing file already knows: names, contexts, resources, streams, metrics, series.
///
/// Keyed by 128-bit keyed hashes, so a cache is bounded in bytes whatever the texts are. A text that fell out of a full
/// cache gets a second id: harmless, views join by id. Owned by the writer thread.
final class Dictionaries {
  private static let limit = 65_536

  /// Two generations: when the young one is full it becomes the old one. Hits in the old one move to the young one.
  private struct Cache {
    var young: [ReceiptKey: Int64] = [:]
    var old: [ReceiptKey: Int64] = [:]

    mutating func find(_ key: ReceiptKey) -> Int64? {
      if let id = young[key] { return id }
      guard let id = old[key] else { return nil }
      insert(key, id)
      return id
    }

    mutating func insert(_ key: ReceiptKey, _ id: Int64) {
      if young.count >= Dictionaries.limit / 2 {
        old = young
        young = [:]
      }
      young[key] = id
    }
  }

  private let hash = KeyedHash.random()
  private var names = Cache(), contexts = Cache(), resources = Cache()
  private var streams = Cache(), metrics = Cache(), series = Cache()
  private var last: [String: Int64] = [:]
  private let connection: Connection
  private let insertName, insertContext, insertInherits, insertResource, insertStream: Statement
  private let insertMetric, insertSeries: Statement
  private let learned: LearnedContexts

  init(_ connection: Connection, learned: LearnedContexts) throws(SQLiteError) {
    self.connection = connection
    self.learned = learned
    for table in Tables.dictionaryNames {
      last[table] = try connection.integer("SELECT coalesce(max(id), 0) FROM \(table)") ?? 0
    }
    insertName = try connection.prepare("INSERT INTO name VALUES (?,?,?)", persistent: true)
    insertContext = try connection.prepare("INSERT INTO ctx VALUES (?,?,?,?,?,?,?,?)", persistent: true)
    insertInherits = try connection.prepare("INSERT INTO inherits VALUES (?,?,?)", persistent: true)
    insertResource = try connection.prepare("INSERT INTO resource VALUES (?,?,?,?,?)", persistent: true)
    insertStream = try connection.prepare("INSERT INTO stream VALUES (?,?,?,?,?,?,?)", persistent: true)
    insertMetric = try connection.prepare("INSERT INTO metric VALUES (?,?,?,?,?,?,?,?,?)", persistent: true)
    insertSeries = try connection.prepare("INSERT INTO series VALUES (?,?,?,?)", persistent: true)
  }

  /// After a rolled-back transaction the caches name ids that are not there: all is forgotten, ids go on.
  func forget() {
    names = Cache()
    contexts = Cache()
    resources = Cache()
    streams = Cache()
    metrics = Cache()
    series = Cache()
  }

  func forgetContexts() { contexts = Cache() }

  private func next(_ table: String) -> Int64 {
    let id = (last[table] ?? 0) + 1
    last[table] = id
    return id
  }

  private func key(_ batch: Batch, _ number: Int64, _ texts: Slice...) -> ReceiptKey {
    var state = hash.start()
    state.add(UInt64(bitPattern: number))
    for text in texts { state.add(batch.bytes(text)) }
    return state.finish()
  }

  func name(_ batch: Batch, _ name: Batch.Name) throws(SQLiteError) -> Int64 {
    let key = key(batch, 0, name.category, name.event)
    if let id = names.find(key) { return id }
    let id = next("name")
    insertName.bind(1, id)
    insertName.bindText(2, batch.bytes(name.category))
    insertName.bindText(3, batch.bytes(name.event))
    try insertName.run()
    names.insert(key, id)
    return id
  }

  func resource(_ batch: Batch, _ resource: Batch.Resource) throws(SQLiteError) -> Int64 {
    let key = key(
      batch, Int64(resource.droppedAttributes), resource.attributes, resource.schemaURL, resource.entityRefs)
    if let id = resources.find(key) { return id }
    let id = next("resource")
    insertResource.bind(1, id)
    insertResource.bindText(2, batch.bytes(resource.attributes))
    insertResource.bind(3, Int64(resource.droppedAttributes))
    insertResource.bindOptional(4, batch, resource.schemaURL)
    insertResource.bindOptional(5, batch, resource.entityRefs)
    try insertResource.run()
    resources.insert(key, id)
    return id
  }

  func stream(_ batch: Batch, _ stream: Batch.Stream, resource: Int64) throws(SQLiteError) -> Int64 {
    let key = key(
      batch, resource << 32 ^ Int64(stream.droppedAttributes), stream.name, stream.version, stream.attributes,
      stream.schemaURL)
    if let id = streams.find(key) { return id }
    let id = next("stream")
    insertStream.bind(1, id)
    insertStream.bind(2, resource)
    insertStream.bindText(3, batch.bytes(stream.name))
    insertStream.bindText(4, batch.bytes(stream.version))
    insertStream.bindText(5, batch.bytes(stream.attributes))
    insertStream.bind(6, Int64(stream.droppedAttributes))
    insertStream.bindOptional(7, batch, stream.schemaURL)
    try insertStream.run()
    streams.insert(key, id)
    return id
  }

  func metric(_ batch: Batch, _ metric: Batch.Metric) throws(SQLiteError) -> Int64 {
    let shape =
      Int64(metric.type.rawValue) << 40 | (metric.monotonic ? 1 : 0) << 39
      | Int64(UInt32(bitPattern: metric.temporality))
    let key = key(batch, shape, metric.name, metric.unit, metric.description, metric.metadata)
    if let id = metrics.find(key) { return id }
    let id = next("metric")
    insertMetric.bind(1, id)
    insertMetric.bindText(2, batch.bytes(metric.name))
    insertMetric.bind(3, Int64(metric.type.rawValue))
    insertMetric.bindText(4, batch.bytes(metric.unit))
    insertMetric.bindText(5, batch.bytes(metric.description))
    insertMetric.bindOptional(6, batch, metric.metadata)
    insertMetric.bind(7, Int64(metric.temporality))
    insertMetric.bind(8, metric.monotonic ? 1 : 0)
    insertMetric.bind(9, .text(MetricJSON.text(batch, metric)))
    try insertMetric.run()
    metrics.insert(key, id)
    return id
  }

  func series(_ batch: Batch, _ entry: Batch.Series, metric: Int64) throws(SQLiteError) -> Int64 {
    let key = key(batch, metric, entry.attributes)
    if let id = series.find(key) { return id }
    let id = next("series")
    let attributes = batch.bytes(entry.attributes)
    insertSeries.bind(1, id)
    insertSeries.bind(2, metric)
    insertSeries.bindText(3, attributes)
    if let moved = MetricJSON.moved(attributes) {
      insertSeries.bind(4, .text(moved))
    } else {
      insertSeries.bindNull(4)
    }
    try insertSeries.run()
    series.insert(key, id)
    return id
  }

  /// `source` replaces the batch's own when the number of sources is at its limit. `from`: for rows of this time or later,
  /// where what is inherited changes with time; else `.min`. `isWhole`: it inherits nothing, now or later.
  func context(
    _ batch: Batch, _ context: Batch.Context, source: String?, at time: Int64, from: Int64 = .min,
    isWhole: Bool = false
  ) throws(SQLiteError) -> Int64 {
    let key = key(
      batch, isWhole ? 1 : from == .min ? 0 : from, context.source, context.session, context.component, context.gameID,
      context.gameModule, context.modFingerprint)
    if let id = contexts.find(key) { return id }
    let id = next("ctx")
    let name = source ?? batch.text(context.source)
    let known =
      isWhole
      ? LearnedContexts.Facts()
      : learned.find(source: name, session: batch.text(context.session), game: batch.text(context.gameID), at: from)
    insertContext.bind(1, id)
    insertContext.bind(2, .text(name))
    insertContext.bindText(3, batch.bytes(context.session))
    insertContext.bindOptional(4, batch, context.gameID)
    insertContext.bind(5, time)
    insertContext.bindText(6, batch.bytes(context.component))
    if context.gameModule.isEmpty {
      insertContext.bind(7, .optional(known.gameModule))
    } else {
      insertContext.bindText(7, batch.bytes(context.gameModule))
    }
    if context.modFingerprint.isEmpty {
      insertContext.bind(8, .optional(known.modFingerprint))
    } else {
      insertContext.bindText(8, batch.bytes(context.modFingerprint))
    }
    try insertContext.run()
    if !isWhole && (context.gameModule.isEmpty || context.modFingerprint.isEmpty) {
      try inherit(id, module: context.gameModule.isEmpty, fingerprint: context.modFingerprint.isEmpty)
    }
    contexts.insert(key, id)
    return id
  }

  /// Notes which columns of a context are not its own.
  private func inherit(_ id: Int64, module: Bool, fingerprint: Bool) throws(SQLiteError) {
    insertInherits.bind(1, id)
    insertInherits.bind(2, module ? 1 : 0)
    insertInherits.bind(3, fingerprint ? 1 : 0)
    try insertInherits.run()
  }

  /// Id of a context like `id` but for what it inherits.
  func context(like id: Int64, _ facts: LearnedContexts.Facts) throws(SQLiteError) -> Int64 {
    let copy = next("ctx")
    try connection.run(
      """
      INSERT INTO ctx SELECT ?1, source, session, game_id, valid_from, component,
        CASE WHEN i.module THEN ?2 ELSE game_module END, CASE WHEN i.fingerprint THEN ?3 ELSE mod_fingerprint END
      FROM ctx JOIN inherits i ON i.ctx = ctx.id WHERE id = ?4
      """, .integer(copy), .optional(facts.gameModule), .optional(facts.modFingerprint), .integer(id))
    try connection.run(
      "INSERT INTO inherits SELECT ?, module, fingerprint FROM inherits WHERE ctx = ?", .integer(copy), .integer(id))
    return copy
  }
}

extension Statement {
  /// NULL for the empty slice.
  func bindOptional(_ index: Int32, _ batch: Batch, _ slice: Slice) {
    if slice.isEmpty { bindNull(index) } else { bindText(index, batch.bytes(slice)) }
  }
}
