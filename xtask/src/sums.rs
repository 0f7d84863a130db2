//! Files held to the sums that were written down of them, in the form of `sha256sum`: a line for each
//! file, its SHA-256 in hexadecimal, two spaces, and its path from the folder of the list.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

/// Sums of files, by their paths.
pub(crate) type Sums = BTreeMap<String, String>;

/// The list in a file.
///
/// # Errors
/// If it cannot be read, or a line is none of such a list.
pub(crate) fn read(list: &Path) -> Result<Sums> {
    let shown = list.display();
    let text = fs::read_to_string(list).with_context(|| shown.to_string())?;
    let lines = text.lines().map(|line| {
        let (sum, file) = line
            .split_once("  ")
            .with_context(|| format!("{shown}: `{line}` is no sum and file"))?;
        Ok((file.to_owned(), sum.to_owned()))
    });
    let sums: Sums = lines.collect::<Result<_>>()?;
    ensure!(
        sums.len() == text.lines().count(),
        "{shown}: a file is named twice"
    );
    Ok(sums)
}

/// The sums of `folder`'s files of these paths.
///
/// # Errors
/// If one cannot be read.
pub(crate) fn of<'a>(folder: &Path, files: impl IntoIterator<Item = &'a str>) -> Result<Sums> {
    let sum = |file: &str| {
        let path = folder.join(file);
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        Ok((file.to_owned(), of_bytes(&bytes)))
    };
    files.into_iter().map(sum).collect()
}

/// A line of a list.
pub(crate) fn line(file: &str, bytes: &[u8]) -> String {
    format!("{}  {file}\n", of_bytes(bytes))
}

fn of_bytes(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
