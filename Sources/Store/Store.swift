/// Where records live: land in one file, settle into shards by class and day, read all of them as one.
///
/// Invariants
/// 1. `append` returns only after the transaction with rows and receipt is committed and fsynced.
/// 2. One thread writes landing files, one settles them; nobody else writes a data file.
/// 3. A row's `id` is given once, store-wide, and survives settling, compaction and export.
/// 4. A settled file is never changed: it is replaced by rename or unlinked.
/// 5. A file that cannot be read is set aside, counted and named; it never stops a start.
///
/// Never here: NIO, HTTP, the meaning of protocols.
enum StoreRoom {}
