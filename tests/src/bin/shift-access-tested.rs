//! The program under test: the same code as the binary `shift-access`, built where the tests can find it.

use std::process::ExitCode;

fn main() -> ExitCode {
    shift_access::cli::main()
}
