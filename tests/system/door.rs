//! Clients that keep a server waiting: slow, silent, many. Each is told or left, and the others are served.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::Value;
use shift_access::history::{Filter, Status};
use shift_access::scheduler::Life;
use shift_access::{Server, ServerLimits, Site};
use shift_access_tests::fault::Fault;
use shift_access_tests::serving::Serving;
use shift_access_tests::stage::{Stage, TENANT};
use shift_access_tests::ukg::PEOPLE_PATH;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use crate::{demo, empty};

const SHORT: Duration = Duration::from_millis(300);

/// A server in this process, with limits of its own.
struct House {
    stage: Stage,
    site: Arc<Site>,
    address: std::net::SocketAddr,
    life: Life,
    served: JoinHandle<std::io::Result<()>>,
}

impl House {
    async fn open(stage: Stage, limits: ServerLimits) -> Self {
        let cache = shift_access_tests::cache();
        let (site, problems) = Site::open(&stage.config(), &|_| None, Some(cache)).await;
        let site = Arc::new(site.unwrap_or_else(|error| panic!("{error}: {problems:?}")));
        let server = Server::bind(site.clone()).await.unwrap().within(limits);
        let (address, life) = (server.address(), Life::default());
        let served = tokio::spawn(server.run(life.clone()));
        Self { stage, site, address, life, served }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn token(&self, scope: &str) -> String {
        self.stage.run(&["token", "create", TENANT, "--scope", scope]).await.unwrap().out.trim().to_owned()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Ends it, which takes no longer than the drain and the last words.
    async fn close(self) {
        self.life.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.served).await.unwrap().unwrap().unwrap();
    }
}

/// All that is said until the other side hangs up, which it does soon or never.
async fn rest(socket: &mut TcpStream) -> String {
    let mut said = Vec::new();
    // A connection that is reset is closed, too.
    let _ = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut said)).await.unwrap();
    String::from_utf8(said).unwrap()
}

/// The problem document that is all of what was said.
fn problem(said: &str, status: u16) -> Value {
    let (head, body) = said.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{said:?}"));
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
    let head = head.to_lowercase();
    for header in ["content-type: application/problem+json", "connection: close"] {
        assert!(head.contains(header), "{head}");
    }
    let document: Value = serde_json::from_str(body).unwrap();
    assert_eq!(document["status"], status);
    document
}

/// Sends a byte now and then, until nobody takes any more.
fn trickle(socket: TcpStream, bytes: &'static str) -> (tokio::net::tcp::OwnedReadHalf, JoinHandle<()>) {
    let (reading, mut writing) = socket.into_split();
    let sending = tokio::spawn(async move {
        for byte in bytes.as_bytes().iter().cycle() {
            if writing.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    (reading, sending)
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_answered_408_however_steadily_it_comes() {
    let house = House::open(empty().await.unwrap(), ServerLimits { body: SHORT, ..ServerLimits::default() }).await;
    let token = house.token("operate").await;
    let head = format!(
        "POST /tenants/acme/access/v1/evaluation HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n"
    );
    let mut silent = house.connect().await;
    silent.write_all(format!("{head}{{").as_bytes()).await.unwrap();
    problem(&rest(&mut silent).await, 408);

    let mut steady = house.connect().await;
    steady.write_all(head.as_bytes()).await.unwrap();
    let (mut reading, sending) = trickle(steady, " ");
    let mut said = Vec::new();
    let begun = Instant::now();
    let _ = tokio::time::timeout(Duration::from_secs(10), reading.read_to_end(&mut said)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5));
    problem(&String::from_utf8(said).unwrap(), 408);
    sending.abort();

    // Who has no token is told so, and not waited for.
    let mut nobody = house.connect().await;
    let unknown = head.replace(&token, "sat_x");
    nobody.write_all(unknown.as_bytes()).await.unwrap();
    assert!(rest(&mut nobody).await.starts_with("HTTP/1.1 401 "));
    house.close().await;
}

#[tokio::test]
async fn a_head_that_comes_too_slowly_or_never_is_answered_408() {
    let house = House::open(empty().await.unwrap(), ServerLimits { head: SHORT, ..ServerLimits::default() }).await;
    let mut silent = house.connect().await;
    problem(&rest(&mut silent).await, 408);

    let mut steady = house.connect().await;
    steady.write_all(b"GET /healthz HTTP/1.1\r\nx-long: ").await.unwrap();
    let (mut reading, sending) = trickle(steady, "a");
    let mut said = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), reading.read_to_end(&mut said)).await.unwrap();
    problem(&String::from_utf8(said).unwrap(), 408);
    sending.abort();
    house.close().await;
}

#[tokio::test]
async fn a_connection_serves_many_requests_and_is_closed_without_a_word_when_it_rests_too_long() {
    let house = House::open(empty().await.unwrap(), ServerLimits { rest: SHORT, ..ServerLimits::default() }).await;
    let mut kept = house.connect().await;
    for _ in 0..3 {
        kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 1024];
        let length = kept.read(&mut answer).await.unwrap();
        assert!(answer[..length].starts_with(b"HTTP/1.1 200 ") && answer[..length].ends_with(b"ok\n"));
        tokio::time::sleep(SHORT / 4).await;
    }
    assert_eq!(rest(&mut kept).await, "", "a word here would look like the next answer");
    house.close().await;
}

