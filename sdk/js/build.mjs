// Makes a component of a plugin: `node wasmill/build.mjs [plugin.js|plugin.ts]` bundles the file
// with what it imports, and writes `build/plugin.wasm`.

import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { componentize } from "@bytecodealliance/componentize-js";
import * as esbuild from "esbuild";

/** What a plugin may export, and the role that it has by that. */
const roles = { handle: "handler", admit: "gate", answer: "query", check: "checker" };

/** The contract's worlds, by roles. */
const worlds = {
  "handler": "step",
  "handler,gate": "step-with-gate",
  "handler,query": "step-with-query",
  "handler,checker": "step-with-checker",
  "handler,gate,query": "service",
  "handler,gate,query,checker": "service-with-checker",
};

const options = {
  bundle: true,
  format: "esm",
  platform: "neutral",
  mainFields: ["module", "main"],
  conditions: ["wasmill", "import"],
  external: ["wasmill:*"],
  target: "firefox128",
  outfile: "build/plugin.js",
  write: false,
};

const source = `./${process.argv[2] ?? "plugin.js"}`;
const functions = await exportsOf(source);
const { text } = (await bundle({ stdin: { contents: entry(functions), resolveDir: "." } })).outputFiles[0];
await mkdir("build", { recursive: true });
await writeFile(options.outfile, text);
const { component } = await componentize({
  sourcePath: options.outfile,
  witPath: fileURLToPath(new URL("wit", import.meta.url)),
  worldName: world(functions),
  // Without `clocks` and `random` the engine makes them up, so they stay; what calls no `fetch`
  // needs to import no HTTP.
  disableFeatures: /\bfetch\b/.test(text) ? ["fetch-event"] : ["fetch-event", "http"],
});
await writeFile("build/plugin.wasm", component);

async function bundle(input) {
  try {
    return await esbuild.build({ ...options, ...input });
  } catch {
    // It has told what is wrong, and where.
    process.exit(1);
  }
}

async function exportsOf(file) {
  const { metafile } = await bundle({ entryPoints: [file], metafile: true });
  const exported = metafile.outputs[options.outfile].exports;
  return Object.keys(roles).filter((name) => exported.includes(name));
}

function entry(functions) {
  const named = (name) => `export const ${roles[name]} = wrap.${roles[name]}(plugin.${name});`;
  return [
    `import * as plugin from ${JSON.stringify(source)};`,
    `import * as wrap from ${JSON.stringify(fileURLToPath(new URL("roles.js", import.meta.url)))};`,
    ...functions.map(named),
  ].join("\n");
}

function world(functions) {
  const found = worlds[functions.map((name) => roles[name])];
  if (!found) {
    console.error(
      `${source} exports ${functions.join(", ") || "no function of a plugin"}: export \`handle\`, and ` +
        "`admit`, `answer`, `check`, or `admit` and `answer`, or all of them",
    );
    process.exit(1);
  }
  return found;
}
