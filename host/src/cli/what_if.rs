//! `what-if`: who would gain and who would lose access under other properties.

use super::{Exit, Place, json, open, print};
use crate::answer::{Change, Comparison, Decision, Verdict};
use crate::description::{self, PropertyInfo, PropertyValue};
use crate::plugin::Pack;
use crate::tenant::Tenant;

/// Users a call for one page.
const PAGE: u32 = 500;

/// Decides about every stored user with some properties changed, beside today's decisions. Stores nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The tenant.
    tenant: String,
    /// A property as it would be; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Print one JSON object a line, for every user.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(place: &Place, args: Args) -> Result<(), Exit> {
    let site = open(place).await?;
    let tenant = site.tenant(&args.tenant)?;
    let changed = changed(&tenant, &args.set).await?;
    let mut sum = Sum::default();
    let mut cursor = None;
    loop {
        let page = tenant.pack.what_if(site.host().lend(&tenant), &changed, cursor, PAGE).await?;
        for compared in &page.items {
            sum.add(compared);
            if args.json {
                print([json(compared)?])?;
            } else if compared.change != Change::None {
                print([line(compared)])?;
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    if args.json { Ok(()) } else { print([sum.text()]) }
}

/// The properties to change, if the pack would take them and can show what they do.
async fn changed(tenant: &Tenant, set: &[String]) -> Result<Vec<(String, PropertyValue)>, Exit> {
    let properties = &tenant.description.properties;
    let shown: Vec<PropertyInfo> = properties.iter().filter(|info| info.what_if).cloned().collect();
    let mut then = tenant.clone();
    let mut changed = Vec::new();
    for given in set {
        let usage = |message: &str| Exit::Usage(format!("--set {given}: {message}"));
        let name = given.split_once('=').map(|(name, _)| name).unwrap_or_default();
        if properties.iter().any(|info| info.name == name && !info.what_if) {
            let names = shown.iter().map(|info| info.name.as_str()).collect::<Vec<_>>().join(", ");
            let instead = if names.is_empty() { "They show it of no property".to_owned() } else { format!("Write one of: {names}") };
            let cannot = format!("stored records cannot show what {name} does; a job has to read with it first. {instead}");
            return Err(usage(&cannot));
        }
        let (name, value) = description::assignment(&shown, given).map_err(|message| usage(&message))?;
        then.set(&name, value.clone());
        changed.push((name, value));
    }
    refused(&tenant.pack, &then).await?;
    Ok(changed)
}

/// What the pack itself finds wrong with the whole of them.
async fn refused(pack: &Pack, then: &Tenant) -> Result<(), Exit> {
    let problems = pack.check(&then.properties).await?;
    match problems.iter().find(|problem| problem.severity == description::Severity::Error) {
        Some(problem) => Err(Exit::Usage(format!("{}: {}; {}", problem.key, problem.message, problem.remedy))),
        None => Ok(()),
    }
}

/// How many there are.
#[derive(Debug, Default)]
struct Sum {
    all: u64,
    gain: u64,
    lose: u64,
}

impl Sum {
    fn add(&mut self, compared: &Comparison) {
        self.all += 1;
        self.gain += u64::from(compared.change == Change::Gains);
        self.lose += u64::from(compared.change == Change::Loses);
    }

    fn text(&self) -> String {
        let same = self.all - self.gain - self.lose;
        format!("{} gain access, {} lose it, for {same} of {} stored users nothing changes", self.gain, self.lose, self.all)
    }
}

fn line(compared: &Comparison) -> String {
    let change = match compared.change {
        Change::Gains => "gains",
        Change::Loses => "loses",
        Change::None => "keeps",
    };
    format!("{change}  {:24}  today {}, then {}", compared.user, decision(&compared.today), decision(&compared.then))
}

fn decision(decision: &Decision) -> String {
    let verdict = match decision.decision {
        Verdict::Allow => "allow",
        Verdict::Deny => "deny",
    };
    format!("{verdict} ({})", decision.reason)
}
