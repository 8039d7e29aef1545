//! Requests to where no tenant's may lead: by a name, by a redirect, and by a name whose address changes between two calls.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use shift_access::Tenant;
use shift_access::config::ConnectionConfig;
use shift_access::connection::{Connections, Network, Resolver};
use shift_access_tests::hostile::{Arena, Attack};

use super::{answered, told};

/// A name server that lies: one answer after the other, and the last one again and again.
struct Names(Mutex<VecDeque<IpAddr>>);

#[async_trait::async_trait]
impl Resolver for Names {
    async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        let mut names = self.0.lock().unwrap();
        let answer = if names.len() > 1 { names.pop_front() } else { names.front().copied() };
        Ok(answer.into_iter().collect())
    }
}

/// The bad tenant, whose connection leads to a name that has these addresses in turn.
async fn led(arena: &Arena, url: &str, addresses: &[&str]) -> Tenant {
    let names = addresses.iter().map(|address| address.parse().unwrap()).collect();
    let network = Network::default().resolver(Arc::new(Names(Mutex::new(names))));
    let config = ConnectionConfig::new("main", url.parse().unwrap());
    let bad = arena.bad(Attack::named("connection flood").unwrap()).await.unwrap();
    Tenant { http: Arc::new(Connections::over(&network, [&config]).unwrap()), ..bad }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_leads_to_a_loopback_private_or_metadata_address_is_not_called() {
    let arena = Arena::new().await.unwrap();
    let url = format!("https://time.acme.example:{}", arena.server.port());
    for (address, class) in [
        ("127.0.0.1", "a loopback address"),
        ("::1", "a loopback address"),
        ("::ffff:127.0.0.1", "a loopback address"),
        ("10.0.0.1", "a private address"),
        ("192.168.1.1", "a private address"),
        ("fd12::1", "a private address"),
        ("169.254.169.254", "the address of a cloud's metadata service"),
        ("fd00:ec2::254", "the address of a cloud's metadata service"),
        ("0.0.0.0", "the unspecified address"),
    ] {
        let bad = led(&arena, &url, &[address]).await;
        let beside = arena.beside(arena.run(&bad, "requests", &["count=2", "kib=0"])).await.unwrap();
        told(address, &beside);
        let (refused, text) = answered(&beside.ended.unwrap(), "else");
        let words = format!("time.acme.example leads to {class}");
        assert!(refused == 2 && text.contains("NotGranted") && text.contains(&words), "{address}: {refused} {text}");
    }
    assert!(arena.server.heard().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_leads_nowhere_else() {
    let arena = Arena::new().await.unwrap();
    let bad = arena.bad(Attack::named("connection flood").unwrap()).await.unwrap();
    let elsewhere = ["127.0.0.1:1/", "127.0.0.2/", "10.0.0.1/", "169.254.169.254/latest/meta-data/", "[::1]/", "2130706433/", "localhost/"];
    for to in elsewhere {
        let set = ["count=1", "kib=0", &format!("path=/redirect/{to}")];
        let beside = arena.beside(arena.run(&bad, "requests", &set)).await.unwrap();
        told(to, &beside);
        let (refused, text) = answered(&beside.ended.unwrap(), "else");
        assert!(refused == 1 && text.contains("NotGranted") && text.contains("redirects to"), "{to}: {refused} {text}");
    }
    assert_eq!(arena.server.heard().len(), elsewhere.len(), "each was asked for, and none was followed");
}

/// The server ends every connection, so that each call looks the name up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_whose_address_changes_is_called_only_while_it_leads_where_it_may() {
    let arena = Arena::new().await.unwrap();
    let url = format!("http://localhost:{}", arena.server.port());
    let bad = led(&arena, &url, &["127.0.0.1", "169.254.169.254", "127.0.0.1", "10.0.0.1"]).await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        let beside = arena.beside(arena.run(&bad, "requests", &["count=1", "kib=0"])).await.unwrap();
        let detail = beside.ended.unwrap();
        answers.push((answered(&detail, "ok").0, answered(&detail, "else").1));
    }
    let refused = |at: usize, class: &str| answers[at].0 == 0 && answers[at].1.contains("NotGranted") && answers[at].1.contains(class);
    assert!(answers[0].0 == 1 && answers[2].0 == 1, "{answers:?}");
    assert!(refused(1, "metadata service") && refused(3, "a private address"), "{answers:?}");
    assert_eq!(arena.server.heard().len(), 2);
}
