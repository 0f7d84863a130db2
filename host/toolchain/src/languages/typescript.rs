//! TypeScript: as JavaScript, once the compiler has checked its types.

use super::{Language, javascript, sources};

/// TypeScript.
pub(super) static LANGUAGE: Language = Language {
    name: "typescript",
    flag: "ts",
    title: "TypeScript",
    tools: javascript::TOOLS,
    example: sources!(
        "examples/loyalty/ts": "package.json", "plugin.test.ts", "plugin.toml", "plugin.ts",
        "tsconfig.json",
    ),
    sdk: javascript::SDK,
    ignored: javascript::IGNORED,
    compile: javascript::compile,
};
