#include "helpers.h"

#include <stdlib.h>
#include <string.h>

wasmill_string_t wasmill_str(const char *text) {
  // The contract's functions do not write to their arguments.
  return (wasmill_string_t){(uint8_t *)text, strlen(text)};
}

bool wasmill_string_equals(wasmill_string_t string, const char *text) {
  return string.len == strlen(text) && memcmp(string.ptr, text, string.len) == 0;
}

bool wasmill_string_integer(wasmill_string_t string, int64_t *integer) {
  bool negative = string.len > 0 && string.ptr[0] == '-';
  size_t at = negative ? 1 : 0;
  if (at == string.len) {
    return false;
  }
  int64_t value = 0;
  for (; at < string.len; at++) {
    int digit = string.ptr[at] - '0';
    if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, negative ? -digit : digit, &value)) {
      return false;
    }
  }
  *integer = value;
  return true;
}

void wasmill_text_add_bytes(wasmill_text_t *text, const uint8_t *ptr, size_t len) {
  size_t wanted;
  if (__builtin_add_overflow(text->len, len, &wanted)) {
    __builtin_trap();
  }
  if (wanted > text->capacity) {
    size_t capacity = wanted > SIZE_MAX / 2 ? wanted : 2 * wanted;
    uint8_t *grown = realloc(text->ptr, capacity);
    if (grown == NULL) {
      __builtin_trap();
    }
    text->ptr = grown;
    text->capacity = capacity;
  }
  if (len > 0) {
    memcpy(text->ptr + text->len, ptr, len);
  }
  text->len = wanted;
}

void wasmill_text_add(wasmill_text_t *text, const char *more) {
  wasmill_text_add_bytes(text, (const uint8_t *)more, strlen(more));
}

void wasmill_text_add_string(wasmill_text_t *text, wasmill_string_t string) {
  wasmill_text_add_bytes(text, string.ptr, string.len);
}

static void add_count(wasmill_text_t *text, uint64_t count) {
  uint8_t digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = '0' + count % 10;
    count /= 10;
  } while (count > 0);
  wasmill_text_add_bytes(text, digits + at, sizeof digits - at);
}

void wasmill_text_add_integer(wasmill_text_t *text, int64_t integer) {
  if (integer < 0) {
    wasmill_text_add(text, "-");
  }
  // The smallest integer has no positive twin among the signed ones.
  add_count(text, integer < 0 ? -(uint64_t)integer : (uint64_t)integer);
}

void wasmill_text_free(wasmill_text_t *text) {
  free(text->ptr);
  *text = (wasmill_text_t){0};
}

wasmill_string_t wasmill_text_string(const wasmill_text_t *text) {
  return (wasmill_string_t){text->ptr, text->len};
}

wasmill_list_u8_t wasmill_text_bytes(const wasmill_text_t *text) {
  return (wasmill_list_u8_t){text->ptr, text->len};
}

wasmill_string_t wasmill_text_take(wasmill_text_t *text) {
  wasmill_string_t taken = wasmill_text_string(text);
  *text = (wasmill_text_t){0};
  return taken;
}

wasmill_list_u8_t wasmill_text_take_bytes(wasmill_text_t *text) {
  wasmill_list_u8_t taken = wasmill_text_bytes(text);
  *text = (wasmill_text_t){0};
  return taken;
}

// A cause, on the heap: the bindings free it.
static wasmill_string_t cause_of(wasmill_string_t subject, const char *why) {
  wasmill_text_t cause = {0};
  if (subject.len > 0) {
    wasmill_text_add(&cause, "`");
    wasmill_text_add_string(&cause, subject);
    wasmill_text_add(&cause, "` ");
  }
  wasmill_text_add(&cause, why);
  return wasmill_text_take(&cause);
}

bool wasmill_reject(wasmill_types_failure_t *failure, wasmill_string_t subject, const char *why) {
  failure->tag = WASMILL_TYPES_FAILURE_REJECT;
  failure->val.reject = cause_of(subject, why);
  return false;
}

bool wasmill_retry(wasmill_types_failure_t *failure, wasmill_string_t subject, const char *why) {
  failure->tag = WASMILL_TYPES_FAILURE_RETRY;
  failure->val.retry = cause_of(subject, why);
  return false;
}

bool wasmill_config_integer(const char *name, int64_t otherwise, int64_t *value,
                            wasmill_types_failure_t *failure) {
  wasmill_string_t asked = wasmill_str(name);
  WASMILL_AUTO(wasmill_string) text = {0};
  *value = otherwise;
  if (!wasmill_config_get(&asked, &text) || wasmill_string_integer(text, value)) {
    return true;
  }
  return wasmill_retry(failure, asked, "of the configuration is no integer");
}

bool wasmill_retry_error(wasmill_types_failure_t *failure, wasmill_types_error_t *error) {
  wasmill_text_t cause = {0};
  switch (error->tag) {
    case WASMILL_TYPES_ERROR_NO_KEY:
      wasmill_text_add(&cause, "the message has no key");
      break;
    case WASMILL_TYPES_ERROR_LIMIT:
      wasmill_text_add_string(&cause, error->val.limit.what);
      wasmill_text_add(&cause, ": ");
      add_count(&cause, error->val.limit.actual);
      wasmill_text_add(&cause, ", the limit is ");
      add_count(&cause, error->val.limit.limit);
      break;
    case WASMILL_TYPES_ERROR_UNKNOWN_TOPIC:
      wasmill_text_add(&cause, "unknown topic: ");
      wasmill_text_add_string(&cause, error->val.unknown_topic);
      break;
    case WASMILL_TYPES_ERROR_INVALID:
      wasmill_text_add(&cause, "invalid: ");
      wasmill_text_add_string(&cause, error->val.invalid);
      break;
    case WASMILL_TYPES_ERROR_UNAVAILABLE:
      wasmill_text_add(&cause, "unavailable: ");
      wasmill_text_add_string(&cause, error->val.unavailable);
      break;
  }
  wasmill_types_error_free(error);
  failure->tag = WASMILL_TYPES_FAILURE_RETRY;
  failure->val.retry = wasmill_text_take(&cause);
  return false;
}
