// Counts what users spend, and tells when their tier changes. A user who orders nothing for a
// while is forgotten.
#include "wasmill/helpers.h"
#include "wasmill/json.h"
#include "wasmill/wasmill.h"

#define DAY_MS (24 * 60 * 60 * 1000)
// The largest integer that readers of JSON agree on, in any language.
#define CENTS_MAX ((INT64_C(1) << 53) - 1)

typedef struct {
  int64_t spent;  // Cents.
  int64_t orders;
  const char *tier;
} account_t;

static const char *const TIERS[] = {"bronze", "silver", "gold"};

static bool tier_of(int64_t spent, const char **tier, wasmill_types_failure_t *failure) {
  int64_t silver, gold;
  if (!wasmill_config_integer("silver", 50000, &silver, failure) ||
      !wasmill_config_integer("gold", 200000, &gold, failure)) {
    return false;
  }
  *tier = TIERS[spent >= gold ? 2 : spent >= silver ? 1 : 0];
  return true;
}

// The user's account; an empty one if there is none.
static bool load(account_t *account, bool *found, wasmill_types_failure_t *failure) {
  *account = (account_t){0, 0, TIERS[0]};
  wasmill_string_t name = wasmill_str("account");
  WASMILL_AUTO(wasmill_option_list_u8) stored = {0};
  wasmill_types_error_t error;
  if (!wasmill_state_get(&name, &stored, &error)) {
    return wasmill_retry_error(failure, &error);
  }
  *found = stored.is_some;
  if (!stored.is_some) {
    return true;
  }
  wasmill_json_t object, spent, orders, tier;
  WASMILL_AUTO(wasmill_string) word = {0};
  if (!wasmill_json_read(stored.val, &object) ||
      !wasmill_json_member(object, "spent", &spent) ||
      !wasmill_json_integer(spent, &account->spent) ||
      !wasmill_json_member(object, "orders", &orders) ||
      !wasmill_json_integer(orders, &account->orders) ||
      !wasmill_json_member(object, "tier", &tier) || !wasmill_json_string(tier, &word)) {
    return wasmill_retry(failure, name, "cannot be read");
  }
  for (int at = 0; at < 3; at++) {
    if (wasmill_string_equals(word, TIERS[at])) {
      account->tier = TIERS[at];
    }
  }
  return true;
}

static bool store(const account_t *account, wasmill_types_failure_t *failure) {
  WASMILL_AUTO(wasmill_text) json = {0};
  wasmill_text_add(&json, "{\"spent\":");
  wasmill_text_add_integer(&json, account->spent);
  wasmill_text_add(&json, ",\"orders\":");
  wasmill_text_add_integer(&json, account->orders);
  wasmill_text_add(&json, ",\"tier\":\"");
  wasmill_text_add(&json, account->tier);
  wasmill_text_add(&json, "\"}");
  wasmill_string_t name = wasmill_str("account");
  wasmill_list_u8_t value = wasmill_text_bytes(&json);
  wasmill_types_error_t error;
  return wasmill_state_put(&name, &value, &error) || wasmill_retry_error(failure, &error);
}

// Tells everyone that the user's tier is another one.
static bool tell(wasmill_string_t user, const char *from, const char *to, int64_t spent,
                 wasmill_types_failure_t *failure) {
  WASMILL_AUTO(wasmill_text) line = {0};
  wasmill_text_add_string(&line, user);
  wasmill_text_add(&line, ": ");
  wasmill_text_add(&line, from);
  wasmill_text_add(&line, " -> ");
  wasmill_text_add(&line, to);
  wasmill_string_t said = wasmill_text_string(&line);
  wasmill_log_write(WASMILL_LOG_LEVEL_INFO, &said);

  WASMILL_AUTO(wasmill_text) body = {0};
  wasmill_text_add(&body, "{\"user\":");
  wasmill_json_add_string(&body, user);
  wasmill_text_add(&body, ",\"from\":\"");
  wasmill_text_add(&body, from);
  wasmill_text_add(&body, "\",\"to\":\"");
  wasmill_text_add(&body, to);
  wasmill_text_add(&body, "\",\"spent\":");
  wasmill_text_add_integer(&body, spent);
  wasmill_text_add(&body, "}");
  wasmill_queue_outgoing_t message = {
      .topic = wasmill_str("loyalty.tier"),
      .key = {.is_some = true, .val = user},
      .body = wasmill_text_bytes(&body),
      .when = {.tag = WASMILL_TYPES_DELIVERY_NOW},
  };
  WASMILL_AUTO(wasmill_string) id = {0};
  wasmill_types_error_t error;
  return wasmill_queue_send(&message, &id, &error) || wasmill_retry_error(failure, &error);
}

