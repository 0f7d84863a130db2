#include "json.h"

#include <string.h>

#define DEPTH_MAX 64

// Where one is in a text.
typedef struct {
  const uint8_t *at;
  const uint8_t *end;
} cursor_t;

static bool skip_value(cursor_t *in, int depth);

static bool skip(cursor_t *in, uint8_t byte) {
  if (in->at == in->end || *in->at != byte) {
    return false;
  }
  in->at++;
  return true;
}

static void skip_space(cursor_t *in) {
  while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == '\n' || *in->at == '\r')) {
    in->at++;
  }
}

static bool skip_word(cursor_t *in, const char *word) {
  size_t len = strlen(word);
  if ((size_t)(in->end - in->at) < len || memcmp(in->at, word, len) != 0) {
    return false;
  }
  in->at += len;
  return true;
}

static bool skip_digits(cursor_t *in) {
  const uint8_t *from = in->at;
  while (in->at < in->end && *in->at >= '0' && *in->at <= '9') {
    in->at++;
  }
  return in->at > from;
}

static bool skip_number(cursor_t *in) {
  skip(in, '-');
  if (!skip(in, '0') && !skip_digits(in)) {
    return false;
  }
  if (skip(in, '.') && !skip_digits(in)) {
    return false;
  }
  if (skip(in, 'e') || skip(in, 'E')) {
    if (!skip(in, '+')) {
      skip(in, '-');
    }
    return skip_digits(in);
  }
  return true;
}

static bool read_hex(cursor_t *in, uint32_t *unit) {
  *unit = 0;
  for (int count = 0; count < 4; count++, in->at++) {
    if (in->at == in->end) {
      return false;
    }
    uint8_t digit = *in->at;
    uint8_t letter = digit | 0x20;
    if (digit >= '0' && digit <= '9') {
      *unit = *unit * 16 + (digit - '0');
    } else if (letter >= 'a' && letter <= 'f') {
      *unit = *unit * 16 + (letter - 'a' + 10);
    } else {
      return false;
    }
  }
  return true;
}

// What follows a backslash. A surrogate without its other half is no character.
static bool read_escaped(cursor_t *in, uint32_t *character) {
  if (in->at == in->end) {
    return false;
  }
  switch (*in->at++) {
    case '"': *character = '"'; return true;
    case '\\': *character = '\\'; return true;
    case '/': *character = '/'; return true;
    case 'b': *character = '\b'; return true;
    case 'f': *character = '\f'; return true;
    case 'n': *character = '\n'; return true;
    case 'r': *character = '\r'; return true;
    case 't': *character = '\t'; return true;
    case 'u': break;
    default: return false;
  }
  if (!read_hex(in, character)) {
    return false;
  }
  if (*character < 0xD800 || *character > 0xDFFF) {
    return true;
  }
  uint32_t low;
  bool is_pair = *character < 0xDC00 && skip(in, '\\') && skip(in, 'u') && read_hex(in, &low) &&
                 low >= 0xDC00 && low <= 0xDFFF;
  if (!is_pair) {
    return false;
  }
  *character = 0x10000 + ((*character - 0xD800) << 10) + (low - 0xDC00);
  return true;
}

// A character of more than one byte. Only the shortest form of each counts, and no surrogate.
static bool read_utf8(cursor_t *in, uint8_t first, uint32_t *character) {
  int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  static const uint32_t LEAST[] = {0, 0x80, 0x800, 0x10000};
  if (first < 0xC2 || first > 0xF4) {
    return false;
  }
  *character = first & (0x3F >> more);
  for (int count = 0; count < more; count++, in->at++) {
    if (in->at == in->end || (*in->at & 0xC0) != 0x80) {
      return false;
    }
    *character = (*character << 6) | (*in->at & 0x3F);
  }
  bool is_surrogate = *character >= 0xD800 && *character <= 0xDFFF;
  return *character >= LEAST[more] && *character <= 0x10FFFF && !is_surrogate;
}

// The next character of a string, after its opening quote.
static bool read_character(cursor_t *in, uint32_t *character) {
  if (in->at == in->end || *in->at < 0x20) {
    return false;
  }
  uint8_t first = *in->at++;
  if (first == '\\') {
    return read_escaped(in, character);
  }
  if (first >= 0x80) {
    return read_utf8(in, first, character);
  }
  *character = first;
  return true;
}

static bool skip_string(cursor_t *in) {
  if (!skip(in, '"')) {
    return false;
  }
  uint32_t character;
  while (!skip(in, '"')) {
    if (!read_character(in, &character)) {
      return false;
    }
  }
  return true;
}

// A member's name, and the colon.
static bool skip_name(cursor_t *in) {
  skip_space(in);
  if (!skip_string(in)) {
    return false;
  }
  skip_space(in);
  return skip(in, ':');
}

