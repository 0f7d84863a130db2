// The roles that a plugin can have: each makes an export of the component out of the author's
// function.

import { Received } from "./body.js";
import { Problem, describe, failure } from "./errors.js";
import { bytes, content, encodeJson, headerList, optionalText } from "./values.js";

export function handler(handle) {
  return {
    async handle(raw) {
      try {
        await handle(receivedMessage(raw));
      } catch (error) {
        throw refusal(failure(error));
      }
    },
  };
}

export function gate(admit) {
  return {
    async admit(raw) {
      try {
        const accepted = await admit(receivedRequest(raw));
        return {
          key: optionalText(accepted.key, "key"),
          dedupId: optionalText(accepted.dedupId, "dedupId"),
          tag: optionalText(accepted.tag, "tag"),
          headers: headerList(accepted.headers),
          body: content(accepted),
          answer: accepted.answer === undefined ? bytes("", "answer") : encodeJson(accepted.answer, "answer"),
        };
      } catch (error) {
        throw problem(error);
      }
    },
  };
}

export function query(answer) {
  return {
    async answer(key, raw) {
      const response = await answer(key, receivedRequest(raw));
      const { status = 200, headers, settled = false } = response;
      return { status, headers: headerList(headers), body: content(response), settled };
    },
  };
}

export function checker(check) {
  return {
    async check(raw) {
      try {
        const headers = new Map(raw.headers);
        const half = new Received({ ...raw, headers, preparedAt: Number(raw.preparedAt) });
        const verdict = await check(half);
        return verdict === "commit" || verdict === "rollback" ? { tag: verdict } : unknown(verdict.unknown);
      } catch (error) {
        return unknown(describe(error));
      }
    },
  };
}

function unknown(reason) {
  return { tag: "unknown", val: String(reason) };
}

function receivedMessage(raw) {
  const headers = new Map(raw.headers);
  return new Received({ ...raw, headers, producedAt: Number(raw.producedAt) });
}

function receivedRequest(raw) {
  const params = new Map(raw.params);
  const query = new URLSearchParams(raw.query);
  return new Received({ ...raw, params, query, headers: new Map(raw.headers) });
}

// The bindings take what is thrown with a `payload` as the error of the contract; anything else
// traps.
function refusal(payload) {
  return { payload };
}

function problem(error) {
  if (!(error instanceof Problem)) {
    return error;
  }
  const { status, title, message: detail, field } = error;
  return refusal({ status, title, detail, field });
}
