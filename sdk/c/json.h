// JSON, read and written: as much as messages and state need.
#ifndef WASMILL_JSON_H
#define WASMILL_JSON_H

#include "helpers.h"

// A value: a part of a text that was checked, which it does not outlive.
typedef struct wasmill_json_t {
  const uint8_t *ptr;
  size_t len;
} wasmill_json_t;

// Reads a text that is one value and nothing else (RFC 8259, in UTF-8, at most 64 levels deep);
// false if it is not.
bool wasmill_json_read(wasmill_list_u8_t text, wasmill_json_t *value);

bool wasmill_json_is_object(wasmill_json_t value);

// The member of this name, of several the last; false if there is none, or the value is no object.
bool wasmill_json_member(wasmill_json_t object, const char *name, wasmill_json_t *value);

// The integer that the value is; false if it is something else, or does not fit. `4.0` is none.
bool wasmill_json_integer(wasmill_json_t value, int64_t *integer);

// The string that the value is, to be freed; false if it is something else.
bool wasmill_json_string(wasmill_json_t value, wasmill_string_t *string);

// Adds a string with its quotes, escaped.
void wasmill_json_add_string(wasmill_text_t *text, wasmill_string_t string);

#endif
