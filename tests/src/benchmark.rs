//! What every benchmark does alike: it takes numbers after its arguments, tells what it measured as a table or as JSON, and ends
//! with 1 where an aim was missed.
#![expect(clippy::print_stdout, reason = "a benchmark is what it prints")]

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Serialize;

/// Prints what was measured: one JSON object with `--json`, and otherwise the table, in whole lines, with its verdict: each aim
/// that was missed, in words.
///
/// # Errors
/// When it cannot be written.
pub fn report(measured: &impl Serialize, table: &str, missed: &[String]) -> Result<ExitCode> {
    if std::env::args().any(|arg| arg == "--json") {
        println!("{}", serde_json::to_string(measured)?);
    } else {
        if cfg!(debug_assertions) {
            println!("Built without optimisation: the times say little.");
        }
        print!("{table}");
        match missed {
            [] => println!("PASS"),
            missed => println!("FAIL: {}", missed.join("; ")),
        }
    }
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The number after this argument, or the usual one.
///
/// # Errors
/// When something else stands there.
pub fn number(argument: &str, usual: usize) -> Result<usize> {
    let given = std::env::args().skip_while(|arg| arg != argument).nth(1);
    given.map_or(Ok(usual), |text| text.parse().with_context(|| format!("{argument} takes a number, and {text:?} is none")))
}

/// To so many digits behind the point.
pub fn rounded(number: f64, digits: i32) -> f64 {
    let unit = 10_f64.powi(digits);
    (number * unit).round() / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_rounded_to_its_digits() {
        assert_eq!([rounded(1.249, 1), rounded(1.25, 0), rounded(-0.006, 2)], [1.2, 1.0, -0.01]);
    }
}