// What is between brackets: values, or names and values.
static bool skip_items(cursor_t *in, bool named, uint8_t close, int depth) {
  in->at++;
  skip_space(in);
  if (skip(in, close)) {
    return true;
  }
  do {
    if ((named && !skip_name(in)) || !skip_value(in, depth)) {
      return false;
    }
  } while (skip(in, ','));
  return skip(in, close);
}

// A value with the space around it.
static bool skip_value(cursor_t *in, int depth) {
  skip_space(in);
  if (in->at == in->end || depth == DEPTH_MAX) {
    return false;
  }
  bool good;
  switch (*in->at) {
    case '{': good = skip_items(in, true, '}', depth + 1); break;
    case '[': good = skip_items(in, false, ']', depth + 1); break;
    case '"': good = skip_string(in); break;
    case 't': good = skip_word(in, "true"); break;
    case 'f': good = skip_word(in, "false"); break;
    case 'n': good = skip_word(in, "null"); break;
    default: good = skip_number(in);
  }
  skip_space(in);
  return good;
}

static cursor_t cursor_of(wasmill_json_t value) {
  return (cursor_t){value.ptr, value.ptr + value.len};
}

// The value between these, without the space behind it.
static wasmill_json_t value_between(const uint8_t *from, const uint8_t *to) {
  while (to > from && to[-1] <= ' ') {
    to--;
  }
  return (wasmill_json_t){from, to - from};
}

bool wasmill_json_read(wasmill_list_u8_t text, wasmill_json_t *value) {
  cursor_t in = {text.ptr, text.ptr + text.len};
  skip_space(&in);
  const uint8_t *from = in.at;
  if (!skip_value(&in, 0) || in.at != in.end) {
    return false;
  }
  *value = value_between(from, in.end);
  return true;
}

bool wasmill_json_is_object(wasmill_json_t value) {
  return value.len > 0 && *value.ptr == '{';
}

// Whether the string here, which was checked, reads so. It is passed over.
static bool string_equals(cursor_t *in, const char *text) {
  wasmill_json_t string = {in->at, 0};
  skip_string(in);
  string.len = in->at - string.ptr;
  WASMILL_AUTO(wasmill_string) name = {0};
  return wasmill_json_string(string, &name) && wasmill_string_equals(name, text);
}

bool wasmill_json_member(wasmill_json_t object, const char *name, wasmill_json_t *value) {
  cursor_t in = cursor_of(object);
  if (!skip(&in, '{')) {
    return false;
  }
  bool found = false;
  skip_space(&in);
  while (in.at < in.end && *in.at == '"') {
    bool is_wanted = string_equals(&in, name);
    skip_space(&in);
    skip(&in, ':');
    skip_space(&in);
    const uint8_t *from = in.at;
    skip_value(&in, 0);
    if (is_wanted) {
      *value = value_between(from, in.at);
      found = true;
    }
    skip(&in, ',');
    skip_space(&in);
  }
  return found;
}

bool wasmill_json_integer(wasmill_json_t value, int64_t *integer) {
  return wasmill_string_integer((wasmill_string_t){(uint8_t *)value.ptr, value.len}, integer);
}

static void add_utf8(wasmill_text_t *text, uint32_t character) {
  uint8_t bytes[4];
  size_t len = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
  static const uint8_t FIRST[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (size_t at = len - 1; at > 0; at--) {
    bytes[at] = 0x80 | (character & 0x3F);
    character >>= 6;
  }
  bytes[0] = FIRST[len] | character;
  wasmill_text_add_bytes(text, bytes, len);
}

bool wasmill_json_string(wasmill_json_t value, wasmill_string_t *string) {
  cursor_t in = cursor_of(value);
  if (!skip(&in, '"')) {
    return false;
  }
  wasmill_text_t text = {0};
  uint32_t character;
  while (!skip(&in, '"') && read_character(&in, &character)) {
    add_utf8(&text, character);
  }
  *string = wasmill_text_string(&text);
  return true;
}

void wasmill_json_add_string(wasmill_text_t *text, wasmill_string_t string) {
  static const char HEX[] = "0123456789abcdef";
  wasmill_text_add(text, "\"");
  for (size_t at = 0; at < string.len; at++) {
    uint8_t byte = string.ptr[at];
    if (byte == '"' || byte == '\\') {
      wasmill_text_add(text, "\\");
    }
    if (byte < 0x20) {
      char escaped[] = {'\\', 'u', '0', '0', HEX[byte >> 4], HEX[byte & 15], 0};
      wasmill_text_add(text, escaped);
    } else {
      wasmill_text_add_bytes(text, &byte, 1);
    }
  }
  wasmill_text_add(text, "\"");
}
