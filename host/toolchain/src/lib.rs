//! From a plugin's sources to its file: projects made, compiled, and turned into components.
