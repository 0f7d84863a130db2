// The roles that a plugin can have: each makes an export of the component out of the author's
// function. What is thrown with a `payload` the bindings take as the error of the contract; anything
// else traps.

import { Message, halfOf, requestOf } from "./body.js";
import { Problem, Reject, describe, failure } from "./errors.js";
import { bytes, content, encodeJson, headerList, optionalText } from "./values.js";

export function handler(handle) {
  return {
    async handle(raw) {
      try {
        await handle(Message.of(raw));
      } catch (error) {
        throw { payload: failure(error) };
      }
    },
  };
}

export function gate(admit) {
  return {
    async admit(raw) {
      try {
        const accepted = await admit(requestOf(raw));
        return {
          key: optionalText(accepted.key, "key"),
          dedupId: optionalText(accepted.dedupId, "dedupId"),
          tag: optionalText(accepted.tag, "tag"),
          headers: headerList(accepted.headers),
          body: content(accepted),
          answer: accepted.answer === undefined ? bytes("", "answer") : encodeJson(accepted.answer, "answer"),
        };
      } catch (error) {
        throw { payload: problem(error) };
      }
    },
  };
}

export function query(answer) {
  return {
    async answer(key, raw) {
      const { status = 200, headers, settled = false, ...rest } = await answered(answer, key, requestOf(raw));
      return { status, headers: headerList(headers), body: content(rest), settled };
    },
  };
}

export function checker(check) {
  return {
    async check(raw) {
      try {
        const verdict = await check(halfOf(raw));
        return verdict === "commit" || verdict === "rollback" ? { tag: verdict } : unknown(verdict.unknown);
      } catch (error) {
        return unknown(describe(error));
      }
    },
  };
}

export function migration(migrate) {
  return {
    async migrate(from) {
      try {
        await migrate(from);
      } catch (error) {
        throw { payload: failure(error) };
      }
    },
  };
}

function unknown(reason) {
  return { tag: "unknown", val: String(reason) };
}

async function answered(answer, key, request) {
  try {
    return await answer(key, request);
  } catch (error) {
    const json = problem(error);
    return { status: json.status, headers: { "content-type": "application/problem+json" }, json };
  }
}

// What the client did wrong; whatever else was thrown goes on.
function problem(error) {
  if (error instanceof Reject) {
    return { status: 400, title: "invalid request", detail: error.message, field: undefined };
  }
  if (error instanceof Problem) {
    const { status, title, message: detail, field } = error;
    return { status, title, detail, field };
  }
  // The bindings lose it; the host has what was written before a trap in the cause.
  console.error(describe(error));
  throw error;
}
