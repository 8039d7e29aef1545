//! Where the calls of a tenant may lead, tried with the pack itself and a name server that lies.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use shift_access::config::{ConnectionConfig, SettingValue};
use shift_access::connection::{Connections, Network, Resolver};
use shift_access::description::PropertyValue;
use shift_access::history::{Status, Trigger};
use shift_access::plugin::Pack;
use shift_access::{Host, Order, Tenant};
use shift_access_tests::ukg::UkgSim;
use shift_access_tests::world::World;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::{PROGRAM, demo};

/// Says the same of every name.
struct Everything(IpAddr);

#[async_trait::async_trait]
impl Resolver for Everything {
    async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![self.0])
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_called_and_the_history_says_which_key_would_allow_it() {
    let ukg = UkgSim::start(World::demo(chrono::Utc::now())).await.unwrap();
    let host = Host::builder().cache(shift_access_tests::cache()).build().unwrap();
    let pack = Pack::built_in(host.engine()).unwrap();
    let port = ukg.url().rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
    for (address, private, said) in [
        ("127.0.0.1", false, "time.acme.example leads to a loopback address"),
        ("127.0.0.1", true, "time.acme.example leads to a loopback address"),
        ("169.254.169.254", true, "time.acme.example leads to the address of a cloud's metadata service"),
        ("10.0.0.1", false, "time.acme.example leads to a private address; if that is meant, add private-network = true"),
    ] {
        let mut tenant = Tenant::new("acme", pack.clone()).await.unwrap();
        tenant.set("user-groups", PropertyValue::Items(vec!["Store 12 Hourly".to_owned()]));
        let url = format!("https://time.acme.example:{port}");
        let configs: Vec<_> = tenant.description.connections.iter().map(|described| connection(described, &url, private)).collect();
        let network = Network::default().resolver(Arc::new(Everything(address.parse().unwrap())));
        tenant.http = Arc::new(Connections::over(&network, &configs).unwrap());
        let order = Order::new(&tenant, "batch", Trigger::Manual).unwrap();
        let ended = host.run(&tenant, order, Default::default(), Default::default()).await.unwrap();
        let failure = ended.run.failure.unwrap();
        assert_eq!((ended.run.status, ended.run.counts), (Status::Error, None));
        assert!(failure.message.contains("is not granted") && failure.message.contains(said), "{failure:?}");
    }
    assert!(ukg.calls().all().is_empty());
}

fn connection(described: &shift_access::description::Connection, url: &str, private: bool) -> ConnectionConfig {
    let mut config = ConnectionConfig { private_network: private, ..ConnectionConfig::described(described, url.parse().unwrap()) };
    for name in ["client-id", "client-secret", "username", "password"] {
        config.settings.insert(name.to_owned(), SettingValue::Secret(format!("some {name}").into()));
    }
    config
}

#[tokio::test]
async fn the_proxy_of_the_environment_is_used_only_where_the_host_is_told_to() {
    let stage = demo().await.unwrap();
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = proxy.accept().await {
            let mut line = [0; 64];
            let length = socket.read(&mut line).await.unwrap_or(0);
            heard.lock().unwrap().push(String::from_utf8_lossy(&line[..length]).into_owned());
        }
    });
    stage.configure_with("user-groups = \"Store 12 Hourly\"", "url = \"https://time.invalid\"", "").unwrap();
    let text = fs::read_to_string(stage.config()).unwrap();
    for used in [false, true] {
        let word = if used { "environment" } else { "none" };
        fs::write(stage.config(), text.replace("[host]\n", &format!("[host]\nproxy = {word:?}\n"))).unwrap();
        let mut command = tokio::process::Command::new(PROGRAM);
        command.arg("--config").arg(stage.config()).args(["run", "acme", "test-connection"]);
        command
            .env("XDG_CACHE_HOME", shift_access_tests::cache())
            .env("XDG_STATE_HOME", std::env::temp_dir().join("shift-access-tests-state"));
        let ended = command.env("HTTPS_PROXY", &address).env_remove("NO_PROXY").env_remove("no_proxy").output().await.unwrap();
        assert_eq!(ended.status.code(), Some(1), "{}", String::from_utf8_lossy(&ended.stderr));
        let asked = asked.lock().unwrap();
        assert_eq!(!asked.is_empty(), used, "{asked:?}");
        assert!(asked.iter().all(|line| line.starts_with("CONNECT time.invalid:443 ")), "{asked:?}");
    }
}
