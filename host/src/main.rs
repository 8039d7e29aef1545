//! The command line of the reference host.

use std::process::ExitCode;

/// Gives back what many tenants used once, where the system's allocator would keep it.
#[cfg(all(feature = "jemalloc", not(target_env = "msvc")))]
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    shift_access::cli::main()
}
