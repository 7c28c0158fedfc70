/// HTTP plumbing that every HTTP door shares: what is let in, how much of it, how long it may take, and how a no is said.
///
/// Invariants
/// 1. Bytes of a body are read only after the budget has admitted them; a refusal before that reads nothing.
/// 2. A body is handed on whole or not at all: a stream that ends early is an error, never a short body.
/// 3. Every answer of 400 and above has a `google.rpc.Status` in the request's encoding; what is not HTTP gets one line.
/// 4. A client that is told to go away can read the answer: the socket is half closed first, then drained, then closed.
///
/// Never here: what a body means, the store, the console's pages.
enum DoorRoom {}
