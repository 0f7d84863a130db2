// A plugin with all exports. A note comes in by its gate; its handler adds it to the key's state, and
// tells of it with a half message that its checker commits; its query reads what there is. An earlier
// version counted notes and kept the number as "seen".
#include <stdlib.h>

#include "wasmill/helpers.h"
#include "wasmill/json.h"
#include "wasmill/wasmill.h"

// A copy on the heap, for the bindings to free.
static wasmill_string_t copied(const char *text) {
  wasmill_string_t copy;
  wasmill_string_dup(&copy, text);
  return copy;
}

static wasmill_string_t value_of(const wasmill_types_header_t *pairs, size_t count,
                                 const char *name) {
  for (size_t at = 0; at < count; at++) {
    if (wasmill_string_equals(pairs[at].f0, name)) {
      return pairs[at].f1;
    }
  }
  return wasmill_str("");
}

// A list of one header.
static wasmill_types_header_t *header(const char *name, const char *value) {
  wasmill_types_header_t *one = malloc(sizeof *one);
  if (one == NULL) {
    __builtin_trap();
  }
  *one = (wasmill_types_header_t){copied(name), copied(value)};
  return one;
}

// The text of a note in JSON, to be freed.
static bool text_of(wasmill_list_u8_t body, wasmill_string_t *text) {
  wasmill_json_t note, value;
  return wasmill_json_read(body, &note) && wasmill_json_member(note, "text", &value) &&
         wasmill_json_string(value, text);
}

static bool refused(exports_wasmill_gate_problem_t *problem, uint16_t status, const char *title,
                    const char *detail) {
  *problem = (exports_wasmill_gate_problem_t){
      status, copied(title), copied(detail), {.is_some = true, .val = copied("text")}};
  return false;
}

bool exports_wasmill_gate_admit(exports_wasmill_gate_request_t *request,
                                exports_wasmill_gate_accepted_t *accepted,
                                exports_wasmill_gate_problem_t *problem) {
  WASMILL_AUTO(wasmill_types_request) freed = *request;
  WASMILL_AUTO(wasmill_string) text = {0};
  if (!text_of(request->body, &text)) {
    return refused(problem, 400, "no note", "send an object with a text");
  }
  if (text.len == 0) {
    return refused(problem, 422, "empty note", "write something");
  }
  WASMILL_AUTO(wasmill_text) user = {0}, body = {0}, answer = {0};
  wasmill_text_add_string(&user, value_of(request->params.ptr, request->params.len, "user"));
  wasmill_text_add_bytes(&body, request->body.ptr, request->body.len);
  wasmill_text_add(&answer, "{\"noted\":true}");
  *accepted = (exports_wasmill_gate_accepted_t){
      .key = {.is_some = true, .val = wasmill_text_take(&user)},
      .dedup_id = {.is_some = true, .val = text},
      .headers = {header("by", "gate"), 1},
      .body = wasmill_text_take_bytes(&body),
      .answer = wasmill_text_take_bytes(&answer),
  };
  text = (wasmill_string_t){0};
  return true;
}

static bool keep(wasmill_types_message_t *message, wasmill_types_failure_t *failure) {
  WASMILL_AUTO(wasmill_string) note = {0};
  WASMILL_AUTO(wasmill_option_list_u8) stored = {0};
  WASMILL_AUTO(wasmill_text) text = {0}, half = {0};
  if (!text_of(message->body, &note)) {
    return wasmill_reject(failure, wasmill_str("text"), "is needed");
  }
  wasmill_string_t name = wasmill_str("text");
  wasmill_types_error_t error;
  if (!wasmill_state_get(&name, &stored, &error)) {
    return wasmill_retry_error(failure, &error);
  }
  if (stored.is_some) {
    wasmill_text_add_bytes(&text, stored.val.ptr, stored.val.len);
    wasmill_text_add(&text, ", ");
  }
  wasmill_text_add_string(&text, note);
  wasmill_list_u8_t value = wasmill_text_bytes(&text);
  if (!wasmill_state_put(&name, &value, &error)) {
    return wasmill_retry_error(failure, &error);
  }
  wasmill_types_outgoing_t told = {.topic = wasmill_str("noted"),
                                   .key = message->key,
                                   .headers = message->headers,
                                   .body = message->body};
  wasmill_text_add(&half, "told ");
  wasmill_text_add_string(&half, message->id);
  wasmill_string_t half_name = wasmill_text_string(&half);
  wasmill_types_half_state_t state;
  return wasmill_transaction_prepare(&half_name, &told, &state, &error) ||
         wasmill_retry_error(failure, &error);
}

