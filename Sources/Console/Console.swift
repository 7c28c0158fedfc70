/// Where people and machines look: health, metrics; later the API and the pages.
///
/// Invariants
/// 1. Read-only: nothing here changes the store.
/// 2. Health answers from memory: it never waits for a disk.
///
/// Never here: Intake, Forward.
enum ConsoleRoom {}
