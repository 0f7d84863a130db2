// What plugins import: the host's interfaces, and the errors that a plugin throws. The plugin itself
// exports `handle`, and as it needs `admit`, `answer`, `check` and `migrate`.

export { HostError, Problem, Reject, Retry, RetryAfter } from "./errors.js";
export { config, dedup, log, queue, state, timer, transaction } from "./imports.js";
export { after, at, level } from "./values.js";
