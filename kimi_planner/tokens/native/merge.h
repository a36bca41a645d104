/* What byte-pair merging makes of a piece: again and again the pair that is the token of lowest
 * rank, the leftmost of equals, until no pair is a token. */

#include <stdint.h>
#include <stdlib.h>

typedef struct {
  uint64_t count;
  uint32_t *ranks; /* where to write them, or NULL */
} tokens_t;

static inline void take(tokens_t *out, uint32_t rank) {
  if (out->ranks) out->ranks[out->count] = rank;
  out->count++;
}

/* ------------------------------------------------------------------- pieces of few bytes */

#define FEW 96
#define PLACE_BITS 8
#define LANES 4

/* Part i of a piece: whole characters where merging may begin with them, and bytes elsewhere.
 * Returns how many there are; part i is from start[i] to start[i + 1]. */
static uint32_t split(text_t p, uint32_t size, uint8_t *start) {
  uint32_t parts = 0, at = 0;
  int cut = 0; /* whether some token begins or ends here inside of a character */
  while (at < size) {
    uint32_t next = at + width(p[at]);
    int next_cut = next < size && is_cut(p + next);
    int one = next - at > 1 && !cut && !next_cut && is_whole(p + at);
    do start[parts++] = (uint8_t)at++;
    while (!one && at < next);
    at = next;
    cut = next_cut;
  }
  start[parts] = (uint8_t)size;
  return parts;
}

/* Rank and place of a pair in one number, so that the least is the next to merge. */
#define NO_KEY INT32_MAX

static inline int32_t pair_key(text_t p, uint32_t start, uint32_t end, uint32_t place) {
  uint32_t rank = rank_of(p + start, end - start);
  return rank == NONE ? NO_KEY : (int32_t)(rank << PLACE_BITS | place);
}

static inline int32_t least_of(const int32_t *key, uint32_t lanes) {
  int32_t least[LANES] = {NO_KEY, NO_KEY, NO_KEY, NO_KEY};
  for (uint32_t i = 0; i < lanes; i += LANES)
    for (uint32_t j = 0; j < LANES; j++) least[j] = key[i + j] < least[j] ? key[i + j] : least[j];
  int32_t a = least[0] < least[1] ? least[0] : least[1], b = least[2] < least[3] ? least[2] : least[3];
  return a < b ? a : b;
}

static void merge_few(text_t p, uint32_t size, tokens_t *out) {
  int32_t key[FEW + LANES]; /* of a part with the next */
  uint8_t start[FEW + 1], next[FEW + 1], previous[FEW + 1];
  uint32_t parts = split(p, size, start), left = parts;
  for (uint32_t i = 0; i < parts; i++) {
    next[i] = (uint8_t)(i + 1);
    previous[i + 1] = (uint8_t)i;
    key[i] = i + 1 < parts ? pair_key(p, start[i], start[i + 2], i) : NO_KEY;
  }
  for (uint32_t i = 0; i < LANES; i++) key[parts + i] = NO_KEY;
  for (;;) {
    int32_t least = least_of(key, parts);
    if (least == NO_KEY) break;
    uint32_t at = (uint32_t)least & ((1 << PLACE_BITS) - 1), gone = next[at], after = next[gone];
    left--;
    key[gone] = NO_KEY;
    next[at] = (uint8_t)after;
    previous[after] = (uint8_t)at;
    key[at] = after < parts ? pair_key(p, start[at], start[next[after]], at) : NO_KEY;
    if (at) {
      uint32_t before = previous[at];
      key[before] = pair_key(p, start[before], start[after], before);
    }
  }
  if (!out->ranks) {
    out->count += left;
    return;
  }
  for (uint32_t i = 0; i < parts; i = next[i])
    take(out, rank_of(p + start[i], (uint32_t)(start[next[i]] - start[i])));
}

/* ------------------------------------------------------------------ pieces of many bytes */

/* The same in n log n: a heap of pairs, of which the outdated are passed over. */
typedef struct {
  uint32_t rank, at;
} pair_t;

static inline int goes_before(pair_t a, pair_t b) {
  return a.rank < b.rank || (a.rank == b.rank && a.at < b.at);
}

static void push(pair_t *heap, size_t *filled, pair_t item) {
  size_t i = (*filled)++;
  for (; i && goes_before(item, heap[(i - 1) / 2]); i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
  heap[i] = item;
}

static pair_t pop(pair_t *heap, size_t *filled) {
  pair_t top = heap[0], item = heap[--*filled];
  size_t i = 0, child;
  while ((child = 2 * i + 1) < *filled) {
    if (child + 1 < *filled && goes_before(heap[child + 1], heap[child])) child++;
    if (!goes_before(heap[child], item)) break;
    heap[i] = heap[child];
    i = child;
  }
  heap[i] = item;
  return top;
}

/* Returns 0 if there is no memory, and 1 else. */
static int merge_many(text_t p, uint32_t size, tokens_t *out) {
  uint32_t *links = malloc(3 * (size_t)size * sizeof *links);
  pair_t *heap = malloc(3 * (size_t)size * sizeof *heap); /* each merge adds at most two */
  if (!links || !heap) {
    free(links);
    free(heap);
    return 0;
  }
  uint32_t *next = links, *previous = links + size, *rank = links + 2 * (size_t)size;
  size_t filled = 0;
  for (uint32_t i = 0; i < size; i++) {
    next[i] = i + 1;
    previous[i] = i ? i - 1 : NONE;
    rank[i] = i + 1 < size ? pair_at(p + i) : NONE;
    if (rank[i] != NONE) push(heap, &filled, (pair_t){rank[i], i});
  }
  while (filled) {
    pair_t found = pop(heap, &filled);
    if (rank[found.at] != found.rank) continue;
    uint32_t gone = next[found.at], after = next[gone];
    next[found.at] = after;
    rank[gone] = NONE;
    if (after < size) previous[after] = found.at;
    uint32_t changed[2] = {found.at, previous[found.at]};
    for (int i = 0; i < 2 && changed[i] != NONE; i++) {
      uint32_t at = changed[i], middle = next[at];
      rank[at] = middle < size ? rank_of(p + at, next[middle] - at) : NONE;
      if (rank[at] != NONE) push(heap, &filled, (pair_t){rank[at], at});
    }
  }
  for (uint32_t i = 0; i < size; i = next[i]) take(out, out->ranks ? rank_of(p + i, next[i] - i) : 0);
  free(links);
  free(heap);
  return 1;
}
