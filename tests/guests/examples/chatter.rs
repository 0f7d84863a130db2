//! A guest that floods its log and its standard output, with lines of all lengths.

use wasmill_test_guests::guest::log::{self, Level};
use wasmill_test_guests::guest::{Failure, Message};

wasmill_test_guests::handler!(handle);

fn handle(_message: &Message) -> Result<(), Failure> {
    println!("to standard output");
    eprintln!("to standard error");
    log::write(Level::Info, "to the log");
    log::write(Level::Warn, &"x".repeat(100_000));
    for line in 0..5_000 {
        println!("line {line}");
    }
    print!("{}", "y".repeat(100_000));
    Ok(())
}
