//! `user`: the people of the console.

use std::io::{BufRead, IsTerminal};

use secrecy::SecretString;
use serde::Serialize;

use super::{Exit, Place, audit, json, open, print};
use crate::audit::Deed;
use crate::console::people::{Last, Links, Passwords, People, PeopleError, Role, User};
use crate::site::Site;

/// Adds, lists, changes and removes the people of the console.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Adds somebody.
    Add {
        /// The name to sign in with.
        name: String,
        /// What the person may do; each role includes those before it.
        #[arg(long)]
        role: Role,
        #[command(flatten)]
        password: NewPassword,
    },
    /// Lists everybody.
    List {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Removes somebody, and ends the sessions.
    Remove {
        /// The name.
        name: String,
    },
    /// Gives somebody another password, and ends the sessions.
    Password {
        /// The name.
        name: String,
        #[command(flatten)]
        password: NewPassword,
    },
    /// Gives somebody another role, and ends the sessions.
    Role {
        /// The name.
        name: String,
        /// The role.
        role: Role,
    },
}

/// Where a password comes from; asked for without either.
#[derive(Debug, clap::Args)]
struct NewPassword {
    /// Read the password from the first line of stdin.
    #[arg(long, conflicts_with = "link")]
    password_stdin: bool,
    /// Print a link by which the person chooses a password: it works once, within an hour.
    #[arg(long)]
    link: bool,
}

/// Somebody as they are listed, without anything of the password.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    role: Role,
    /// `password`, `link` (no password chosen yet) or the provider.
    signs_in: &'a str,
    created: String,
}

impl From<PeopleError> for Exit {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Name | PeopleError::Password(_) => Self::Usage(error.to_string()),
            error => Self::Failed(error.to_string()),
        }
    }
}

/// What the commands work on.
struct Desk {
    site: Site,
    people: People,
}

pub(super) async fn run(place: &Place, args: Args) -> Result<(), Exit> {
    let site = open(place).await?;
    let people = People::new(site.host().runner().store.clone());
    let desk = Desk { site, people };
    match args.command {
        Command::Add { name, role, password } => desk.add(&name, role, &password).await,
        Command::List { json } => desk.list(json).await,
        Command::Remove { name } => {
            let user = desk.people.remove(&name, Last::May).await?;
            desk.done(Deed::RemovedPerson(&user.name)).await
        }
        Command::Password { name, password } => desk.password(&name, &password).await,
        Command::Role { name, role } => {
            let user = desk.people.set_role(&name, role, Last::May).await?;
            desk.done(Deed::MadeRole(&user.name, role)).await
        }
    }
}

impl Desk {
    async fn add(&self, name: &str, role: Role, password: &NewPassword) -> Result<(), Exit> {
        let mut user = User::new(name, role, self.site.host().now())?;
        if self.people.get(name).await?.is_some() {
            return Err(PeopleError::Exists(name.to_owned()).into());
        }
        if !password.link {
            user.password = Some(hash(name, password).await?);
        }
        self.people.add(&user).await?;
        self.done(Deed::Added(name, role)).await?;
        self.link(&user, password).await
    }

    async fn password(&self, name: &str, password: &NewPassword) -> Result<(), Exit> {
        let user = self.people.get(name).await?.ok_or_else(|| PeopleError::Unknown(name.to_owned()))?;
        if user.identity.is_some() {
            return Err(Exit::Failed(format!("{name} signs in elsewhere and has no password here")));
        }
        if !password.link {
            self.people.set_password(name, &hash(name, password).await?).await?;
            self.done(format!("changed the password of {}", user.name)).await?;
        }
        self.link(&user, password).await
    }

    async fn link(&self, user: &User, wanted: &NewPassword) -> Result<(), Exit> {
        if !wanted.link {
            return Ok(());
        }
        let link = Links::new(self.people.clone()).make(Some(user), self.site.host().now()).await?;
        print([crate::console::invitation(&self.site, self.site.listen(), &link)])?;
        self.done(Deed::MadeLink(&user.name)).await
    }

    async fn list(&self, as_json: bool) -> Result<(), Exit> {
        if !as_json {
            print([format!("{:30}  {:13}  {:20}  signs in by", "name", "role", "created")])?;
        }
        let mut cursor = None;
        loop {
            let (people, next) = self.people.page(cursor, 500).await?;
            for user in &people {
                let listed = Listed::of(user);
                let line = format!("{:30}  {:13}  {:20}  {}", listed.name, listed.role, listed.created, listed.signs_in);
                print([if as_json { json(&listed)? } else { line }])?;
            }
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Says it, and writes it down.
    async fn done(&self, what: impl Into<String>) -> Result<(), Exit> {
        let what = what.into();
        eprintln!("{what}");
        audit::done(&self.site, what, None).await
    }
}

impl<'a> Listed<'a> {
    fn of(user: &'a User) -> Self {
        let signs_in = match (&user.identity, &user.password) {
            (Some(identity), _) => &identity.issuer,
            (None, Some(_)) => "password",
            (None, None) => "link",
        };
        let created = user.created.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        Self { name: &user.name, role: user.role, signs_in, created }
    }
}

/// The hash of a password that is read now.
async fn hash(name: &str, from: &NewPassword) -> Result<String, Exit> {
    let password = if from.password_stdin { first_line()? } else { asked()? };
    Ok(Passwords::default().hash(name, password).await.map_err(PeopleError::from)?)
}

fn first_line() -> Result<SecretString, Exit> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(SecretString::from(line.trim_end_matches(['\n', '\r']).to_owned()))
}

/// Asked for twice; nothing of it shows.
fn asked() -> Result<SecretString, Exit> {
    if !std::io::stdin().is_terminal() {
        return Err(Exit::Usage("nobody can be asked for a password here: use --password-stdin or --link".to_owned()));
    }
    let first = rpassword::prompt_password("Password: ")?;
    match rpassword::prompt_password("The same once more: ")? == first {
        true => Ok(SecretString::from(first)),
        false => Err(Exit::Usage("the two passwords differ".to_owned())),
    }
}
