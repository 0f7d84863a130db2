//! Fuzzing that runs on any toolchain and in any test: inputs are mutated for a while, from a seed
//! that is printed, and those that were answered in a new way are mutated further.
//!
//! `cargo xtask fuzz --seconds N --seed S` runs all of it for longer. What failed once is put into
//! `tests/fuzz/found/TARGET`, a file each, and is tried first from then on.

mod mutate;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use mutate::Mutator;

/// The variable that says for how many seconds each target is fuzzed.
pub const SECONDS: &str = "WASMILL_FUZZ_SECONDS";
/// The variable that says from which seed on.
pub const SEED: &str = "WASMILL_FUZZ_SEED";

/// How long a target is fuzzed unless told otherwise: briefly, with the other tests.
const SECONDS_DEFAULT: u64 = 1;
/// Most inputs that are mutated further.
const POOL_COUNT_MAX: usize = 4_096;
/// Largest input.
const INPUT_BYTES_MAX: usize = 64 << 10;
/// How often a failing input is tried shorter.
const SHORTENED_COUNT_MAX: usize = 2_000;

/// What is fuzzed: a name, and valid inputs to begin with.
pub struct Target<'a> {
    name: &'a str,
    pool: Vec<Vec<u8>>,
    /// How many of them are tried as they are.
    first: u64,
    /// The answers so far, by their shape.
    shapes: HashSet<String>,
    mutator: Mutator,
    deadline: Instant,
    tried: u64,
}

impl<'a> Target<'a> {
    /// A target with its first inputs, of which there is at least one.
    ///
    /// # Panics
    /// If there is none, or the variables that it reads are no numbers.
    #[must_use]
    pub fn new(name: &'a str, first: &[Vec<u8>]) -> Self {
        assert!(!first.is_empty(), "{name}: a valid input to begin with");
        let seed = number(SEED).unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            now.map_or(0, |now| now.as_micros() as u64)
        });
        let seconds = number(SECONDS).unwrap_or(SECONDS_DEFAULT);
        println!("{name}: {SEED}={seed}");
        let rng = StdRng::seed_from_u64(seed);
        let mut pool = found(name);
        pool.extend_from_slice(first);
        Self {
            name,
            first: pool.len() as u64,
            pool,
            shapes: HashSet::new(),
            mutator: Mutator::new(rng, first),
            deadline: Instant::now() + Duration::from_secs(seconds),
            tried: 0,
        }
    }

    /// The next input to try; none when the time is over. First come those that failed once and
    /// the valid ones.
    pub fn next_input(&mut self) -> Option<Vec<u8>> {
        let nth = self.tried;
        self.tried += 1;
        if nth < self.first {
            return Some(self.pool[nth as usize].clone());
        }
        if Instant::now() >= self.deadline {
            println!(
                "{}: {} inputs tried, answered in {} ways",
                self.name,
                nth,
                self.shapes.len()
            );
            return None;
        }
        let rng = &mut self.mutator.rng;
        let one = self.pool[rng.random_range(0..self.pool.len())].clone();
        let other = rng.random_range(0..self.pool.len());
        let mut input = self.mutator.mutate(one, &self.pool[other]);
        input.truncate(INPUT_BYTES_MAX);
        Some(input)
    }

    /// Notes how an input was answered. If nothing was answered so before, but for numbers and
    /// names, the input is mutated further.
    pub fn answered(&mut self, input: Vec<u8>, answer: &str) {
        let shape: String = answer
            .split('`')
            .step_by(2)
            .flat_map(str::chars)
            .filter(|char| !char.is_ascii_digit())
            .collect();
        if self.shapes.insert(shape) && self.pool.len() < POOL_COUNT_MAX {
            self.pool.push(input);
        }
    }

    /// Tries inputs until the time is over. `answer` panics where something is wrong.
    ///
    /// # Panics
    /// As `answer` does, after the input was shortened and shown.
    pub fn run(mut self, answer: impl Fn(&[u8]) -> String) {
        let fails = |input: &[u8]| catch_unwind(AssertUnwindSafe(|| answer(input))).is_err();
        while let Some(input) = self.next_input() {
            match catch_unwind(AssertUnwindSafe(|| answer(&input))) {
                Ok(said) => self.answered(input, &said),
                Err(_) => {
                    let short = shortened(input, fails);
                    self.show(&short);
                    answer(&short);
                }
            }
        }
    }

    /// Shows an input that failed, and where to keep it.
    pub fn show(&self, input: &[u8]) {
        println!(
            "{}: keep this in a file of {}:\n{}\nas text: {}",
            self.name,
            folder(self.name).display(),
            hex::encode(input),
            String::from_utf8_lossy(input)
        );
    }
}

/// Cuts pieces out of a failing input for as long as it fails.
fn shortened(mut input: Vec<u8>, fails: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let (mut piece, mut tries) = (input.len() / 2, 0);
    while piece > 0 && tries < SHORTENED_COUNT_MAX {
        let mut at = 0;
        while at < input.len() && tries < SHORTENED_COUNT_MAX {
            let mut shorter = input.clone();
            shorter.drain(at..input.len().min(at + piece));
            tries += 1;
            match fails(&shorter) {
                true => input = shorter,
                false => at += piece,
            }
        }
        piece /= 2;
    }
    input
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}

/// Where inputs are kept on which a target failed once.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("found")
        .join(name)
}

fn found(name: &str) -> Vec<Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(folder(name)) else {
        return Vec::new();
    };
    let files = entries.map(|entry| entry.expect("it can be listed").path());
    files
        .map(|path| std::fs::read(path).expect("it can be read"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_on_few_inputs_is_found_and_shown_short() {
        let target = Target::new("itself", &[b"{\"key\": 1, \"other\": [2]}".to_vec()]);
        let answer = |input: &[u8]| {
            let text = String::from_utf8_lossy(input);
            assert!(!text.contains("[["), "found it");
            format!("{}", text.len())
        };
        let failed = catch_unwind(AssertUnwindSafe(|| target.run(answer)));
        assert!(failed.is_err(), "it was not found");
        let fails = |input: &[u8]| catch_unwind(|| answer(input)).is_err();
        assert_eq!(shortened(b"abc [[ def".to_vec(), fails), b"[[");
    }

    #[test]
    fn a_seed_gives_the_same_inputs() {
        let inputs = || {
            let mut mutator = Mutator::new(StdRng::seed_from_u64(7), &[b"one two".to_vec()]);
            (0..100).map(move |_| mutator.mutate(b"one two".to_vec(), b"three"))
        };
        assert!(inputs().eq(inputs()));
        assert!(inputs().any(|input| input != b"one two"));
    }
}
