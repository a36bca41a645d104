/* Counting the tokens of text with Moonshot's Kimi vocabulary.
 *
 * Texts are valid UTF-8, followed by PADDING bytes that may be read. No call touches Python, so any
 * number of threads may count at a time. A text is cut into pieces (pieces.h); a piece that is no
 * token (ranks.h) is merged (merge.h). What makes it fast changes no count: short pieces that
 * kimi_count merged before are remembered, and a long piece, such as a line of Chinese or Thai, is first cut
 * where no token of the vocabulary could hold both sides. Parts of a piece that are a token count
 * as one without merging, because every token is what merging makes of its own bytes.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pieces.h"
#include "ranks.h"
#include "merge.h"

#define EXPORT __attribute__((visibility("default")))

/* ----------------------------------------------------------------- pieces merged before */

/* Counts of merged pieces of up to SEEN bytes, in one table for each call that runs at a time. */
#define SEEN 28
#define SEEN_BITS 15
#define TABLES 64

typedef struct {
  uint64_t words[3];
  uint32_t tail;
  uint16_t size, count; /* size is 0 where the slot is free */
} seen_slot;

static _Atomic(seen_slot *) seen_tables[TABLES];

static seen_slot *take_table(void) {
  for (int i = 0; i < TABLES; i++) {
    seen_slot *table = atomic_exchange(&seen_tables[i], NULL);
    if (table) return table;
  }
  return calloc(1 << SEEN_BITS, sizeof(seen_slot)); /* NULL: nothing is remembered */
}

static void give_table(seen_slot *table) {
  for (int i = 0; i < TABLES; i++) {
    seen_slot *none = NULL;
    if (atomic_compare_exchange_strong(&seen_tables[i], &none, table)) return;
  }
  free(table);
}

static inline seen_slot seen_key(text_t p, uint32_t size) {
  return (seen_slot){
      .words = {word(p, size, 0), word(p, size, 8), word(p, size, 16)},
      .tail = (uint32_t)word(p, size, 24),
      .size = (uint16_t)size,
  };
}

static inline uint32_t seen_hash(seen_slot key) {
  uint64_t all = mixed(mixed(key.words[0]) ^ key.words[1]) ^ key.words[2];
  return (uint32_t)(mixed(all ^ (uint64_t)key.tail << 32 ^ key.size) >> (64 - SEEN_BITS));
}

/* ------------------------------------------------------------------------------ counting */

/* The functions below return 0 if there is no memory, and 1 else. */
static int count_merged(text_t p, uint32_t size, seen_slot *seen, tokens_t *out) {
  if (size > FEW) return merge_many(p, size, out);
  if (size > SEEN || !seen) {
    merge_few(p, size, out);
    return 1;
  }
  seen_slot key = seen_key(p, size), *slot = seen + seen_hash(key);
  if (memcmp(slot, &key, offsetof(seen_slot, count))) {
    uint64_t already = out->count;
    merge_few(p, size, out);
    key.count = (uint16_t)(out->count - already);
    *slot = key;
  } else {
    out->count += slot->count;
  }
  return 1;
}

static inline int count_part(text_t p, text_t end, seen_slot *seen, tokens_t *out) {
  uint32_t size = (uint32_t)(end - p), rank = rank_of(p, size);
  if (rank == NONE) return count_merged(p, size, seen, out);
  take(out, rank);
  return 1;
}

static int count_long(text_t p, text_t end, seen_slot *seen, tokens_t *out) {
  uint32_t rank = long_rank(p, (uint32_t)(end - p)), left = character(p), right;
  if (rank != NONE) {
    take(out, rank);
    return 1;
  }
  for (text_t at = p + width(*p); at < end; at += width(*at), left = right) {
    right = character(at);
    if ((left | right) < 0x80 || may_hold(left, right, at)) continue;
    if (!count_part(p, at, seen, out)) return 0;
    p = at;
  }
  return count_part(p, end, seen, out);
}

static int count_text(text_t p, text_t end, seen_slot *seen, tokens_t *out) {
  for (text_t next; p < end; p = next) {
    next = piece_end(p, end);
    int done = next - p > INLINE ? count_long(p, next, seen, out) : count_part(p, next, seen, out);
    if (!done) return 0;
  }
  return 1;
}

/* --------------------------------------------------------------------- what Python calls */

/* Changes with what the functions below take and return. */
#define VERSION 1

EXPORT int kimi_version(void) { return VERSION; }

/* Take the vocabulary before all else, see load_ranks; one call at a time, and only the first does. */
EXPORT int64_t kimi_load(text_t stream, uint64_t size) {
  static int64_t loaded;
  if (!loaded) {
    load_classes();
    loaded = load_ranks(stream, size);
  }
  return loaded;
}

/* Write the ranks of a text of `size` bytes; `ranks` has room for that many, or is NULL to count
 * only. Returns how many they are; -1 if there is no memory. */
EXPORT int64_t kimi_encode(text_t text, uint64_t size, uint32_t *ranks) {
  tokens_t out = {0, ranks};
  return count_text(text, text + size, NULL, &out) ? (int64_t)out.count : -1;
}

/* Write the number of tokens of each text; text i of the blob ends at ends[i]. Returns 0; -1 if
 * there is no memory. */
EXPORT int kimi_count(text_t blob, const uint64_t *ends, uint64_t texts, int64_t *counts) {
  seen_slot *seen = take_table();
  text_t start = blob;
  int done = 1;
  for (uint64_t i = 0; i < texts && done; i++) {
    tokens_t out = {0, NULL};
    done = count_text(start, blob + ends[i], seen, &out);
    counts[i] = (int64_t)out.count;
    start = blob + ends[i];
  }
  if (seen) give_table(seen);
  return done ? 0 : -1;
}