bool exports_wasmill_handler_handle(wasmill_types_message_t *message,
                                    wasmill_types_failure_t *failure) {
  bool kept = keep(message, failure);
  wasmill_types_message_free(message);
  return kept;
}

// Puts its decision off once.
void exports_wasmill_checker_check(exports_wasmill_checker_half_t *half,
                                   exports_wasmill_checker_verdict_t *verdict) {
  WASMILL_AUTO(exports_wasmill_checker_half) freed = *half;
  wasmill_string_t by = value_of(half->headers.ptr, half->headers.len, "by");
  verdict->tag = EXPORTS_WASMILL_CHECKER_VERDICT_COMMIT;
  if (half->checks == 0 || !half->key.is_some || !wasmill_string_equals(by, "gate")) {
    WASMILL_AUTO(wasmill_text) why = {0};
    wasmill_text_add(&why, "not told yet: ");
    wasmill_text_add_string(&why, half->name);
    verdict->tag = EXPORTS_WASMILL_CHECKER_VERDICT_UNKNOWN;
    verdict->val.unknown = wasmill_text_take(&why);
  }
}

void exports_wasmill_query_answer(wasmill_string_t *key, exports_wasmill_query_request_t *request,
                                  exports_wasmill_query_response_t *response) {
  WASMILL_AUTO(wasmill_string) freed_key = *key;
  WASMILL_AUTO(wasmill_types_request) freed = *request;
  WASMILL_AUTO(wasmill_option_list_u8) stored = {0};
  *response = (exports_wasmill_query_response_t){.status = 404};
  wasmill_string_t name = wasmill_str("text");
  wasmill_types_error_t error;
  if (!wasmill_state_get(&name, &stored, &error)) {
    wasmill_types_error_free(&error);
    response->status = 500;
    return;
  }
  if (!stored.is_some) {
    return;
  }
  WASMILL_AUTO(wasmill_text) body = {0};
  wasmill_text_add(&body, "{\"text\":");
  wasmill_json_add_string(&body, (wasmill_string_t){stored.val.ptr, stored.val.len});
  wasmill_text_add(&body, ",\"why\":");
  wasmill_json_add_string(&body, value_of(request->query.ptr, request->query.len, "why"));
  wasmill_text_add(&body, "}");
  response->status = 200;
  response->headers.ptr = header("content-type", "application/json");
  response->headers.len = 1;
  response->body = wasmill_text_take_bytes(&body);
  response->settled = true;
}

bool exports_wasmill_migration_migrate(uint32_t from, wasmill_types_failure_t *failure) {
  if (from != 1) {
    return wasmill_reject(failure, wasmill_str("state-version"), "is unknown");
  }
  wasmill_string_t seen = wasmill_str("seen"), text = wasmill_str("text");
  WASMILL_AUTO(wasmill_option_list_u8) stored = {0};
  wasmill_types_error_t error;
  if (!wasmill_state_get(&seen, &stored, &error)) {
    return wasmill_retry_error(failure, &error);
  }
  if (!stored.is_some) {
    return true;
  }
  return (wasmill_state_put(&text, &stored.val, &error) && wasmill_state_delete(&seen, &error)) ||
         wasmill_retry_error(failure, &error);
}
