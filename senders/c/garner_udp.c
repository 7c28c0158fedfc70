/* Sends events to a Garner daemon over UDP, signed (form B). One file, C99 and POSIX sockets, no allocation, no threads.
 *
 *   garner_udp g;
 *   garner_open(&g, "127.0.0.1", 4319, "7:000102…1f");        the key of `garner token create --udp --source NAME`
 *   garner_context(&g, "g00294", "relay");                    game and component of what follows; "" for none
 *   garner_begin(&g, "relay.tick.process", GARNER_INFO);
 *   garner_tick(&g, 18000);                                   directly behind garner_begin
 *   garner_u64(&g, "order_count", 3);
 *   garner_end(&g);
 *   garner_flush(&g);                                         each 250 ms; a packet without events after 5 s of quiet
 *   garner_close(&g);
 *
 * #include it, or compile it and declare what is not static. With -DGARNER_UDP_MAIN it is a program: PORT KEY COUNT. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { GARNER_TRACE, GARNER_DEBUG, GARNER_INFO, GARNER_WARN, GARNER_ERROR };
enum { GARNER_PACKET = 1200, GARNER_SHAPES = 64, GARNER_FIELDS = 32, GARNER_HEADER = 48, GARNER_TAG = 16 };

typedef struct {
  int socket;
  struct sockaddr_in address;
  uint32_t key_id;
  uint8_t key[32];
  uint64_t boot, sequence, first_event;
  uint32_t dropped;
  uint8_t context[256];
  size_t context_length;
  /* The packet at hand: header, body, room for the tag. */
  uint8_t packet[GARNER_PACKET];
  size_t length, first_at;
  uint16_t count;
  int64_t first_time, last_time, last_tick;
  struct { uint16_t at, length; } shapes[GARNER_SHAPES];
  int shape_count;
  /* The event at hand. */
  uint8_t shape[512], values[GARNER_PACKET];
  size_t shape_length, values_length;
  int fields, failed, has_tick;
  size_t flags_at;
  int64_t time, tick;
} garner_udp;

/* ---- SHA-256 (FIPS 180-4) and HMAC (RFC 2104) ---- */

typedef struct { uint32_t state[8]; uint8_t block[64]; uint64_t length; } garner_sha;

