/* The vocabulary: the rank of a token, and what is known of all tokens together. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "The masks below are for machines that store the lowest byte first."
#endif

#define RANKS 163584
#define SEPARATOR 0xC0 /* in no token but its own, so it can part tokens */
#define NONE UINT32_MAX
#define PADDING 32 /* bytes after a text that are read, and do not count */

static inline uint64_t load64(text_t p) {
  uint64_t value;
  memcpy(&value, p, 8);
  return value;
}

/* The bytes from `from` to `from + 8` of a text of `size` bytes, and zeros after its end. */
static inline uint64_t word(text_t p, uint32_t size, uint32_t from) {
  static const uint64_t KEEP[9] = {
      0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF, 0xFFFFFFFFFF, 0xFFFFFFFFFFFF, 0xFFFFFFFFFFFFFF,
      UINT64_MAX,
  };
  return load64(p + from) & KEEP[size <= from ? 0 : size - from < 8 ? size - from : 8];
}

static inline uint64_t mixed(uint64_t value) {
  value *= 0x9E3779B97F4A7C15u; /* 2 to the 64th over the golden ratio */
  value ^= value >> 32;
  return value * 0xD6E8FEB86659FD93u; /* an odd number with evenly spread bits */
}

static inline int has(const uint64_t *set, uint32_t i) { return set[i >> 6] >> (i & 63) & 1; }

static inline void put(uint64_t *set, uint32_t i) { set[i >> 6] |= 1ull << (i & 63); }

/* ------------------------------------------------------------------------------ ranks */

/* Tokens of up to INLINE bytes are kept in their slot, the few longer ones (3,839) beside. Most of
 * what merging asks for is no token; a set of hashes that stays in the nearer cache says so. */
#define INLINE 12
#define SHORT_BITS 19
#define LONG_BITS 13
#define MAYBE_BITS 21
#define RANK_BITS 18

typedef struct {
  uint64_t head;
  uint32_t tail, size_rank; /* size << RANK_BITS | rank; 0 where the slot is free */
} short_slot;

typedef struct {
  text_t token;
  uint32_t size, rank;
} long_slot;

static short_slot *shorts;
static long_slot longs[1 << LONG_BITS];
static uint64_t maybe[1 << (MAYBE_BITS - 6)];
static uint32_t byte_rank[1 << 8], pair_rank[1 << 16], longest;

static inline uint32_t pair_at(text_t p) { return pair_rank[p[0] | p[1] << 8]; }

static inline short_slot short_key(text_t p, uint32_t size) {
  return (short_slot){word(p, size, 0), (uint32_t)word(p, size, 8), size << RANK_BITS};
}

static inline uint32_t short_hash(short_slot key) {
  uint64_t all = key.head ^ (uint64_t)key.tail << 29 ^ key.size_rank;
  return (uint32_t)(mixed(all) >> (64 - MAYBE_BITS));
}

static inline uint32_t long_hash(text_t p, uint32_t size) {
  uint64_t ends = mixed(load64(p)) ^ load64(p + size - 8) ^ size;
  return (uint32_t)(mixed(ends) >> (64 - LONG_BITS));
}

static uint32_t long_rank(text_t p, uint32_t size) {
  if (size > longest) return NONE;
  for (uint32_t i = long_hash(p, size); longs[i].token; i = (i + 1) & ((1 << LONG_BITS) - 1))
    if (longs[i].size == size && !memcmp(longs[i].token, p, size)) return longs[i].rank;
  return NONE;
}

static inline uint32_t short_rank(text_t p, uint32_t size) {
  short_slot key = short_key(p, size);
  uint32_t hash = short_hash(key), i = hash >> (MAYBE_BITS - SHORT_BITS);
  if (!has(maybe, hash)) return NONE;
  for (; shorts[i].size_rank; i = (i + 1) & ((1 << SHORT_BITS) - 1))
    if (shorts[i].head == key.head && shorts[i].tail == key.tail &&
        shorts[i].size_rank >> RANK_BITS == size)
      return shorts[i].size_rank & ((1 << RANK_BITS) - 1);
  return NONE;
}

/* The rank of these bytes, or NONE if they are no token. */
static inline uint32_t rank_of(text_t p, uint32_t size) {
  if (size == 1) return byte_rank[*p];
  if (size == 2) return pair_at(p);
  return size > INLINE ? long_rank(p, size) : short_rank(p, size);
}

static void add_token(text_t p, uint32_t size, uint32_t rank) {
  if (size == 1) byte_rank[*p] = rank;
  if (size == 2) pair_rank[p[0] | p[1] << 8] = rank;
  if (size > longest) longest = size;
  if (size > INLINE) {
    uint32_t i = long_hash(p, size);
    while (longs[i].token) i = (i + 1) & ((1 << LONG_BITS) - 1);
    longs[i] = (long_slot){p, size, rank};
    return;
  }
  short_slot key = short_key(p, size);
  uint32_t hash = short_hash(key), i = hash >> (MAYBE_BITS - SHORT_BITS);
  while (shorts[i].size_rank) i = (i + 1) & ((1 << SHORT_BITS) - 1);
  key.size_rank |= rank;
  shorts[i] = key;
  put(maybe, hash);
}

