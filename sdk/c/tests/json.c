// What `json.c` and `helpers.c` take, refuse and write. It runs natively, and tells the first line
// whose expectation failed.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define EXPECT(condition)                                   \
  do {                                                      \
    if (!(condition)) {                                     \
      fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
      exit(1);                                              \
    }                                                       \
  } while (0)

// The bindings' own are for the sandbox only.
void wasmill_string_free(wasmill_string_t *string) {
  free(string->ptr);
  *string = (wasmill_string_t){0};
}

void wasmill_types_error_free(wasmill_types_error_t *error) {
  if (error->tag == WASMILL_TYPES_ERROR_LIMIT) {
    wasmill_string_free(&error->val.limit.what);
  } else if (error->tag != WASMILL_TYPES_ERROR_NO_KEY) {
    wasmill_string_free(&error->val.invalid);
  }
}

// The only setting there is; none if it is NULL.
static const char *quiet;

bool wasmill_config_get(wasmill_string_t *name, wasmill_string_t *value) {
  if (quiet == NULL || !wasmill_string_equals(*name, "quiet")) {
    *value = (wasmill_string_t){0};
    return false;
  }
  *value = (wasmill_string_t){(uint8_t *)strdup(quiet), strlen(quiet)};
  return true;
}

// On the heap and of its exact length, so that reading past its end is found out.
static bool reads(const char *text, size_t len) {
  uint8_t *copy = malloc(len > 0 ? len : 1);
  memcpy(copy, text, len);
  wasmill_json_t value;
  bool good = wasmill_json_read((wasmill_list_u8_t){copy, len}, &value);
  free(copy);
  return good;
}

static bool read_text(const char *text, wasmill_json_t *value) {
  return wasmill_json_read((wasmill_list_u8_t){(uint8_t *)text, strlen(text)}, value);
}

static void texts_are_taken_or_refused(void) {
  static const char *const GOOD[] = {
      "{}",         " [ ] ",      "0",        "-0",       "-12.5e+3",  "1E9",
      "true",       "null",       "\"\"",     "\"\xc3\xa9\"", "[1,[2],{}]", "{\"a\":1,\"a\":2}",
      "\"\\u0041\\n\\/\"", "\"\\ud83d\\ude00\"", "\t{\r\n\"a\" : [ null , false ] } \n",
  };
  static const char *const BAD[] = {
      "",       " ",       "{",       "}",         "[1,]",       "{\"a\":1,}", "{\"a\" 1}",
      "{a:1}",  "{1:2}",   "01",      "-",         "+1",         "1.",         ".5",
      "1e",     "0x1",     "tru",     "truex",     "nul",        "\"",         "\"\\\"",
      "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ude00\"", "\"\\ud800\\u0041\"",
      "\"\n\"", "\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"",
      "1 2",    "[1 2]",   "{} {}",   "\xef\xbb\xbf{}", "'a'",    "NaN",        "[,1]",
  };
  for (size_t at = 0; at < sizeof GOOD / sizeof *GOOD; at++) {
    EXPECT(reads(GOOD[at], strlen(GOOD[at])) || fprintf(stderr, "%s\n", GOOD[at]) < 0);
    // No beginning of an object, list or string is a whole one, nor reads past its end.
    for (size_t len = 0; len < strlen(GOOD[at]); len++) {
      bool whole = reads(GOOD[at], len);
      EXPECT(!whole || strchr("{[\"", GOOD[at][0]) == NULL);
    }
  }
  for (size_t at = 0; at < sizeof BAD / sizeof *BAD; at++) {
    EXPECT(!reads(BAD[at], strlen(BAD[at])) || fprintf(stderr, "%s\n", BAD[at]) < 0);
  }
  EXPECT(!reads("\0", 1));
  char deep[130];
  memset(deep, '[', 65);
  memset(deep + 65, ']', 65);
  EXPECT(reads(deep + 1, 128));
  EXPECT(!reads(deep, 130));
}

static void members_are_found_by_their_names(void) {
  wasmill_json_t object, value;
  EXPECT(read_text("{\"a\":{\"b\":7},\"b\" : 8 ,\"\\u0063\":[9],\"d\":1,\"d\":2}", &object));
  int64_t integer;
  EXPECT(wasmill_json_member(object, "b", &value) && wasmill_json_integer(value, &integer));
  EXPECT(integer == 8);
  EXPECT(wasmill_json_member(object, "c", &value) && value.len == 3);
  EXPECT(wasmill_json_member(object, "d", &value) && wasmill_json_integer(value, &integer));
  EXPECT(integer == 2);
  EXPECT(!wasmill_json_member(object, "e", &value) && !wasmill_json_member(object, "", &value));
  EXPECT(read_text("[\"a\"]", &object) && !wasmill_json_is_object(object));
  EXPECT(!wasmill_json_member(object, "a", &value));
}

static bool integer_of(const char *text, int64_t *integer) {
  wasmill_json_t value;
  return read_text(text, &value) && wasmill_json_integer(value, integer);
}

