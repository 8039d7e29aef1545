use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// A mail server of a few lines: it answers each command as told, and writes down what it heard.
#[derive(Default)]
struct Server {
    /// Answers other than the usual, by the first word of the command; `""` is the greeting and `.` a whole message.
    answers: Vec<(&'static str, &'static str)>,
    tls: Option<TlsAcceptor>,
    heard: Mutex<Vec<String>>,
}

impl Server {
    fn answering(answers: &[(&'static str, &'static str)]) -> Arc<Self> {
        Arc::new(Self { answers: answers.to_vec(), ..Self::default() })
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap().join("\n")
    }

    async fn start(self: &Arc<Self>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                match &server.tls {
                    None => drop(server.talk(stream).await),
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            drop(server.talk(stream).await);
                        }
                    }
                }
            }
        });
        port
    }

    async fn talk(&self, stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(self.answer("").as_bytes()).await?;
        let (mut line, mut in_message) = (String::new(), false);
        while stream.read_line(&mut line).await? > 0 {
            let heard = line.trim_end().to_owned();
            let first = heard.split([' ', ':']).next().unwrap().to_uppercase();
            self.heard.lock().unwrap().push(heard);
            line.clear();
            if in_message && first != "." {
                continue;
            }
            let answer = self.answer(&first);
            in_message = answer.starts_with("354");
            stream.write_all(answer.as_bytes()).await?;
            stream.flush().await?;
            if first == "QUIT" {
                break;
            }
        }
        Ok(())
    }

    fn answer(&self, command: &str) -> String {
        let usual = match command {
            "" => "220 mail.example",
            "EHLO" => "250-mail.example\r\n250 AUTH PLAIN LOGIN",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        match self.answers.iter().find(|(to, _)| *to == command) {
            // Says nothing, and so never ends the wait.
            Some((_, "")) => String::new(),
            Some((_, answer)) => format!("{answer}\r\n"),
            None => format!("{usual}\r\n"),
        }
    }
}

fn config(port: u16) -> SmtpConfig {
    let host = "127.0.0.1".into();
    SmtpConfig { host, port, tls: Tls::None, sender: "Host <host@acme.example>".into(), username: None, password: None }
}

fn with_login(config: SmtpConfig) -> SmtpConfig {
    SmtpConfig { username: Some("user".into()), password: Some("s3cret".into()), ..config }
}

fn mail() -> Mail {
    Mail {
        to: vec!["a@acme.example".into(), "Bé <b@acme.example>".into()],
        subject: "hello".into(),
        text: "one\n.\n.two\nthree".into(),
        html: Some("<p>hello</p>".into()),
        key: "run-17".into(),
    }
}

#[tokio::test]
async fn a_message_goes_to_everybody_whole() {
    let server = Server::answering(&[]);
    let mailer = SmtpMailer::new(config(server.start().await)).unwrap();
    mailer.send(&mail()).await.unwrap();
    // The goodbye is said after the message counts as sent.
    while !server.heard().ends_with("QUIT") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let heard = server.heard();
    for part in
        ["MAIL FROM:<host@acme.example>", "RCPT TO:<a@acme.example>", "RCPT TO:<b@acme.example>", "\n..\n", "\n..two\n", "\n.\nQUIT"]
    {
        assert!(heard.contains(part), "{part} in {heard}");
    }
    assert!(!heard.contains("AUTH"), "{heard}");
}

#[tokio::test]
async fn reaching_logs_in_and_sends_nothing() {
    let server = Server::answering(&[]);
    let mailer = SmtpMailer::new(with_login(config(server.start().await))).unwrap();
    mailer.reach().await.unwrap();
    let heard = server.heard();
    assert!(heard.contains("EHLO ") && heard.contains("AUTH PLAIN ") && heard.ends_with("QUIT"), "{heard}");
    assert!(!heard.contains("MAIL"), "{heard}");
}