// Sets the timer of users who order nothing, in place of the one that is pending.
static bool set_quiet(wasmill_types_failure_t *failure) {
  int64_t quiet;
  if (!wasmill_config_integer("quiet", 365LL * DAY_MS, &quiet, failure)) {
    return false;
  }
  if (quiet < 1) {
    return wasmill_retry(failure, wasmill_str("quiet"), "must be at least 1 millisecond");
  }
  wasmill_string_t name = wasmill_str("quiet");
  wasmill_timer_delivery_t when = {.tag = WASMILL_TYPES_DELIVERY_AFTER, .val.after = quiet};
  wasmill_timer_alarm_t alarm = {.topic = wasmill_str("loyalty.quiet")};
  wasmill_types_error_t error;
  return wasmill_timer_set(&name, &when, &alarm, &error) || wasmill_retry_error(failure, &error);
}

static bool on_paid(wasmill_string_t user, wasmill_list_u8_t body,
                    wasmill_types_failure_t *failure) {
  wasmill_json_t order, value;
  WASMILL_AUTO(wasmill_string) order_id = {0};
  int64_t amount;
  if (!wasmill_json_read(body, &order) || !wasmill_json_is_object(order)) {
    return wasmill_reject(failure, wasmill_str("body"), "is no JSON object");
  }
  if (!wasmill_json_member(order, "order_id", &value) || !wasmill_json_string(value, &order_id) ||
      order_id.len == 0) {
    return wasmill_reject(failure, wasmill_str("order_id"), "must be a text that is not empty");
  }
  if (!wasmill_json_member(order, "amount", &value) || !wasmill_json_integer(value, &amount) ||
      amount < 1 || amount > CENTS_MAX) {
    return wasmill_reject(failure, wasmill_str("amount"), "must be from 1 to 2^53 - 1 cents");
  }

  bool is_first;
  wasmill_types_error_t error;
  if (!wasmill_dedup_claim(&order_id, DAY_MS, &is_first, &error)) {
    return wasmill_retry_error(failure, &error);
  }
  if (!is_first) {
    return true;
  }
  account_t account;
  bool found;
  if (!load(&account, &found, failure)) {
    return false;
  }
  if (amount > CENTS_MAX - account.spent) {
    return wasmill_reject(failure, wasmill_str("amount"), "takes what is spent above 2^53 - 1 cents");
  }
  account.spent += amount;
  account.orders += 1;
  const char *before = account.tier;
  if (!tier_of(account.spent, &account.tier, failure) || !store(&account, failure)) {
    return false;
  }
  if (account.tier != before && !tell(user, before, account.tier, account.spent, failure)) {
    return false;
  }
  return set_quiet(failure);
}

static bool on_quiet(wasmill_string_t user, wasmill_types_failure_t *failure) {
  account_t account;
  bool found;
  if (!load(&account, &found, failure)) {
    return false;
  }
  if (found && account.tier != TIERS[0] && !tell(user, account.tier, TIERS[0], 0, failure)) {
    return false;
  }
  wasmill_string_t name = wasmill_str("account");
  wasmill_types_error_t error;
  return wasmill_state_delete(&name, &error) || wasmill_retry_error(failure, &error);
}

static bool handle(const wasmill_types_message_t *message, wasmill_types_failure_t *failure) {
  bool is_paid = wasmill_string_equals(message->topic, "order.paid");
  if (!is_paid && !wasmill_string_equals(message->topic, "loyalty.quiet")) {
    return wasmill_reject(failure, message->topic, "is no topic of this plugin");
  }
  if (!message->key.is_some) {
    return wasmill_reject(failure, message->topic, "needs a key: the user");
  }
  return is_paid ? on_paid(message->key.val, message->body, failure)
                 : on_quiet(message->key.val, failure);
}

// Called with one message. What it did is one commit, or, if it fails, never happened.
bool exports_wasmill_handler_handle(wasmill_types_message_t *message,
                                    wasmill_types_failure_t *failure) {
  bool handled = handle(message, failure);
  wasmill_types_message_free(message);
  return handled;
}