static void integers_are_exact_or_none(void) {
  int64_t integer;
  EXPECT(integer_of(" 9223372036854775807 ", &integer) && integer == INT64_MAX);
  EXPECT(integer_of("-9223372036854775808", &integer) && integer == INT64_MIN);
  EXPECT(integer_of("-0", &integer) && integer == 0);
  static const char *const NONE[] = {"9223372036854775808", "-9223372036854775809",
                                     "4.0", "1e3", "\"4\"", "true", "null", "[4]"};
  for (size_t at = 0; at < sizeof NONE / sizeof *NONE; at++) {
    EXPECT(!integer_of(NONE[at], &integer));
  }
  EXPECT(!wasmill_string_integer(wasmill_str("-"), &integer));
  EXPECT(!wasmill_string_integer(wasmill_str(""), &integer));
}

static void strings_are_read_as_they_were_written(void) {
  static const char TEXT[] = "a\"\\\x01\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
  WASMILL_AUTO(wasmill_text) json = {0};
  wasmill_json_add_string(&json, wasmill_str(TEXT));
  wasmill_json_t value;
  WASMILL_AUTO(wasmill_string) string = {0};
  EXPECT(wasmill_json_read(wasmill_text_bytes(&json), &value));
  EXPECT(wasmill_json_string(value, &string) && wasmill_string_equals(string, TEXT));
  WASMILL_AUTO(wasmill_string) escaped = {0};
  EXPECT(read_text("\"\\ud83d\\ude00\\u20ac\\u00e9\\t\"", &value));
  EXPECT(wasmill_json_string(value, &escaped));
  EXPECT(wasmill_string_equals(escaped, "\xf0\x9f\x98\x80\xe2\x82\xac\xc3\xa9\t"));
  wasmill_string_t none;
  EXPECT(read_text("7", &value) && !wasmill_json_string(value, &none));
}

static wasmill_string_t heap(const char *text) {
  wasmill_text_t copy = {0};
  wasmill_text_add(&copy, text);
  return wasmill_text_string(&copy);
}

static void failures_tell_their_causes(void) {
  wasmill_types_failure_t failure;
  EXPECT(!wasmill_reject(&failure, wasmill_str("amount"), "is missing"));
  EXPECT(failure.tag == WASMILL_TYPES_FAILURE_REJECT);
  EXPECT(wasmill_string_equals(failure.val.reject, "`amount` is missing"));
  wasmill_string_free(&failure.val.reject);
  wasmill_types_error_t error = {.tag = WASMILL_TYPES_ERROR_LIMIT,
                                 .val.limit = {heap("body bytes"), 10, UINT64_MAX}};
  EXPECT(!wasmill_retry_error(&failure, &error));
  EXPECT(failure.tag == WASMILL_TYPES_FAILURE_RETRY);
  const char *said = "body bytes: 18446744073709551615, the limit is 10";
  EXPECT(wasmill_string_equals(failure.val.retry, said));
  wasmill_string_free(&failure.val.retry);
  error = (wasmill_types_error_t){.tag = WASMILL_TYPES_ERROR_UNKNOWN_TOPIC,
                                  .val.unknown_topic = heap("a.b")};
  EXPECT(!wasmill_retry_error(&failure, &error));
  EXPECT(wasmill_string_equals(failure.val.retry, "unknown topic: a.b"));
  wasmill_string_free(&failure.val.retry);
  WASMILL_AUTO(wasmill_text) text = {0};
  wasmill_text_add_integer(&text, INT64_MIN);
  EXPECT(wasmill_string_equals(wasmill_text_string(&text), "-9223372036854775808"));
}

static void settings_are_integers_or_told(void) {
  static const struct {
    const char *text;
    int64_t value;
  } GOOD[] = {{NULL, 7}, {"0", 0}, {"-5", -5}, {"9223372036854775807", INT64_MAX}};
  static const char *const BAD[] = {"", "1.5", "soon", " 1", "9223372036854775808"};
  wasmill_types_failure_t failure;
  int64_t value;
  for (size_t at = 0; at < sizeof GOOD / sizeof *GOOD; at++) {
    quiet = GOOD[at].text;
    EXPECT(wasmill_config_integer("quiet", 7, &value, &failure) && value == GOOD[at].value);
  }
  for (size_t at = 0; at < sizeof BAD / sizeof *BAD; at++) {
    quiet = BAD[at];
    EXPECT(!wasmill_config_integer("quiet", 7, &value, &failure));
    EXPECT(failure.tag == WASMILL_TYPES_FAILURE_RETRY);
    EXPECT(wasmill_string_equals(failure.val.retry, "`quiet` of the configuration is no integer"));
    wasmill_string_free(&failure.val.retry);
  }
}

static void a_text_that_is_taken_is_empty_then(void) {
  wasmill_text_t text = {0};
  wasmill_text_add(&text, "taken");
  wasmill_string_t taken = wasmill_text_take(&text);
  EXPECT(wasmill_string_equals(taken, "taken") && text.ptr == NULL && text.len == 0);
  wasmill_string_free(&taken);
  wasmill_text_free(&text);
}

int main(void) {
  texts_are_taken_or_refused();
  members_are_found_by_their_names();
  integers_are_exact_or_none();
  strings_are_read_as_they_were_written();
  failures_tell_their_causes();
  settings_are_integers_or_told();
  a_text_that_is_taken_is_empty_then();
  return 0;
}
