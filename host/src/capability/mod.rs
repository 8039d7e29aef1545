//! THE list of what a plugin gets: five interfaces and a few harmless parts of WASI. Nothing else is linked, so a
//! component that asks for more is refused when it is loaded.
//!
//! One capability, one file. Each translates the contract's types to the host's own and back; what a capability means
//! is decided where it is done (connection, store, mail), never here.

mod commits;
mod email;
mod http;
mod journal;
mod properties;
mod storage;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::clock::{Clock, SystemClock, WallClock};
use crate::connection::{HttpClient, NoConnections};
use crate::description::{Description, PropertyValue};
use crate::grant::Grants;
use crate::limits::{Account, Entry, Gauge, Growth, Limits};
use crate::mail::Postbox;
use crate::plugin::bindings::Plugin;
use crate::store::{MemoryStore, Store};

pub use commits::Commits;
pub use journal::{Journal, Progress};
pub(crate) use properties::to_contract as property;

/// What one tenant's plugin is lent for one call.
#[derive(Clone)]
pub struct Lent {
    /// Whose data it is.
    pub tenant: Arc<str>,
    /// The tenant's connections.
    pub http: Arc<dyn HttpClient>,
    /// The keys and values of all tenants; only `tenant`'s are reachable.
    pub store: Arc<dyn Store>,
    /// Whom to tell that the plugin stored something.
    pub commits: Arc<Commits>,
    /// The post, where there is a mail server.
    pub post: Option<Arc<Postbox>>,
    /// Where the plugin tells what it does.
    pub journal: Arc<Journal>,
    /// The tenant's property values.
    pub properties: Arc<Vec<(String, PropertyValue)>>,
    /// Which properties these are, of those that one instance was lent after each other: the host counts them, from 0.
    pub revision: u64,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How much it may take.
    pub limits: Arc<Limits>,
    /// What it may have of all this.
    pub grants: Arc<Grants>,
    /// Whom, and as what, the call is counted for. Only a host can say so.
    pub scope: Scope,
}

/// Whom a call of the plugin is counted for, and as what.
#[derive(Clone)]
pub struct Scope {
    /// What the tenant uses at the moment.
    pub(crate) account: Arc<Account>,
    /// What the pack says of itself; `None` where it is asked for that.
    description: Option<Arc<Description>>,
    pub(crate) entry: Entry,
    /// How many calls to other systems it has begun.
    requests: Arc<AtomicU32>,
}

impl Scope {
    pub(crate) fn new(account: Arc<Account>, description: Option<Arc<Description>>) -> Self {
        Self { account, description, entry: Entry::Questions, requests: Arc::default() }
    }

    /// The same for a component that says this of itself.
    pub(crate) fn describing(self, description: Arc<Description>) -> Self {
        Self { description: Some(description), ..self }
    }

    /// Counts one more call to another system, and tells how many there are.
    fn request(&self) -> u32 {
        self.requests.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }
}

impl Lent {
    /// The same for a call of this entry point.
    pub(crate) fn to(self, entry: Entry) -> Self {
        let scope = Scope { entry, requests: Arc::default(), ..self.scope };
        Self { scope, ..self }
    }

    /// For the pure functions, which call no import: nothing to reach, nothing to keep.
    pub(crate) fn nothing() -> Self {
        let limits = Arc::<Limits>::default();
        Self {
            tenant: Arc::from(""),
            http: Arc::new(NoConnections),
            store: Arc::new(MemoryStore::default()),
            commits: Arc::default(),
            post: None,
            journal: Arc::default(),
            properties: Arc::default(),
            revision: 0,
            clock: Arc::new(SystemClock),
            grants: Arc::default(),
            scope: Scope::new(Arc::new(Account::new(limits.clone())), None),
            limits,
        }
    }
}

/// What a store holds: the loan, and what WASI needs.
pub(crate) struct State {
    lent: Lent,
    wasi: WasiCtx,
    table: ResourceTable,
    pub(crate) growth: Growth,
}

