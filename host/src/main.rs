//! The command line of the reference host.

use std::process::ExitCode;

fn main() -> ExitCode {
    shift_access::cli::main()
}
