//! What writes line ends where one word belongs: it is refused, or arrives as one word.

use super::{all_held, attacked};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_line_of_a_request_is_the_plugins_own() {
    let (arena, _, detail) = attacked("injection in HTTP").await;
    all_held(&detail, 5 + 6 + 4 + 8 + 2);
    let heard = arena.server.heard();
    assert_eq!(heard.len(), 2, "{heard:#?}");
    for head in heard.iter().map(|heard| heard.split("\r\n\r\n").next().unwrap()) {
        let lines: Vec<_> = head.split(['\r', '\n']).filter(|line| !line.is_empty()).collect();
        assert_eq!(lines[0].split(' ').count(), 3, "{head}");
        assert!(lines[0].starts_with("GET /page?") || lines[0].starts_with("POST /page "), "{head}");
        assert!(!lines.iter().any(|line| line.to_lowercase().starts_with("x-injected")), "{head}");
    }
    assert!(heard[1].to_lowercase().contains("\r\ncontent-length: 39\r\n"), "{}", heard[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_line_of_a_mail_is_the_plugins_own() {
    let (arena, _, detail) = attacked("injection in mail").await;
    all_held(&detail, 4 + 9 + 5);
    let mails = arena.inbox.mails();
    assert_eq!(mails.len(), 5, "one for each text that looked like the end of one");
    for mail in &mails {
        assert_eq!((mail.from.as_str(), mail.to.as_slice()), ("shift-access@acme.example", &["ops@acme.example".to_owned()][..]));
        assert_eq!(mail.subject(), "Hello");
        assert!(mail.headers().iter().all(|(name, _)| !name.eq_ignore_ascii_case("bcc")), "{}", mail.raw);
    }
}
