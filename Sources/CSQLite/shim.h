// What Swift does not import from sqlite3.h: cast macros, variadic functions, subclass structs.
#include <sqlite3.h>
#include <stdint.h>
typedef struct { sqlite3_vtab base; void *owner; } garner_vtab;          // base at offset 0 by the C standard
typedef struct { sqlite3_vtab_cursor base; void *scan; } garner_cursor;
static inline int garner_bind_text(sqlite3_stmt *s, int i, const void *p, int64_t n) {
  return sqlite3_bind_text64(s, i, (const char *)p, (sqlite3_uint64)n, SQLITE_STATIC, SQLITE_UTF8);
}
static inline int garner_bind_blob(sqlite3_stmt *s, int i, const void *p, int64_t n) {
  return sqlite3_bind_blob64(s, i, p, (sqlite3_uint64)n, SQLITE_STATIC);
}
static inline int garner_bind_text_copy(sqlite3_stmt *s, int i, const void *p, int64_t n) {
  return sqlite3_bind_text64(s, i, (const char *)p, (sqlite3_uint64)n, SQLITE_TRANSIENT, SQLITE_UTF8);
}
static inline int garner_bind_blob_copy(sqlite3_stmt *s, int i, const void *p, int64_t n) {
  return sqlite3_bind_blob64(s, i, p, (sqlite3_uint64)n, SQLITE_TRANSIENT);
}
static inline void garner_result_text_copy(sqlite3_context *c, const void *p, int64_t n) {
  sqlite3_result_text64(c, (const char *)p, (sqlite3_uint64)n, SQLITE_TRANSIENT, SQLITE_UTF8);
}
static inline int garner_no_checkpoint_on_close(sqlite3 *d) {
  return sqlite3_db_config(d, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
}
static inline int garner_defensive(sqlite3 *d) {
  return sqlite3_db_config(d, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
}
static inline int garner_untrusted_schema(sqlite3 *d) {
  return sqlite3_db_config(d, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)0);
}
// Before the first connection: statistics of memory cost a global mutex around every allocation.
static inline int garner_configure(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }
// A message for cursor->pVtab->zErrMsg, which SQLite frees with sqlite3_free.
static inline char *garner_message(const char *text) { return sqlite3_mprintf("%s", text); }
