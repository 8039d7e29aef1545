//! An SMTP inbox: a small real mail server that keeps what it gets, with TLS, logins and faults.
//!
//! It relays nothing and knows no user but one. Every wait on it is bounded.

mod mail;
mod session;
mod tls;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use shift_access::mail::{SmtpConfig, Tls};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

pub use mail::Mail;

/// The user name of the inbox, where it wants a login.
pub const INBOX_USER: &str = "mailer@acme.example";
/// The password.
pub const INBOX_PASSWORD: &str = "SmtPx8Vd3Lk5Rw0Zq7Hn";

/// How the inbox speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InboxTls {
    /// In the clear.
    #[default]
    None,
    /// In the clear until STARTTLS, and no mail before it.
    StartTls,
    /// TLS from the first byte.
    Implicit,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboxFault {
    /// The connection is closed before a word is said.
    Refuse,
    /// The greeting is 421.
    Busy,
    /// The login is refused with 535.
    Login,
    /// The same, and the refusal says back what was sent, as it came and decoded.
    Echo,
    /// RCPT gets this code.
    Recipient(u16),
    /// The mail gets this code after its last line.
    Data(u16),
    /// The mail is kept, and its answer comes so much later.
    Late(Duration),
    /// The mail is kept, and the connection ends without an answer.
    Unanswered,
    /// Nothing is ever answered.
    Hang,
}

/// How to start an inbox.
#[derive(Debug, Clone, Copy, Default)]
pub struct InboxOptions {
    /// How it speaks.
    pub tls: InboxTls,
    /// Whether [`INBOX_USER`] has to log in first.
    pub login: bool,
}

/// A running inbox. Dropping it stops it.
#[derive(Debug)]
pub struct Inbox {
    address: SocketAddr,
    ca_pem: String,
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    options: InboxOptions,
    acceptor: TlsAcceptor,
    state: Mutex<State>,
    arrived: Notify,
    stop: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    mails: Vec<Mail>,
    fault: Option<InboxFault>,
    connections: usize,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("options", &self.options).field("state", &self.state).finish_non_exhaustive()
    }
}

