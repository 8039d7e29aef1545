//! The program under test: the same code as the binary `shift-access`, built where the tests can find it.

use std::process::ExitCode;

/// Gives back what many tenants used once, where the system's allocator would keep it.
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    shift_access::cli::main()
}