static uint32_t garner_turn(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void garner_sha_block(garner_sha *s, const uint8_t *p) {
  static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
    0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
    0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
    0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2};
  uint32_t w[64], v[8];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
  for (int i = 16; i < 64; i++) {
    uint32_t a = garner_turn(w[i - 15], 7) ^ garner_turn(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t b = garner_turn(w[i - 2], 17) ^ garner_turn(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  memcpy(v, s->state, sizeof v);
  for (int i = 0; i < 64; i++) {
    uint32_t a = garner_turn(v[4], 6) ^ garner_turn(v[4], 11) ^ garner_turn(v[4], 25);
    uint32_t one = v[7] + a + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
    uint32_t b = garner_turn(v[0], 2) ^ garner_turn(v[0], 13) ^ garner_turn(v[0], 22);
    uint32_t two = b + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += one;
    v[0] = one + two;
  }
  for (int i = 0; i < 8; i++) s->state[i] += v[i];
}

static void garner_sha_start(garner_sha *s) {
  static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(s->state, start, sizeof start);
  s->length = 0;
}

static void garner_sha_add(garner_sha *s, const uint8_t *p, size_t n) {
  for (size_t i = 0; i < n; i++) {
    s->block[s->length++ % 64] = p[i];
    if (s->length % 64 == 0) garner_sha_block(s, s->block);
  }
}

static void garner_sha_end(garner_sha *s, uint8_t out[32]) {
  uint64_t bits = s->length * 8;
  uint8_t pad = 0x80, tail[8];
  garner_sha_add(s, &pad, 1);
  for (pad = 0; s->length % 64 != 56;) garner_sha_add(s, &pad, 1);
  for (int i = 0; i < 8; i++) tail[i] = (uint8_t)(bits >> (56 - 8 * i));
  garner_sha_add(s, tail, 8);
  for (int i = 0; i < 32; i++) out[i] = (uint8_t)(s->state[i / 4] >> (24 - 8 * (i % 4)));
}

static void garner_hmac(const uint8_t key[32], const uint8_t *p, size_t n, uint8_t out[32]) {
  uint8_t pad[64];
  garner_sha s;
  for (int i = 0; i < 64; i++) pad[i] = (i < 32 ? key[i] : 0) ^ 0x36;
  garner_sha_start(&s);
  garner_sha_add(&s, pad, 64);
  garner_sha_add(&s, p, n);
  garner_sha_end(&s, out);
  for (int i = 0; i < 64; i++) pad[i] ^= 0x36 ^ 0x5c;
  garner_sha_start(&s);
  garner_sha_add(&s, pad, 64);
  garner_sha_add(&s, out, 32);
  garner_sha_end(&s, out);
}

/* ---- the wire ---- */

static int64_t garner_now(void) {
  struct timeval now;
  gettimeofday(&now, NULL);
  return (int64_t)now.tv_sec * 1000000 + now.tv_usec;
}

static void garner_big(uint8_t *p, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) p[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

static size_t garner_varint(uint8_t *p, uint64_t value) {
  size_t n = 0;
  for (; value >= 0x80; value >>= 7) p[n++] = (uint8_t)value | 0x80;
  p[n++] = (uint8_t)value;
  return n;
}

static uint64_t garner_zigzag(int64_t value) { return (uint64_t)value << 1 ^ (uint64_t)(value >> 63); }

/* Into the shape (`into` 0) or the values of the event at hand. */
static void garner_add(garner_udp *g, int into, const void *p, size_t n) {
  uint8_t *to = into ? g->values : g->shape;
  size_t *at = into ? &g->values_length : &g->shape_length;
  size_t room = into ? sizeof g->values : sizeof g->shape;
  if (n > room - *at) { g->failed = 1; return; }
  memcpy(to + *at, p, n);
  *at += n;
}

static void garner_add_varint(garner_udp *g, int into, uint64_t value) {
  uint8_t bytes[10];
  garner_add(g, into, bytes, garner_varint(bytes, value));
}

static void garner_name(garner_udp *g, const char *name) {
  garner_add_varint(g, 0, (uint64_t)strlen(name) << 1);
  garner_add(g, 0, name, strlen(name));
}

static void garner_field(garner_udp *g, const char *name, char type) {
  if (++g->fields > GARNER_FIELDS) g->failed = 1;
  garner_name(g, name);
  garner_add(g, 0, &type, 1);
}

static void garner_fresh(garner_udp *g) {
  g->length = GARNER_HEADER;
  g->count = 0;
  g->shape_count = 0;
  g->last_tick = 0;
  memcpy(g->packet + g->length, g->context, g->context_length);
  g->length += g->context_length;
}

static void garner_send(garner_udp *g, int flags) {
  int64_t now = garner_now();
  uint8_t tag[32], *p = g->packet;
  if (g->count > 0) {
    /* The first event's distance from now, in the ten bytes kept for it: a varint may be longer than it must. */
    uint64_t delta = garner_zigzag(g->first_time - now);
    for (int i = 0; i < 10; i++) p[g->first_at + i] = (uint8_t)((delta >> 7 * i & 0x7f) | (i < 9 ? 0x80 : 0));
  }
  memcpy(p, "GUB1", 4);
  p[4] = 1;
  p[5] = (uint8_t)flags;
  garner_big(p + 6, g->count, 2);
  garner_big(p + 8, g->key_id, 4);
  garner_big(p + 12, g->boot, 8);
  garner_big(p + 20, g->sequence++, 8);
  garner_big(p + 28, g->first_event, 8);
  garner_big(p + 36, (uint64_t)now, 8);
  garner_big(p + 44, g->dropped, 4);
  garner_hmac(g->key, p, g->length, tag);
  memcpy(p + g->length, tag, GARNER_TAG);
  /* What the kernel does not take is lost like any datagram; the numbers tell the daemon. */
  (void)sendto(g->socket, p, g->length + GARNER_TAG, 0, (struct sockaddr *)&g->address, sizeof g->address);
  g->first_event += g->count;
  garner_fresh(g);
}

/* Puts the event at hand into the packet; 0 when it does not fit. */
static int garner_place(garner_udp *g) {
  uint8_t head[32];
  size_t n = 0, start = g->length;
  int shape = 0;
  while (shape < g->shape_count && (g->shapes[shape].length != g->shape_length ||
                                    memcmp(g->packet + g->shapes[shape].at, g->shape, g->shape_length) != 0))
    shape++;
  size_t defined = shape == g->shape_count ? 4 + g->shape_length : 0;
  if (shape == GARNER_SHAPES || g->count == UINT16_MAX) return 0;
  if (start + defined + sizeof head + g->values_length + GARNER_TAG > GARNER_PACKET) return 0;
  if (defined) {
    g->packet[g->length++] = 3;
    g->length += garner_varint(g->packet + g->length, g->shape_length);
    g->shapes[shape].at = (uint16_t)g->length;
    g->shapes[shape].length = (uint16_t)g->shape_length;
    memcpy(g->packet + g->length, g->shape, g->shape_length);
    g->length += g->shape_length;
    g->shape_count++;
  }
  head[n++] = (uint8_t)(0x40 + shape);
  if (g->count == 0) {
    g->first_at = g->length + n;
    g->first_time = g->time;
    n += 10;
  } else {
    n += garner_varint(head + n, garner_zigzag(g->time - g->last_time));
  }
  if (g->has_tick) {
    n += garner_varint(head + n, garner_zigzag(g->tick - g->last_tick));
    g->last_tick = g->tick;
  }
  memcpy(g->packet + g->length, head, n);
  memcpy(g->packet + g->length + n, g->values, g->values_length);
  g->length += n + g->values_length;
  g->last_time = g->time;
  g->count++;
  return 1;
}

/* ---- what a game calls ---- */

/* 0 on success. `key` is KEY_ID:64 hexadecimal digits; `host` an IPv4 address. */
int garner_open(garner_udp *g, const char *host, int port, const char *key) {
  char *digits;
  memset(g, 0, sizeof *g);
  g->socket = -1;
  g->key_id = (uint32_t)strtoul(key, &digits, 10);
  if (*digits++ != ':' || strlen(digits) != 64) return -1;
  for (int i = 0; i < 32; i++) {
    unsigned byte;
    if (sscanf(digits + 2 * i, "%2x", &byte) != 1) return -1;
    g->key[i] = (uint8_t)byte;
  }
  g->address.sin_family = AF_INET;
  g->address.sin_port = htons((uint16_t)port);
  if (inet_pton(AF_INET, host, &g->address.sin_addr) != 1) return -1;
  int random = open("/dev/urandom", O_RDONLY);
  if (random < 0) return -1;
  ssize_t got = read(random, &g->boot, sizeof g->boot);
  close(random);
  if (got != sizeof g->boot) return -1;
  g->socket = socket(AF_INET, SOCK_DGRAM, 0);
  if (g->socket < 0) return -1;
  fcntl(g->socket, F_SETFL, O_NONBLOCK);
  garner_fresh(g);
  return 0;
}

/* Sends what there is; a heartbeat when there is nothing. */
void garner_flush(garner_udp *g) { garner_send(g, 0); }

/* Game and component of the events that follow; "" for none. */
void garner_context(garner_udp *g, const char *game, const char *component) {
  const char *texts[2] = {game, component};
  uint8_t list[250];
  size_t n = 0;
  if (g->count > 0) garner_send(g, 0);
  for (int i = 0; i < 2; i++) {
    size_t length = strlen(texts[i]);
    if (length == 0 || length > 100) continue;
    list[n++] = i == 0 ? 1 : 6;
    n += garner_varint(list + n, length);
    memcpy(list + n, texts[i], length);
    n += length;
  }
  g->context[0] = 1;
  g->context_length = 1 + garner_varint(g->context + 1, n);
  memcpy(g->context + g->context_length, list, n);
  g->context_length = n > 0 ? g->context_length + n : 0;
  garner_fresh(g);
}

void garner_begin(garner_udp *g, const char *name, int severity) {
  g->shape_length = g->values_length = 0;
  g->fields = g->failed = g->has_tick = 0;
  g->time = garner_now();
  garner_name(g, name);
  g->flags_at = g->shape_length;
  uint8_t flags = (uint8_t)severity;
  garner_add(g, 0, &flags, 1);
}

void garner_tick(garner_udp *g, int64_t tick) {
  g->has_tick = 1;
  g->tick = tick;
  if (g->flags_at < sizeof g->shape) g->shape[g->flags_at] |= 8;
}

void garner_u64(garner_udp *g, const char *name, uint64_t value) {
  garner_field(g, name, 'u');
  garner_add_varint(g, 1, value);
}

void garner_i64(garner_udp *g, const char *name, int64_t value) {
  garner_field(g, name, 'i');
  garner_add_varint(g, 1, garner_zigzag(value));
}

void garner_bool(garner_udp *g, const char *name, int value) { garner_field(g, name, value ? 'T' : 'F'); }

void garner_double(garner_udp *g, const char *name, double value) {
  uint64_t word;
  uint8_t bytes[8];
  memcpy(&word, &value, sizeof word);
  garner_big(bytes, word, 8);
  garner_field(g, name, 'd');
  garner_add(g, 1, bytes, 8);
}

void garner_text(garner_udp *g, const char *name, const char *value) {
  garner_field(g, name, 's');
  /* An odd length would name an earlier text; this sender always writes texts out. */
  garner_add_varint(g, 1, (uint64_t)strlen(value) << 1);
  garner_add(g, 1, value, strlen(value));
}

/* A state hash: kept as text, so that no reader rounds it. */
void garner_hash(garner_udp *g, const char *name, uint64_t value) {
  uint8_t bytes[8];
  garner_big(bytes, value, 8);
  garner_field(g, name, 'h');
  garner_add(g, 1, bytes, 8);
}

/* 0 when the event is too large; it is counted as dropped then. */
int garner_end(garner_udp *g) {
  if (!g->failed) {
    if (garner_place(g)) return 1;
    if (g->count > 0) {
      garner_send(g, 0);
      if (garner_place(g)) return 1;
    }
  }
  if (g->dropped < UINT32_MAX) g->dropped++;
  return 0;
}

/* Sends what is left and says that nothing more will come. */
void garner_close(garner_udp *g) {
  if (g->socket < 0) return;
  if (g->count > 0) garner_send(g, 0);
  garner_send(g, 1);
  close(g->socket);
  g->socket = -1;
}

#ifdef GARNER_UDP_MAIN
int main(int count, char **words) {
  static garner_udp g;
  if (count != 4 || garner_open(&g, "127.0.0.1", atoi(words[1]), words[2]) != 0) return 2;
  garner_context(&g, "g00294", "relay");
  for (int i = 0; i < atoi(words[3]); i++) {
    garner_begin(&g, "relay.tick.process", GARNER_INFO);
    garner_tick(&g, 18000 + i);
    garner_u64(&g, "order_count", (uint64_t)i);
    garner_i64(&g, "drift", -i);
    garner_double(&g, "load", 0.5);
    garner_bool(&g, "stall_detected", i % 2);
    garner_text(&g, "unit", "Mammoth Mk.III");
    garner_hash(&g, "hash_actual", 0xfedcba9876543210u);
    garner_end(&g);
  }
  printf("%016llx\n", (unsigned long long)g.boot);
  garner_close(&g);
  return 0;
}
#endif
