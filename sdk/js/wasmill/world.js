// What a plugin's file exports, and the world of the contract that it thereby is.

/** What a plugin may export, and the contract's interface of it. */
export const interfaces = {
  handle: "handler",
  admit: "gate",
  answer: "query",
  check: "checker",
  migrate: "migration",
};

/**
 * The functions of a plugin among what its file exports. An export that is called nearly like one of
 * them is an error, as the host would never call it.
 */
export function functionsOf(exported) {
  const functions = Object.keys(interfaces);
  for (const name of exported.filter((name) => !functions.includes(name))) {
    const bare = name.replaceAll("_", "").toLowerCase();
    const meant = functions.find((it) => it === bare || interfaces[it] === bare);
    if (meant) {
      throw new Error(`exports \`${name}\`, which no host calls: call it \`${meant}\`, or something else`);
    }
  }
  if (!exported.includes("handle")) {
    throw new Error("does not export `handle`, which every plugin has: `export function handle(message) { ... }`");
  }
  return functions.filter((name) => exported.includes(name));
}

/** What each is called with. */
const parameters = {
  handle: ["message"],
  admit: ["request"],
  answer: ["key", "request"],
  check: ["half"],
  migrate: ["from"],
};

/** What a plugin exports under one of these names, if it can be called as it is to be. */
export function formed(name, exported) {
  const wanted = `\`export function ${name}(${parameters[name].join(", ")}) { ... }\``;
  if (typeof exported !== "function") {
    throw new TypeError(`the plugin exports \`${name}\`, which is no function: write ${wanted}`);
  }
  if (exported.length > parameters[name].length) {
    throw new TypeError(`the plugin has \`${name}\` with ${exported.length} parameters: write ${wanted}`);
  }
  return exported;
}

/** The world of a plugin with these functions, in the package of the contract. */
export function worldOf(functions) {
  const exported = functions.map((name) => `    export ${interfaces[name]};\n`);
  return `world plugin {\n    include imports;\n${exported.join("")}}\n`;
}