impl State {
    pub(crate) fn new(lent: Lent, gauge: &Arc<Gauge>) -> Self {
        let random = u64::from(lent.limits.random_kib) << 10;
        let wasi = WasiCtxBuilder::new().wall_clock(WallClock(lent.clock.clone())).max_random_size(random).build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(usize::try_from(lent.limits.resources).unwrap_or(usize::MAX));
        let growth = Growth::new(&lent.limits, lent.scope.entry, gauge.clone());
        Self { lent, wasi, table, growth }
    }

    /// Lends anew, for another call of the same tenant; `false` where what is there does not fit the loan: it is that of another
    /// host, which may have a tenant of the same name, its limits are others, or it has more memory than this entry point may.
    pub(crate) fn lend(&mut self, lent: Lent) -> bool {
        // A tenant has one account with each host, as long as its limits are the same.
        let same_account = Arc::ptr_eq(&self.lent.scope.account, &lent.scope.account);
        let fits = same_account && self.growth.hold_to(&lent.limits, lent.scope.entry);
        // The ones before are still held here, so that others cannot lie at the same address.
        let others = !Arc::ptr_eq(&self.lent.properties, &lent.properties);
        let revision = self.lent.revision + u64::from(others);
        self.lent = Lent { revision, ..lent };
        fits
    }

    /// What is lent.
    pub(crate) fn lent(&self) -> &Lent {
        &self.lent
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Names the loan as what the five interfaces work on.
pub(crate) struct Loan;

impl HasData for Loan {
    type Data<'a> = &'a mut Lent;
}

/// What the names of the contract's interfaces begin with.
pub(crate) const PACKAGE: &str = "shift-access:plugin/";

/// The contract's version: of the one that this host was built with.
pub(crate) const VERSION: &str = "0.1.0";

/// The five interfaces of the contract that are lent.
pub(crate) const CONTRACT: [&str; 5] = ["http", "storage", "email", "journal", "properties"];

/// The version of WASI of which parts are lent. Any later one that begins with the same two numbers will do.
pub(crate) const WASI_VERSION: &str = "0.2.0";

/// The parts of WASI that are lent; see [`wasi`].
pub(crate) const WASI: [&str; 17] = [
    "cli/environment",
    "cli/exit",
    "cli/stderr",
    "cli/stdin",
    "cli/stdout",
    "cli/terminal-input",
    "cli/terminal-output",
    "cli/terminal-stderr",
    "cli/terminal-stdin",
    "cli/terminal-stdout",
    "clocks/monotonic-clock",
    "clocks/wall-clock",
    "io/error",
    "io/poll",
    "io/streams",
    "random/insecure-seed",
    "random/random",
];

/// Lends one interface of the contract, and nothing else.
pub(crate) fn lend(linker: &mut Linker<State>, interface: &str) -> wasmtime::Result<()> {
    use crate::plugin::bindings::shift_access::plugin;

    fn lent(state: &mut State) -> &mut Lent {
        &mut state.lent
    }
    match interface {
        "http" => plugin::http::add_to_linker::<State, Loan>(linker, lent),
        "storage" => plugin::storage::add_to_linker::<State, Loan>(linker, lent),
        "email" => plugin::email::add_to_linker::<State, Loan>(linker, lent),
        "journal" => plugin::journal::add_to_linker::<State, Loan>(linker, lent),
        "properties" => plugin::properties::add_to_linker::<State, Loan>(linker, lent),
        _ => Ok(()),
    }
}

/// Everything a plugin may import.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasi(&mut linker)?;
    Plugin::add_to_linker::<State, Loan>(&mut linker, |state| &mut state.lent)?;
    Ok(linker)
}

/// What Rust's standard library imports even for pure code: a clock, random numbers, and standard streams that lead
/// nowhere. No environment variable, argument, file or socket is behind any of it.
fn wasi(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
    use wasmtime_wasi::p2::bindings::{cli, random};
    use wasmtime_wasi::random::WasiRandom;

    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(linker)?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(linker, |state| state.wasi.random())?;
    cli::environment::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::exit::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    Ok(())
}