impl Inbox {
    /// Starts on a free port of loopback, without TLS and login.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start() -> Result<Self> {
        Self::start_on("127.0.0.1:0", InboxOptions::default()).await
    }

    /// Starts on a free port of loopback.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start_with(options: InboxOptions) -> Result<Self> {
        Self::start_on("127.0.0.1:0", options).await
    }

    /// Starts on this address.
    ///
    /// # Errors
    /// When the address cannot be bound or the certificate cannot be made.
    pub async fn start_on(address: &str, options: InboxOptions) -> Result<Self> {
        crate::tls();
        let listener = TcpListener::bind(address).await.with_context(|| format!("could not listen on {address}"))?;
        let address = listener.local_addr()?;
        let (acceptor, ca_pem) = tls::acceptor()?;
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared { options, acceptor, state: Mutex::default(), arrived: Notify::new(), stop });
        tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { address, ca_pem, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What a host in this process sends by, without TLS and without a login.
    pub fn smtp(&self) -> SmtpConfig {
        SmtpConfig {
            host: "127.0.0.1".to_owned(),
            port: self.port(),
            tls: Tls::None,
            sender: "shift-access@acme.example".to_owned(),
            username: None,
            password: None,
        }
    }

    /// The certificate authority behind the inbox's certificate (for `localhost` and `127.0.0.1`), as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Writes the authority to a file, for clients that take one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_ca(&self, path: &Path) -> Result<()> {
        std::fs::write(path, &self.ca_pem).with_context(|| format!("could not write {}", path.display()))
    }

    /// From the next connection or command on, this goes wrong; `None` heals.
    pub fn set_fault(&self, fault: Option<InboxFault>) {
        self.shared.state().fault = fault;
    }

    /// Every mail so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.state().mails.clone()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// Throws the mails away.
    pub fn clear(&self) {
        self.shared.state().mails.clear();
    }

    /// Waits, at most ten seconds, until so many mails are there, and hands all of them out.
    ///
    /// # Errors
    /// When they do not come in time.
    pub async fn wait_for(&self, count: usize) -> Result<Vec<Mail>> {
        self.wait_for_within(count, Duration::from_secs(10)).await
    }

    /// The same with another bound.
    ///
    /// # Errors
    /// When they do not come in time.
    pub async fn wait_for_within(&self, count: usize, bound: Duration) -> Result<Vec<Mail>> {
        let enough = async {
            loop {
                // Listening begins before looking, so that no arrival falls between the two.
                let arrived = self.shared.arrived.notified();
                let mails = self.mails();
                if mails.len() >= count {
                    return mails;
                }
                arrived.await;
            }
        };
        match tokio::time::timeout(bound, enough).await {
            Ok(mails) => Ok(mails),
            Err(_) => bail!("{} of {count} mails came within {bound:?}", self.mails().len()),
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn fault(&self) -> Option<InboxFault> {
        self.state().fault
    }

    pub(crate) fn options(&self) -> InboxOptions {
        self.options
    }

    pub(crate) fn keep(&self, mail: Mail) {
        self.state().mails.push(mail);
        self.arrived.notify_waiters();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stop.cancelled() => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        shared.state().connections += 1;
        let shared = shared.clone();
        tokio::spawn(async move {
            // A client that goes away mid-sentence is no concern of the inbox.
            tokio::select! {
                _ = talk(stream, &shared) => {}
                () = shared.stop.cancelled() => {}
            }
        });
    }
}

async fn talk(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    match shared.fault() {
        Some(InboxFault::Refuse) => return Ok(()),
        Some(InboxFault::Hang) => return std::future::pending().await,
        _ => {}
    }
    if shared.options.tls == InboxTls::Implicit {
        let stream = shared.acceptor.accept(stream).await?;
        return session::serve(stream, shared, true, true).await.map(|_| ());
    }
    if let Some(stream) = session::serve(stream, shared, false, true).await? {
        let stream = shared.acceptor.accept(stream).await?;
        session::serve(stream, shared, true, false).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lettre::transport::smtp::authentication::Credentials;
    use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
    use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

    type Transport = AsyncSmtpTransport<Tokio1Executor>;

    fn message() -> Message {
        let text = "Grüße!\n.a line with a dot\n".to_owned() + &"long ".repeat(40);
        let message = Message::builder().from("shift-access@acme.example".parse().unwrap()).to("ops@acme.example".parse().unwrap());
        message.subject("[acme] Batch failed – Kronos ist nicht erreichbar").body(text).unwrap()
    }

    fn transport(inbox: &Inbox, implicit: bool) -> Transport {
        crate::tls();
        let ca = Certificate::from_pem(inbox.ca_pem().as_bytes()).unwrap();
        let tls = TlsParameters::builder("localhost".to_owned()).add_root_certificate(ca).build().unwrap();
        let tls = if implicit { Tls::Wrapper(tls) } else { Tls::Required(tls) };
        let login = Credentials::new(INBOX_USER.to_owned(), INBOX_PASSWORD.to_owned());
        Transport::builder_dangerous("localhost").port(inbox.port()).tls(tls).credentials(login).build()
    }

    fn plain(inbox: &Inbox) -> Transport {
        Transport::builder_dangerous("127.0.0.1").port(inbox.port()).build()
    }

    #[tokio::test]
    async fn a_mail_arrives_and_can_be_read() {
        let inbox = Inbox::start().await.unwrap();
        plain(&inbox).send(message()).await.unwrap();
        let mail = inbox.wait_for(1).await.unwrap().remove(0);
        assert_eq!((mail.from.as_str(), mail.to.clone()), ("shift-access@acme.example", vec!["ops@acme.example".to_owned()]));
        assert_eq!(mail.subject(), "[acme] Batch failed – Kronos ist nicht erreichbar");
        assert!(mail.text().starts_with("Grüße!\n.a line with a dot\nlong long"), "{}", mail.text());
        assert!(!mail.tls && mail.user.is_none());
    }

    #[tokio::test]
    async fn starttls_and_implicit_tls_with_a_login() {
        for (tls, implicit) in [(InboxTls::StartTls, false), (InboxTls::Implicit, true)] {
            let inbox = Inbox::start_with(InboxOptions { tls, login: true }).await.unwrap();
            transport(&inbox, implicit).send(message()).await.unwrap();
            let mail = inbox.wait_for(1).await.unwrap().remove(0);
            assert!(mail.tls && mail.user.as_deref() == Some(INBOX_USER));
        }
    }

    #[tokio::test]
    async fn no_mail_without_the_tls_and_the_login_it_wants() {
        let inbox = Inbox::start_with(InboxOptions { tls: InboxTls::StartTls, login: false }).await.unwrap();
        assert!(plain(&inbox).send(message()).await.unwrap_err().is_permanent());
        let inbox = Inbox::start_with(InboxOptions { tls: InboxTls::None, login: true }).await.unwrap();
        assert!(plain(&inbox).send(message()).await.unwrap_err().is_permanent());
        assert!(inbox.mails().is_empty());
    }

    #[tokio::test]
    async fn faults_strike_and_heal() {
        let inbox = Inbox::start().await.unwrap();
        for fault in [InboxFault::Refuse, InboxFault::Busy, InboxFault::Recipient(550), InboxFault::Data(452)] {
            inbox.set_fault(Some(fault));
            assert!(plain(&inbox).send(message()).await.is_err(), "{fault:?}");
        }
        inbox.set_fault(Some(InboxFault::Unanswered));
        assert!(plain(&inbox).send(message()).await.is_err(), "it is kept all the same");
        inbox.set_fault(Some(InboxFault::Late(Duration::from_millis(200))));
        let asked = std::time::Instant::now();
        plain(&inbox).send(message()).await.unwrap();
        assert!(asked.elapsed() >= Duration::from_millis(200));
        assert_eq!(inbox.mails().len(), 2);
        inbox.clear();
        inbox.set_fault(Some(InboxFault::Hang));
        let transport = plain(&inbox);
        assert!(tokio::time::timeout(Duration::from_millis(100), transport.send(message())).await.is_err());
        inbox.set_fault(None);
        plain(&inbox).send(message()).await.unwrap();
        assert_eq!(inbox.wait_for(1).await.unwrap().len(), 1);
        assert!(inbox.wait_for_within(2, Duration::from_millis(20)).await.is_err());
    }
}