/* ------------------------------------------------------- where no token holds both sides */

#define BESIDE_BITS 20
static uint64_t beside[1 << (BESIDE_BITS - 6)]; /* hashes of whole characters in one token */
static uint64_t beside_cut[1 << (16 - 6)];      /* the bytes beside, where a token holds a part of either */

static inline uint32_t beside_hash(uint32_t left, uint32_t right) {
  return (uint32_t)(mixed((uint64_t)left << 21 | right) >> (64 - BESIDE_BITS));
}

static inline int is_cut(text_t p) { return has(beside_cut, p[-1] | p[0] << 8); }

/* Whether some token may hold the end of one character and the beginning of the next, at p. */
static inline int may_hold(uint32_t left, uint32_t right, text_t p) {
  return has(beside, beside_hash(left, right)) || is_cut(p);
}

static inline int is_first(uint8_t byte) { return (byte & 0xC0) != 0x80; }

static void note_beside(text_t token, uint32_t size) {
  uint32_t left = 0; /* where the character before begins */
  for (uint32_t at = 1; at < size; at++) {
    if (!is_first(token[at])) continue;
    if (is_first(token[left]) && at + width(token[at]) <= size)
      put(beside, beside_hash(character(token + left), character(token + at)));
    else
      put(beside_cut, token[at - 1] | token[at] << 8);
    left = at;
  }
}

/* --------------------------------------------------- characters that come before the rest */

/* Characters of two or three bytes that are a token, and whose bytes merge at ranks below those of
 * all tokens that hold them and more. Where no token holds a part of such a character and a
 * neighbour (`split` asks), it is merged before all merges that hold it, so merging may begin with
 * it: the others are chosen as before. */
static uint64_t whole[0x10000 / 64];

static inline int is_whole(text_t p) { return *p < 0xF0 && has(whole, character(p)); }

/* The highest rank in merging a character of two or three bytes, or NONE if it is no token. */
static uint32_t whole_after(text_t p, uint32_t size) {
  uint32_t rank = rank_of(p, size);
  if (size == 2 || rank == NONE) return rank;
  uint32_t left = pair_at(p), right = pair_at(p + 1), first = left < right ? left : right;
  return first > rank ? first : rank;
}

static inline int is_character(text_t token, uint32_t size) {
  return (size == 2 || size == 3) && is_first(*token) && width(*token) == size;
}

static void note_whole(text_t token, uint32_t size) {
  if (is_character(token, size) && whole_after(token, size) != NONE) put(whole, character(token));
}

static void note_too_early(text_t token, uint32_t size, uint32_t rank) {
  for (uint32_t at = 0; at < size; at++) {
    uint32_t bytes = width(token[at]);
    if (bytes == size || at + bytes > size || !is_character(token + at, bytes)) continue;
    uint32_t code = character(token + at);
    if (has(whole, code) && rank < whole_after(token + at, bytes))
      whole[code >> 6] &= ~(1ull << (code & 63));
  }
}

/* ---------------------------------------------------------------------------- loading */

/* Memory of zeros; pages of 2 MB where the system has them, since ranks are looked up at random. */
static void *zeros(size_t size) {
  size_t page = 1 << 21, rounded = (size + page - 1) / page * page;
  void *found = aligned_alloc(page, rounded);
  if (!found) return NULL;
#ifdef MADV_HUGEPAGE
  madvise(found, rounded, MADV_HUGEPAGE);
#endif
  return memset(found, 0, size);
}

/* Take the tokens from a stream of them in rank order, each followed by SEPARATOR. Returns how
 * many there were; -1 if there are too many, or no memory. */
static int64_t load_ranks(text_t stream, size_t size) {
  uint8_t *kept = malloc(size + PADDING);
  text_t *tokens = malloc((RANKS + 1) * sizeof *tokens);
  shorts = zeros(sizeof *shorts << SHORT_BITS);
  if (!kept || !tokens || !shorts) return -1;
  memcpy(kept, stream, size);
  memset(kept + size, 0, PADDING);
  memset(pair_rank, 0xFF, sizeof pair_rank);
  uint32_t count = 0;
  text_t end = kept + size, p = kept;
  for (; p < end && count < RANKS; count++) {
    text_t stop = *p == SEPARATOR ? p + 1 : memchr(p, SEPARATOR, (size_t)(end - p));
    if (!stop) return -1;
    add_token(p, (uint32_t)(stop - p), count);
    tokens[count] = p;
    p = stop + 1;
  }
  if (p != end) return -1;
  tokens[count] = end;
#define SIZE(rank) ((uint32_t)(tokens[rank + 1] - tokens[rank]) - 1)
  for (uint32_t rank = 0; rank < count; rank++) {
    note_beside(tokens[rank], SIZE(rank));
    note_whole(tokens[rank], SIZE(rank));
  }
  for (uint32_t rank = 0; rank < count; rank++) note_too_early(tokens[rank], SIZE(rank), rank);
  free(tokens);
  return count;
}
