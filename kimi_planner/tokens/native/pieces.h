/* Where Moonshot's regular expression cuts a text into pieces.
 *
 * The expression, with letters [^Han] meant wherever letters or marks are named:
 *   [Han]+
 *   | [^\r\n letter number]? [upper]* [lower]+ (contraction)?
 *   | [^\r\n letter number]? [upper]+ [lower]* (contraction)?
 *   | [number]{1,3}
 *   | [ ]? [^space letter number]+ [\r\n]*
 *   | [space]* [\r\n]+ | [space]+ (?! not space) | [space]+
 * where upper is Lu Lt Lm Lo M and lower is Ll Lm Lo M.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "classes.h"

typedef const uint8_t *text_t;

/* The bits of a class; classes.h says which characters have them. */
enum { HAN = 1, UPPER = 2, LOWER = 4, LETTER = 8, NUMBER = 16, SPACE = 32, NEWLINE = 64 };

#define OTHER(bits) (!((bits) & (LETTER | NUMBER | SPACE)))
#define CHARACTERS 0x110000

static uint8_t class_of[CHARACTERS];

static void load_classes(void) {
  size_t runs = sizeof CLASS_RUNS / sizeof *CLASS_RUNS;
  for (size_t i = 0; i < runs; i++) {
    uint32_t end = i + 1 < runs ? CLASS_RUNS[i + 1].first : CHARACTERS;
    memset(class_of + CLASS_RUNS[i].first, CLASS_RUNS[i].bits, end - CLASS_RUNS[i].first);
  }
  class_of['\n'] |= NEWLINE;
  class_of['\r'] |= NEWLINE;
}

/* Bytes of the character that begins with this one. */
static inline uint32_t width(uint8_t first) {
  return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

static inline uint32_t character(text_t p) {
  if (p[0] < 0x80) return p[0];
  if (p[0] < 0xE0) return (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
  if (p[0] < 0xF0) return (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
  return (p[0] & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
}

static inline uint8_t class_at(text_t p) { return class_of[character(p)]; }

/* After 's 't 're 've 'm 'll or 'd in either case; the long s is an s in another case. */
static inline text_t after_contraction(text_t p, text_t end) {
  if (end - p < 2 || *p != '\'') return p;
  if (p[1] == 0xC5 && p[2] == 0xBF) return p + 3;
  uint8_t first = p[1] | 0x20, second = end - p > 2 ? p[2] | 0x20 : 0;
  if (p[1] >= 0x80) return p;
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return p + 2;
  int of_three = (second == 'e' && (first == 'r' || first == 'v')) || (first == 'l' && second == 'l');
  return of_three ? p + 3 : p;
}

/* End of [upper]*[lower]+ from p, or NULL; then `capitals` is the end of [upper]+, or NULL. */
static inline text_t word_end(text_t p, text_t end, text_t *capitals) {
  text_t start = p, last = NULL; /* last: after the last that is both */
  uint8_t bits = 0;
  while (p < end && (bits = class_at(p)) & UPPER) {
    p += width(*p);
    if (bits & LOWER) last = p;
  }
  *capitals = NULL;
  if (p < end && bits & LOWER) {
    do p += width(*p);
    while (p < end && class_at(p) & LOWER);
    return p;
  }
  if (!last && p > start) *capitals = p;
  return last;
}

/* End of the white space from p that is one piece. */
static inline text_t space_end(text_t p, text_t end) {
  text_t start = p, last = p, newline = NULL;
  uint8_t bits;
  while (p < end && (bits = class_at(p)) & SPACE) {
    last = p;
    p += width(*p);
    if (bits & NEWLINE) newline = p;
  }
  if (newline) return newline;
  return p == end || last == start ? p : last; /* the last one goes with what follows */
}

/* End of the piece that begins at p. */
static text_t piece_end(text_t p, text_t end) {
  uint8_t bits = class_at(p);
  text_t next = p + width(*p), capitals, found;
  if (bits & HAN) {
    while (next < end && class_at(next) & HAN) next += width(*next);
    return next;
  }
  if (bits & LETTER) {
    found = word_end(p, end, &capitals);
    return after_contraction(found ? found : capitals, end);
  }
  if (bits & NUMBER) {
    for (int i = 0; i < 2 && next < end && class_at(next) & NUMBER; i++) next += width(*next);
    return next;
  }
  if (!(bits & NEWLINE)) {
    found = word_end(next, end, &capitals);
    if (found) return after_contraction(found, end);
    if (bits & LOWER) { /* a mark, which is a word by itself */
      text_t none;
      return after_contraction(word_end(p, end, &none), end);
    }
    if (capitals) return after_contraction(capitals, end);
  }
  if (OTHER(bits) || (*p == ' ' && next < end && OTHER(class_at(next)))) {
    while (next < end && OTHER(class_at(next))) next += width(*next);
    while (next < end && (*next == '\n' || *next == '\r')) next++;
    return next;
  }
  return space_end(p, end);
}
