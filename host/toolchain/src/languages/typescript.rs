//! TypeScript: as JavaScript, once the compiler has checked its types.

use super::{Language, javascript, sources};

/// TypeScript.
pub(super) static LANGUAGE: Language = Language {
    name: "typescript",
    flag: "ts",
    title: "TypeScript",
    check: javascript::check,
    example: sources!(
        "examples/loyalty/ts": "README.md", "package.json", "plugin.test.ts", "plugin.toml", "plugin.ts",
        "tsconfig.json", "tsconfig.test.json",
    ),
    sdk: javascript::SDK,
    routes: javascript::ROUTES,
    ignored: javascript::IGNORED,
    compile: javascript::compile,
};
