//! One SMTP conversation: commands in, replies out, mails kept.
//!
//! It is generic over the stream; after STARTTLS the caller wraps the stream and begins a second conversation without a greeting.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use crate::inbox::{INBOX_PASSWORD, INBOX_USER, InboxFault, InboxTls, Mail, Shared};

/// A mail longer than this is refused, so that a client gone wild fills no memory.
const MOST_BYTES: u64 = 10 * 1024 * 1024;

/// One conversation.
struct Session<'a, S> {
    stream: BufReader<S>,
    shared: &'a Shared,
    tls: bool,
    user: Option<String>,
    from: Option<String>,
    to: Vec<String>,
}

/// What follows a command.
enum After {
    Next,
    StartTls,
    Quit,
}

/// Talks until the client leaves. Hands the stream back if the client wants TLS on it.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    shared: &Shared,
    tls: bool,
    greet: bool,
) -> std::io::Result<Option<S>> {
    let mut session = Session { stream: BufReader::new(stream), shared, tls, user: None, from: None, to: Vec::new() };
    if greet {
        if shared.fault() == Some(InboxFault::Busy) {
            session.say("421 inbox.example is busy, come back later").await?;
            return Ok(None);
        }
        session.say("220 inbox.example ESMTP").await?;
    }
    while let Some(line) = session.line().await? {
        match session.command(&line).await? {
            After::Next => {}
            After::StartTls => return Ok(Some(session.stream.into_inner())),
            After::Quit => return Ok(None),
        }
    }
    Ok(None)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<'_, S> {
    async fn command(&mut self, line: &str) -> std::io::Result<After> {
        if self.shared.fault() == Some(InboxFault::Hang) {
            return std::future::pending().await;
        }
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.hello().await?,
            "HELO" => self.say("250 inbox.example").await?,
            "AUTH" => self.login(rest).await?,
            "MAIL" => self.mail(rest).await?,
            "RCPT" => self.recipient(rest).await?,
            "DATA" => self.data().await?,
            "RSET" => {
                self.forget();
                self.say("250 OK").await?;
            }
            "NOOP" => self.say("250 OK").await?,
            "QUIT" => {
                self.say("221 Bye").await?;
                return Ok(After::Quit);
            }
            "STARTTLS" if !self.tls && self.shared.options().tls == InboxTls::StartTls => {
                self.say("220 Go ahead").await?;
                return Ok(After::StartTls);
            }
            _ => self.say("502 Command not implemented").await?,
        }
        Ok(After::Next)
    }

    async fn hello(&mut self) -> std::io::Result<()> {
        self.say("250-inbox.example").await?;
        if !self.tls && self.shared.options().tls == InboxTls::StartTls {
            self.say("250-STARTTLS").await?;
        } else if self.shared.options().login {
            self.say("250-AUTH PLAIN LOGIN").await?;
        }
        self.say("250 8BITMIME").await
    }

    async fn login(&mut self, rest: &str) -> std::io::Result<()> {
        let (mechanism, first) = rest.split_once(' ').unwrap_or((rest, ""));
        let offered = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let answer = if first.is_empty() { self.ask("").await? } else { decode(first) };
                let mut parts = answer.split('\0').skip(1).map(str::to_owned);
                parts.next().zip(parts.next())
            }
            "LOGIN" => {
                let user = if first.is_empty() { self.ask("Username:").await? } else { decode(first) };
                Some((user, self.ask("Password:").await?))
            }
            _ => return self.say("504 Mechanism not known").await,
        };
        if let (Some(InboxFault::Echo), Some((user, password))) = (self.shared.fault(), &offered) {
            let coded = STANDARD.encode(password);
            return self.say(&format!("535-5.7.8 {user} is not let in with {password}\r\n535 5.7.8 AUTH {rest} {coded}")).await;
        }
        let fault = self.shared.fault() == Some(InboxFault::Login);
        match offered {
            Some((user, password)) if !fault && user == INBOX_USER && password == INBOX_PASSWORD => {
                self.user = Some(user);
                self.say("235 Welcome").await
            }
            _ => self.say("535 5.7.8 Authentication credentials invalid").await,
        }
    }

    async fn ask(&mut self, question: &str) -> std::io::Result<String> {
        self.say(&format!("334 {}", STANDARD.encode(question))).await?;
        Ok(decode(&self.line().await?.unwrap_or_default()))
    }

    async fn mail(&mut self, rest: &str) -> std::io::Result<()> {
        let options = self.shared.options();
        if options.tls == InboxTls::StartTls && !self.tls {
            return self.say("530 5.7.0 Must issue a STARTTLS command first").await;
        }
        if options.login && self.user.is_none() {
            return self.say("530 5.7.0 Authentication required").await;
        }
        match path(rest, "FROM:") {
            Some(from) => {
                self.forget();
                self.from = Some(from);
                self.say("250 OK").await
            }
            None => self.say("501 Syntax: MAIL FROM:<address>").await,
        }
    }

    async fn recipient(&mut self, rest: &str) -> std::io::Result<()> {
        if let Some(InboxFault::Recipient(code)) = self.shared.fault() {
            return self.say(&format!("{code} Recipient refused")).await;
        }
        match path(rest, "TO:") {
            Some(to) if self.from.is_some() && !to.is_empty() => {
                self.to.push(to);
                self.say("250 OK").await
            }
            Some(_) => self.say("503 MAIL first").await,
            None => self.say("501 Syntax: RCPT TO:<address>").await,
        }
    }

    async fn data(&mut self) -> std::io::Result<()> {
        let Some(from) = self.from.take().filter(|_| !self.to.is_empty()) else { return self.say("503 RCPT first").await };
        self.say("354 End with a line that holds a single dot").await?;
        let Some(raw) = self.content().await? else { return Ok(()) };
        let to = std::mem::take(&mut self.to);
        if let Some(InboxFault::Data(code)) = self.shared.fault() {
            return self.say(&format!("{code} Mail refused")).await;
        }
        let fault = self.shared.fault();
        self.shared.keep(Mail { from, to, raw, tls: self.tls, user: self.user.clone() });
        match fault {
            Some(InboxFault::Unanswered) => return Err(std::io::ErrorKind::ConnectionAborted.into()),
            Some(InboxFault::Late(wait)) => tokio::time::sleep(wait).await,
            _ => {}
        }
        self.say("250 OK, kept").await
    }

    /// The lines up to the single dot, with doubled dots undone; `None` if the client went away before.
    async fn content(&mut self) -> std::io::Result<Option<String>> {
        let mut raw = String::new();
        while let Some(line) = self.line().await? {
            if line == "." {
                return Ok(Some(raw));
            }
            raw.push_str(line.strip_prefix('.').unwrap_or(&line));
            raw.push('\n');
        }
        Ok(None)
    }

    fn forget(&mut self) {
        self.from = None;
        self.to.clear();
    }

    /// The next line without its end.
    async fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut bytes = Vec::new();
        let read = (&mut self.stream).take(MOST_BYTES).read_until(b'\n', &mut bytes).await?;
        let text = String::from_utf8_lossy(&bytes);
        Ok((read > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned()))
    }

    async fn say(&mut self, reply: &str) -> std::io::Result<()> {
        self.stream.write_all(reply.as_bytes()).await?;
        self.stream.write_all(b"\r\n").await?;
        self.stream.flush().await
    }
}

/// The address between angle brackets after `FROM:` or `TO:`.
fn path(rest: &str, word: &str) -> Option<String> {
    let named = rest.get(..word.len())?.eq_ignore_ascii_case(word);
    let (address, _) = rest.get(word.len()..)?.trim_start().strip_prefix('<')?.split_once('>')?;
    named.then(|| address.to_owned())
}

fn decode(text: &str) -> String {
    STANDARD.decode(text.trim()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
