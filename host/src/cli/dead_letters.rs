//! `dead-letters`: events that are not brought again by themselves.

use chrono::SecondsFormat;

use super::{Exit, Place, audit, json, open, print};
use crate::audit::Deed;
use crate::inbox::{DeadLetter, DeadLetters, Found};
use crate::store::StoreError;

/// Letters read at once.
const PAGE: u32 = 100;

/// Lists the events that the listener gave up, newest first; puts one back, or discards it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The tenant.
    tenant: String,
    /// Print one JSON object a line, with the event.
    #[arg(long)]
    json: bool,
    /// Put this one back into the queue, as if it had just arrived; the beginning of its id is enough.
    #[arg(long, value_name = "ID", conflicts_with = "discard")]
    replay: Option<String>,
    /// Remove this one for good; the beginning of its id is enough. The event is left out when it is sent again, too, for as
    /// long as its id is remembered: a week. Put back what is still wanted.
    #[arg(long, value_name = "ID")]
    discard: Option<String>,
}

impl From<StoreError> for Exit {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

pub(super) async fn run(place: &Place, args: Args) -> Result<(), Exit> {
    let site = open(place).await?;
    let tenant = site.tenant(&args.tenant)?;
    let letters = site.host().dead_letters(&tenant);
    if let Some(id) = args.replay {
        let letter = letters.replay(&id, site.host().now()).await?;
        let letter = gone(&letters, &tenant.name, &id, letter).await?;
        eprintln!("put back {}: the event {} is brought again while `serve` runs", letter.id, letter.event_id);
        return audit::done(&site, Deed::PutBack(&letter.id), Some(&tenant.name)).await;
    }
    if let Some(id) = args.discard {
        let letter = letters.discard(&id).await?;
        let letter = gone(&letters, &tenant.name, &id, letter).await?;
        eprintln!("discarded {}, the event {}", letter.id, letter.event_id);
        return audit::done(&site, Deed::Discarded(&letter.id), Some(&tenant.name)).await;
    }
    list(&letters, args.json).await
}

async fn list(letters: &DeadLetters, as_json: bool) -> Result<(), Exit> {
    if !as_json {
        print([format!("{:12}  {:20}  {:5}  {:10}  event: message", "id", "given up", "tries", "code")])?;
    }
    let mut cursor = None;
    loop {
        let page = letters.list(cursor, PAGE, as_json).await?;
        for letter in &page.items {
            print([if as_json { json(letter)? } else { line(letter) }])?;
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

fn line(letter: &DeadLetter) -> String {
    let DeadLetter { id, event_id, code, message, at, attempts, .. } = letter;
    let (at, code) = (at.to_rfc3339_opts(SecondsFormat::Secs, true), code.as_deref().unwrap_or("-"));
    format!("{id:12}  {at:20}  {attempts:5}  {code:10}  {event_id}: {message}").replace('\n', " ")
}

/// The letter, or why there was none.
async fn gone(letters: &DeadLetters, tenant: &str, id: &str, letter: Option<DeadLetter>) -> Result<DeadLetter, Exit> {
    let Some(letter) = letter else {
        return Err(Exit::Failed(match letters.find(id).await? {
            Found::Several => format!("several dead letters of the tenant {tenant} begin with {id}; write more of the id"),
            _ => format!("there is no dead letter {id} of the tenant {tenant}; `dead-letters {tenant}` shows those there are"),
        }));
    };
    Ok(letter)
}