#[tokio::test]
async fn what_the_server_says_decides_what_can_help() {
    let cases = [
        (("AUTH", "535 5.7.8 wrong password"), "not let in", "535 5.7.8 wrong password"),
        (("EHLO", "250 mail.example"), "not let in", "the login failed"),
        (("RCPT", "550 5.1.1 nobody of that name"), "refused", "nobody of that name"),
        (("MAIL", "553 not your address"), "refused", "not your address"),
        ((".", "554 this is spam"), "refused", "this is spam"),
        (("", "421 too busy"), "unreachable", "too busy"),
        (("AUTH", "454 later"), "unreachable", "later"),
        (("RCPT", "451 greylisted"), "unreachable", "greylisted"),
        ((".", "452 no room"), "unreachable", "no room"),
        (("", "nonsense"), "unreachable", ""),
    ];
    for (answer, kind, words) in cases {
        let server = Server::answering(&[answer]);
        let mailer = SmtpMailer::new(with_login(config(server.start().await))).unwrap();
        let error = mailer.send(&mail()).await.unwrap_err();
        let found = match &error {
            MailError::NotLetIn(_) => "not let in",
            MailError::Refused(_) => "refused",
            MailError::Unreachable(_) => "unreachable",
            _ => "other",
        };
        assert!(found == kind && error.to_string().contains(words), "{answer:?}: {error:?}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_login_that_the_server_says_back_is_taken_out() {
    let plain = "535 5.7.8 no: AUTH PLAIN AHVzZXIAczNjcmV0, user with s3cret";
    let login = "554-you said dXNlcg==\r\n554 and czNjcmV0 and dXNlcg";
    for (answer, words) in [(("AUTH", plain), "AUTH PLAIN [secret], user with [secret]"), ((".", login), "and [secret] and [secret]")] {
        let server = Server::answering(&[answer]);
        let mailer = SmtpMailer::new(with_login(config(server.start().await))).unwrap();
        let error = mailer.send(&mail()).await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        for secret in ["s3cret", "czNjcmV0", "dXNlcg"] {
            assert!(!error.contains(secret), "{error}");
        }
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up() {
    for silent in ["", "AUTH", "MAIL", "DATA", "."] {
        let server = Server::answering(&[(silent, "")]);
        let mailer = SmtpMailer::new(with_login(config(server.start().await))).unwrap();
        let mailer = SmtpMailer { patience: Duration::from_millis(100), ..mailer };
        let error = mailer.send(&mail()).await.unwrap_err();
        assert!(matches!(&error, MailError::Unreachable(words) if words.contains("did not answer")), "{silent:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_taken_message_is_sent_whatever_comes_after() {
    let server = Server::answering(&[("QUIT", "500 what")]);
    SmtpMailer::new(config(server.start().await)).unwrap().send(&mail()).await.unwrap();
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let error = SmtpMailer::new(config(port)).unwrap().reach().await.unwrap_err();
    assert!(matches!(&error, MailError::Unreachable(words) if words.contains("127.0.0.1")), "{error:?}");
}

#[tokio::test]
async fn a_server_without_starttls_hears_nothing_secret() {
    let server = Server::answering(&[]);
    let mailer = SmtpMailer::new(SmtpConfig { tls: Tls::StartTls, ..with_login(config(server.start().await)) }).unwrap();
    let error = mailer.send(&mail()).await.unwrap_err();
    assert!(matches!(&error, MailError::Refused(words) if words.contains("STARTTLS")), "{error:?}");
    let heard = server.heard();
    assert!(!heard.contains("AUTH") && !heard.contains("MAIL"), "{heard}");
}

/// A server with a certificate of its own for `localhost`, and that certificate.
fn server_with_tls() -> (Arc<Server>, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(ring).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let server = Server { tls: Some(TlsAcceptor::from(Arc::new(tls))), ..Server::default() };
    (Arc::new(server), made.cert.pem())
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_not_trusted() {
    let (server, _) = server_with_tls();
    let port = server.start().await;
    let mailer = SmtpMailer::new(SmtpConfig { host: "localhost".into(), tls: Tls::Implicit, ..with_login(config(port)) }).unwrap();
    let error = mailer.send(&mail()).await.unwrap_err();
    assert!(matches!(&error, MailError::Other(words) if words.contains("certificate")), "{error:?}");
    assert_eq!(server.heard(), "");
}

const CHILD: &str = "SMTP_TEST_CHILD";

/// Not a test: what the next one starts as a process of its own, which trusts one certificate more.
#[tokio::test]
async fn child_that_reaches() {
    let Some((host, port)) = std::env::var(CHILD).ok().and_then(|to| to.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()))) else {
        return;
    };
    let to = SmtpConfig { host, tls: Tls::Implicit, ..config(port.parse().unwrap()) };
    SmtpMailer::new(to).unwrap().reach().await.unwrap();
}

#[tokio::test]
async fn a_root_named_in_the_environment_is_trusted_for_its_own_host_only() {
    let (server, certificate) = server_with_tls();
    let port = server.start().await;
    let root = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(root.path(), certificate).unwrap();
    let reach = async |host: &str| {
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
        child.args(["child_that_reaches", "--test-threads=1"]).env(CHILD, format!("{host} {port}"));
        child.env("SSL_CERT_FILE", root.path()).env_remove("SSL_CERT_DIR").output().await.unwrap()
    };
    let good = reach("localhost").await;
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stdout));
    let other = reach("127.0.0.1").await;
    let said = format!("{}{}", String::from_utf8_lossy(&other.stdout), String::from_utf8_lossy(&other.stderr));
    assert!(!other.status.success() && said.contains("certificate"), "{said}");
}

#[test]
fn a_configuration_that_cannot_be_safe_is_refused() {
    let good = config(25);
    let refused = [
        SmtpConfig { host: "mail.example".into(), ..good.clone() },
        SmtpConfig { host: "10.0.0.1".into(), ..good.clone() },
        SmtpConfig { host: String::new(), tls: Tls::Implicit, ..good.clone() },
        SmtpConfig { sender: "nobody".into(), ..good.clone() },
        SmtpConfig { sender: "a@b.example\r\nBcc: x@y.example".into(), ..good.clone() },
        SmtpConfig { username: Some("user".into()), ..good.clone() },
        SmtpConfig { password: Some("s3cret".into()), ..good.clone() },
    ];
    for config in refused {
        let error = SmtpMailer::new(config).err().unwrap();
        assert!(matches!(error, MailError::Invalid(_)), "{error:?}");
    }
    for host in ["localhost", "127.0.0.2", "::1", "[::1]"] {
        assert!(SmtpMailer::new(SmtpConfig { host: host.into(), ..good.clone() }).is_ok(), "{host}");
    }
    assert!(SmtpMailer::new(SmtpConfig { host: "mail.example".into(), tls: Tls::StartTls, ..good }).is_ok());
    assert!(!format!("{:?}", with_login(config(25))).contains("s3cret"));
}
