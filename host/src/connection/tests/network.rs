//! Where a name may lead, tried with a name server that lies.

use super::*;
use crate::connection::{Network, Resolver};

/// Answers with one list of addresses after the other; the last one stays.
struct Names(Mutex<VecDeque<Vec<std::net::IpAddr>>>);

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, _name: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Ok(answer.unwrap())
    }
}

/// Each text is one answer: addresses with blanks between them.
fn network(answers: &[&str]) -> Network {
    let addresses = |text: &&str| text.split_whitespace().map(|address| address.parse().unwrap()).collect();
    Network::default().resolver(Arc::new(Names(Mutex::new(answers.iter().map(addresses).collect()))))
}

/// A port that counts who comes, and hangs up on them.
async fn counter() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(socket);
        }
    });
    (port, count)
}

fn named(port: u16) -> ConnectionConfig {
    ConnectionConfig::new("alpha", Url::parse(&format!("https://time.acme.example:{port}")).unwrap())
}

async fn refusal(network: &Network, config: &ConnectionConfig) -> String {
    match get(&Connections::over(network, [config]).unwrap(), "/x").await {
        Err(HttpError::NotGranted(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_called_and_the_class_and_the_key_are_named() {
    let (port, came) = counter().await;
    for (address, class, remedy) in [
        ("127.0.0.1", "a loopback address", "mend the name"),
        ("::ffff:127.0.0.1", "a loopback address", "mend the name"),
        ("10.1.2.3", "a private address", "private-network = true"),
        ("fd12::1", "a private address", "private-network = true"),
        ("169.254.169.254", "the address of a cloud's metadata service", "mend the name"),
        ("64:ff9b::a9fe:a9fe", "the address of a cloud's metadata service", "mend the name"),
        ("169.254.1.1 127.0.0.1", "a link-local address", "mend the name"),
        ("0.0.0.0", "the unspecified address", "mend the name"),
    ] {
        let text = refusal(&network(&[address]), &named(port)).await;
        assert!(text.starts_with("time.acme.example leads to ") && text.contains(class) && text.contains(remedy), "{address}: {text}");
    }
    assert_eq!(came.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_connection_into_the_companys_network_reaches_private_addresses_and_no_others() {
    let (port, came) = counter().await;
    for address in ["127.0.0.1", "169.254.169.254", "100.100.100.200", "fd00:ec2::254"] {
        let config = ConnectionConfig { private_network: true, ..named(port) };
        assert!(refusal(&network(&[address]), &config).await.contains("mend the name"), "{address}");
    }
    assert_eq!(came.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_whose_address_changes_is_checked_each_time() {
    let server = Server::start(|_| with(200, &[("connection", "close")], "")).await;
    let mut url = server.url.clone();
    url.set_host(Some("localhost")).unwrap();
    let config = ConnectionConfig::new("alpha", url);
    let network = network(&["127.0.0.1", "10.0.0.1 127.0.0.1", "169.254.169.254", "8.8.8.8", "127.0.0.1"]);
    let connections = Connections::over(&network, [&config]).unwrap();
    assert_eq!(get(&connections, "/1").await.unwrap().status, 200);
    assert_eq!(get(&connections, "/2").await.unwrap().status, 200, "of several addresses those that may be called are");
    assert!(matches!(get(&connections, "/3").await, Err(HttpError::NotGranted(_))));
    assert!(matches!(get(&connections, "/4").await, Err(HttpError::NotGranted(_))), "what travels in the clear stays on this machine");
    assert_eq!(get(&connections, "/5").await.unwrap().status, 200);
    let paths: Vec<_> = server.seen().iter().map(|seen| seen.uri.path().to_owned()).collect();
    assert_eq!(paths, ["/1", "/2", "/5"]);
}

#[tokio::test]
async fn a_login_at_a_name_that_leads_inside_is_not_made() {
    let (port, came) = counter().await;
    let server = Server::start(|_| status(200)).await;
    let elsewhere = Scheme { token: Source::Setting("token-url".to_owned()), ..scheme() };
    let mut config = with_login(&server, elsewhere);
    config.settings.insert("token-url".to_owned(), SettingValue::Plain(format!("https://login.acme.example:{port}/token")));
    let text = refusal(&network(&["127.0.0.1"]), &config).await;
    assert!(text.starts_with("login.acme.example leads to a loopback address"), "{text}");
    assert_eq!((came.load(Ordering::SeqCst), server.seen().len()), (0, 0));
}

#[tokio::test]
async fn a_redirect_leads_nowhere_else_whatever_it_names() {
    for target in [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://127.0.0.1:1/x",
        "//10.0.0.1/x",
        "http://2852039166/",
        "https://127.0.0.1/x",
    ] {
        let server = Server::start(move |_| with(302, &[("location", target)], "")).await;
        let text = match get(&server.connections(), "/x").await {
            Err(HttpError::NotGranted(text)) => text,
            other => panic!("{target}: {other:?}"),
        };
        assert!(text.contains("redirects to"), "{text}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_name_without_an_address_does_not_resolve() {
    let Err(HttpError::Unreachable(text)) = get(&Connections::over(&network(&[""]), [&named(1)]).unwrap(), "/x").await else {
        panic!("answered")
    };
    assert_eq!(text, "the name time.acme.example:1 does not resolve");
}