#[tokio::test]
async fn a_client_that_takes_no_answers_is_not_written_for_without_end() {
    let house = House::open(empty().await.unwrap(), ServerLimits { answer: SHORT, ..ServerLimits::default() }).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut greedy = socket.connect(house.address).await.unwrap();
    // The answers are more than all buffers on the way can hold; the questions are not.
    let asked = "GET /api/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(5_000);
    tokio::time::timeout(Duration::from_secs(5), greedy.write_all(asked.as_bytes())).await.unwrap().unwrap();
    tokio::time::sleep(SHORT * 5).await;
    let mut said = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), greedy.read_to_end(&mut said)).await.unwrap();
    let answers = said.windows(12).filter(|part| part == b"HTTP/1.1 200").count();
    assert!((1..5_000).contains(&answers), "{answers} answers");
    house.close().await;
}

#[tokio::test]
async fn where_every_place_is_worked_for_the_next_is_told_to_come_again() {
    let stage = demo().await.unwrap();
    stage.batch().await.unwrap();
    let house = House::open(stage, ServerLimits { connections: 2, ..ServerLimits::default() }).await;
    let token = house.token("operate").await;
    house.stage.ukg.faults().add(Fault::on(PEOPLE_PATH).delay(Duration::from_secs(2)));
    let client = reqwest::Client::new();
    let ask = |user: &str| {
        let url = house.url(&format!("/api/v1/tenants/acme/workers/{user}?refresh=true"));
        tokio::spawn(client.get(url).bearer_auth(&token).send())
    };
    let under_way = [ask("adiaz"), ask("bking")];
    tokio::time::sleep(Duration::from_millis(700)).await;
    let mut third = house.connect().await;
    third.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let said = rest(&mut third).await;
    problem(&said, 503);
    assert!(said.contains("retry-after: "), "{said}");
    for request in join_all(under_way).await {
        assert_eq!(request.unwrap().unwrap().status().as_u16(), 200, "whoever was served stays served");
    }
    // Now they rest, and make room.
    assert_eq!(reqwest::get(house.url("/healthz")).await.unwrap().status().as_u16(), 200);
    house.close().await;
}

/// The memory a process has, in KiB.
#[cfg(target_os = "linux")]
fn memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn ten_thousand_idle_connections_keep_nobody_out_and_are_gone_in_the_end() {
    // As many as this process may open; ten thousand, but where the system's limit is lower.
    let files = rlimit::increase_nofile_limit(10_500).unwrap();
    let number = usize::try_from(files).unwrap().saturating_sub(500).min(10_000);
    let stage = empty().await.unwrap();
    let serving = Serving::start(&stage).await.unwrap();
    let address: std::net::SocketAddr = serving.url().strip_prefix("http://").unwrap().parse().unwrap();
    #[cfg(target_os = "linux")]
    let before = memory(serving.child.id().unwrap());

    let mut idle = Vec::new();
    for round in 0..number {
        let mut socket = TcpStream::connect(address).await.unwrap();
        if round % 3 == 0 {
            // Some say half a word. Nobody may be there any more to hear it.
            let _ = socket.write_all(b"GET /hea").await;
        }
        idle.push(socket);
        if round % 500 == 0 {
            served_at_once(&serving).await;
        }
    }
    served_at_once(&serving).await;
    #[cfg(target_os = "linux")]
    {
        let grown = memory(serving.child.id().unwrap()).saturating_sub(before);
        assert!(grown < 64 * 1024, "{grown} KiB more for {number} idle connections");
    }

    // Those who had to make room were told at once, the others in time.
    let partings = join_all(idle.iter_mut().map(rest)).await;
    let told = |status: &str| partings.iter().filter(|said| said.starts_with(&format!("HTTP/1.1 {status} "))).count();
    assert_eq!(told("503") + told("408"), number);
    assert!(told("408") > 0 && (number < 2_100 || told("503") > 0));
    served_at_once(&serving).await;
}

async fn served_at_once(serving: &Serving) {
    let asked = reqwest::get(format!("{}/healthz", serving.url()));
    let answer = tokio::time::timeout(Duration::from_secs(1), asked).await.unwrap().unwrap();
    assert_eq!(answer.status().as_u16(), 200);
}

#[tokio::test]
async fn a_run_that_does_not_end_is_ended_after_the_time_it_had_and_the_history_says_so() {
    let drain = Duration::from_millis(700);
    let house = House::open(demo().await.unwrap(), ServerLimits { drain, ..ServerLimits::default() }).await;
    let token = house.token("operate").await;
    house.stage.ukg.set_latency(Duration::from_secs(50));
    let begun = reqwest::Client::new().post(house.url("/api/v1/tenants/acme/jobs/batch/runs")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(begun.status().as_u16(), 202);
    let stopped = Instant::now();
    let site = house.site.clone();
    house.close().await;
    assert!(stopped.elapsed() >= drain, "it had the time to end by itself");
    let runs = site.host().history().list(TENANT, &Filter::default(), None, 9).await.unwrap().items;
    let statuses: Vec<_> = runs.iter().map(|run| run.status).collect();
    assert_eq!(statuses, [Status::Aborted]);
}

#[tokio::test]
async fn a_server_that_stops_takes_nobody_and_waits_for_nobody_who_asks_for_nothing() {
    let house = House::open(empty().await.unwrap(), ServerLimits::default()).await;
    let mut silent = house.connect().await;
    let client = reqwest::Client::new();
    assert_eq!(client.get(house.url("/healthz")).send().await.unwrap().status().as_u16(), 200);
    let (address, stopped) = (house.address, Instant::now());
    house.close().await;
    assert!(stopped.elapsed() < Duration::from_secs(2), "{:?}", stopped.elapsed());
    assert_eq!(rest(&mut silent).await, "");
    assert!(TcpStream::connect(address).await.is_err());
}
