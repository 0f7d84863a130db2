//! `wasmill plugin new NAME --lang LANGUAGE [--dir PARENT]`

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use wasmill_toolchain::{LANGUAGES, create};

use super::failed;
use crate::app::{Failure, tell};

/// Options of `wasmill plugin new`.
#[derive(Debug, Args)]
pub(super) struct New {
    /// The plugin's name, which its directory gets too
    name: String,
    /// The language to write it in
    #[arg(long, value_name = "LANGUAGE", value_parser = PossibleValuesParser::new(flags()))]
    lang: String,
    /// Where to make its directory
    #[arg(long, value_name = "PARENT", default_value = ".")]
    dir: PathBuf,
}

fn flags() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().map(|language| language.flag)
}

impl New {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut languages = LANGUAGES.iter();
        let language = languages.find(|language| language.flag == self.lang);
        let language = language.expect("clap takes no others");
        let root = create(&self.dir, &self.name, language).map_err(failed)?;
        let name = &self.name;
        tell(format_args!(
            "{} is a plugin in {}. Go on with:\n  cd {}\n  wasmill plugin build\n  \
             wasmill plugin test {name}.wasm --scenario behaviour.toml",
            root.display(),
            language.title,
            root.display(),
        ))
    }
}
