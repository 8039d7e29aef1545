//! Connections that end too early, or never come to be.

use super::*;

/// A server that cuts the first connections at some point, then answers.
async fn cutter(cuts: usize, partial: &'static [u8]) -> (ConnectionConfig, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let call = counter.fetch_add(1, Ordering::SeqCst);
            let _ = socket.read(&mut [0; 4096]).await;
            let answer = if call < cuts { partial } else { b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok" };
            socket.write_all(answer).await.unwrap();
        }
    });
    (ConnectionConfig::new("alpha", url), calls)
}

#[tokio::test]
async fn a_cut_connection_is_repeated_only_where_that_is_safe() {
    for partial in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"] {
        let (config, calls) = cutter(1, partial).await;
        let connections = Connections::new([&config]).unwrap();
        let response = get(&connections, "/x").await.unwrap();
        assert_eq!((text(&response).as_str(), calls.load(Ordering::SeqCst)), ("ok", 2));

        let (config, calls) = cutter(1, partial).await;
        let Err(HttpError::Unreachable(text)) = Connections::new([&config]).unwrap().send(post("/x")).await else { panic!("answered") };
        assert!(text.contains("broke off") && text.contains("127.0.0.1"), "{text}");
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_refused_connection_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let log = Arc::new(Records::default());
    let connections = Connections::new([&ConnectionConfig::new("alpha", url)]).unwrap().logging_to(log.clone());
    let Err(HttpError::Unreachable(text)) = connections.send(post("/x")).await else { panic!("answered") };
    assert!(text.contains("refuses the connection"), "{text}");
    assert_eq!(log.0.lock().unwrap()[0].tries, 4);
}

#[tokio::test]
async fn failed_tls_is_told_and_not_repeated() {
    let (mut config, calls) = cutter(0, b"").await;
    config.url = Url::parse(&format!("https://127.0.0.1:{}", config.url.port().unwrap())).unwrap();
    let Err(HttpError::Unreachable(text)) = get(&Connections::new([&config]).unwrap(), "/x").await else { panic!("answered") };
    assert!(text.starts_with("no safe connection to 127.0.0.1:"), "{text}");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

/// A server that speaks TLS under a certificate that nobody vouches for; how many requests it was sent in it.
async fn unvouched() -> (ConnectionConfig, Arc<AtomicUsize>) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://{}", listener.local_addr().unwrap())).unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = requests.clone();
    tokio::spawn(async move {
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
        loop {
            let Ok(mut stream) = acceptor.accept(listener.accept().await.unwrap().0).await else { continue };
            counter.fetch_add(stream.read(&mut [0; 4096]).await.unwrap_or_default(), Ordering::SeqCst);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
        }
    });
    (ConnectionConfig::new("alpha", url), requests)
}

#[tokio::test]
async fn a_server_whose_certificate_nobody_vouches_for_is_sent_nothing() {
    let (config, requests) = unvouched().await;
    let Err(HttpError::Unreachable(text)) = get(&Connections::new([&config]).unwrap(), "/x").await else { panic!("answered") };
    assert!(text.starts_with("no safe connection to 127.0.0.1:") && text.contains("ertificate"), "{text}");
    assert_eq!(requests.load(Ordering::SeqCst), 0);
}
