// The host as a component sees it. In unit tests `testing.js` stands in its place: see "imports"
// in package.json.

export * as config from "wasmill:plugin/config@0.1.0";
export * as dedup from "wasmill:plugin/dedup@0.1.0";
export * as log from "wasmill:plugin/log@0.1.0";
export * as queue from "wasmill:plugin/queue@0.1.0";
export * as state from "wasmill:plugin/state@0.1.0";
export * as timer from "wasmill:plugin/timer@0.1.0";
export * as transaction from "wasmill:plugin/transaction@0.1.0";
