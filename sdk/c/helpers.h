// Helpers beside the bindings: memory that frees itself, text without printf, and failures.
//
// printf and friends are avoided on purpose: they bring in WASI's files and streams, of which a
// plugin has no use. When memory runs out, the helpers trap: the host undoes the handler, and
// delivers its message again.
#ifndef WASMILL_HELPERS_H
#define WASMILL_HELPERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wasmill.h"

// A variable that is freed where its scope ends: `WASMILL_AUTO(wasmill_string) name = {0};`. The
// type is written without its `_t`. It must be initialised.
#define WASMILL_AUTO(type) __attribute__((cleanup(type##_free))) type##_t

// A string of the contract that refers to a literal, or to other text that outlives it.
wasmill_string_t wasmill_str(const char *text);

bool wasmill_string_equals(wasmill_string_t string, const char *text);

// Reads a decimal integer; false if the text is anything else.
bool wasmill_string_integer(wasmill_string_t string, int64_t *integer);

// Text that grows. Begin with `{0}`.
typedef struct wasmill_text_t {
  uint8_t *ptr;
  size_t len;
  size_t capacity;
} wasmill_text_t;

void wasmill_text_add(wasmill_text_t *text, const char *more);
void wasmill_text_add_bytes(wasmill_text_t *text, const uint8_t *ptr, size_t len);
void wasmill_text_add_string(wasmill_text_t *text, wasmill_string_t string);
void wasmill_text_add_integer(wasmill_text_t *text, int64_t integer);
void wasmill_text_free(wasmill_text_t *text);

// The text as arguments of the contract; it stays the text's own.
wasmill_string_t wasmill_text_string(const wasmill_text_t *text);
wasmill_list_u8_t wasmill_text_bytes(const wasmill_text_t *text);

// The text as what the plugin returns, which the bindings free; the text is empty then.
wasmill_string_t wasmill_text_take(wasmill_text_t *text);
wasmill_list_u8_t wasmill_text_take_bytes(wasmill_text_t *text);

// Fails the handler, which returns what these return: `return wasmill_reject(failure, ...);`.
// `subject` is put between backquotes before `why`; it may be empty.
bool wasmill_reject(wasmill_types_failure_t *failure, wasmill_string_t subject, const char *why);
bool wasmill_retry(wasmill_types_failure_t *failure, wasmill_string_t subject, const char *why);

// The integer that the plugin's table in the routes has under this name, or `otherwise` if there is
// none. Anything else there fails the handler with `retry`.
bool wasmill_config_integer(const char *name, int64_t otherwise, int64_t *value,
                            wasmill_types_failure_t *failure);

// Fails the handler with `retry` and the words of a host's error, which is freed.
bool wasmill_retry_error(wasmill_types_failure_t *failure, wasmill_types_error_t *error);

#endif
