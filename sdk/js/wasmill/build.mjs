// Makes a component of a plugin: `node wasmill/build.mjs [plugin.js|plugin.ts]` bundles the file
// with what it imports, and writes `build/plugin.wasm`.

import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { componentize } from "@bytecodealliance/componentize-js";
import * as esbuild from "esbuild";

import { functionsOf, interfaces, worldOf } from "./world.js";

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
const wit = "build/wit";

const source = `./${process.argv[2] ?? "plugin.js"}`;
const functions = functionsOfPlugin(await exportsOf(source));
const { text } = (await bundle({ stdin: { contents: entry(functions), resolveDir: "." } })).outputFiles[0];
await mkdir("build", { recursive: true });
await writeFile(options.outfile, text);
await writeContract(functions);
const { component } = await componentized({
  sourcePath: options.outfile,
  witPath: wit,
  worldName: "plugin",
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

async function componentized(plugin) {
  try {
    return await componentize(plugin);
  } catch (error) {
    const why = reasonOf(String(error));
    if (!why) {
      throw error;
    }
    console.error(`${source}: ${why}`);
    process.exit(1);
  }
}

// Why the top level cannot run, in fewer words than the engine's, if it is the plugin's fault.
function reasonOf(said) {
  const [, asked, name] = said.match(/unknown imported function: '([^']*)' '([^']*)'/) ?? [];
  if (name) {
    const where = "at the top level, which runs once, when the plugin is built";
    return `\`${name}\` of ${asked} is called ${where}: do it in a function that the host calls, such as \`handle\``;
  }
  return said.match(/TypeError: (the plugin (?:exports|has) `.*)/)?.[1];
}

async function exportsOf(file) {
  const { metafile } = await bundle({ entryPoints: [file], metafile: true });
  return metafile.outputs[options.outfile].exports;
}

function functionsOfPlugin(exported) {
  try {
    return functionsOf(exported);
  } catch (error) {
    console.error(`${source} ${error.message}`);
    process.exit(1);
  }
}

function entry(functions) {
  const own = (file) => JSON.stringify(fileURLToPath(new URL(file, import.meta.url)));
  const wrapped = (name) =>
    `export const ${interfaces[name]} = wrap.${interfaces[name]}(formed("${name}", plugin.${name}));`;
  return [
    `import * as plugin from ${JSON.stringify(source)};`,
    `import * as wrap from ${own("roles.js")};`,
    `import { formed } from ${own("world.js")};`,
    ...functions.map(wrapped),
  ].join("\n");
}

// The contract has worlds of a few sets of exports only; any set may be a plugin's.
async function writeContract(functions) {
  await rm(wit, { recursive: true, force: true });
  await cp(new URL("wit", import.meta.url), wit, { recursive: true });
  await writeFile(`${wit}/plugin.wit`, worldOf(functions));
}
