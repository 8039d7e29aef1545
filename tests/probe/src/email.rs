//! The promises of `email`.

use futures::future::join_all;

use crate::Promises;
use crate::bindings::shift_access::plugin::email::{Error, Message, Receipt, reach, send};

fn message(subject: &str, key: &str) -> Message {
    Message {
        to: vec!["ops@acme.example".to_owned()],
        subject: subject.to_owned(),
        text: "A line.\n.\nA line after a lone dot.".to_owned(),
        html: None,
        idempotency_key: key.to_owned(),
    }
}

pub async fn probe(promises: &mut Promises, run: &str) {
    let reached = reach().await;
    promises.check("the mail server is reached without sending", reached == Ok(()), &reached);
    let key = format!("{run}-one");
    let first = send(message("Probe: one", &key)).await;
    promises.check("a message is accepted", first == Ok(Receipt::Accepted), &first);
    let second = send(message("Probe: one", &key)).await;
    promises.check("the same key again is a duplicate", second == Ok(Receipt::Duplicate), &second);
    let key = format!("{run}-two");
    let rivals = join_all((0..4).map(|_| send(message("Probe: two", &key)))).await;
    let accepted = rivals.iter().filter(|receipt| **receipt == Ok(Receipt::Accepted)).count();
    promises.check("of many sends with one key exactly one is accepted", accepted == 1, &rivals);
    let broken = send(message("Probe\r\nBcc: all@acme.example", &format!("{run}-three"))).await;
    promises.check("a line break in the subject is invalid", matches!(broken, Err(Error::Invalid(_))), &broken);
    let nobody = Message { to: vec!["not an address".to_owned()], ..message("Probe: four", &format!("{run}-four")) };
    let answer = send(nobody).await;
    promises.check("an address that is none is invalid", matches!(answer, Err(Error::Invalid(_))), &answer);
}
