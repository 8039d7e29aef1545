//! Bodies of every form, and what is read from them. Whatever is accepted must hold to the law beside this file.

use axum::http::{HeaderName, HeaderValue};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn parts(headers: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    map
}

/// What a body becomes: each event with its key.
fn became(headers: &[(&str, &str)], body: &str) -> Result<Vec<(String, Value)>, String> {
    mapped(None, headers, body)
}

fn mapped(mapping: Option<&Mapping>, headers: &[(&str, &str)], body: &str) -> Result<Vec<(String, Value)>, String> {
    let brought = read(mapping, &parts(headers), body.as_bytes()).map_err(|unread| unread.to_string())?;
    assert!(brought.unreadable.is_empty(), "{brought:?}");
    Ok(brought.events.into_iter().map(|event| (event.id, serde_json::from_slice(&event.body).unwrap())).collect())
}

fn document(id: &str, rest: Value) -> Value {
    let mut document = json!({ "specversion": "1.0", "id": id, "source": "/hooks", "type": "event" });
    for (name, value) in rest.as_object().unwrap() {
        document[name] = value.clone();
    }
    document
}

#[test]
fn each_form_becomes_a_cloud_event() {
    let ukg = json!({ "EventId": 7, "EventTime": "2026-11-22T08:00:00", "EventType": "Punch", "Operation": "Update",
                      "Payload": { "PersonNumber": "100007" }, "Tenant": "acme" });
    let timed = json!({ "messageId": "m1", "timestamp": "2026-11-22T08:00:00Z", "type": "" });
    let webhook = json!({ "type": "punch.made", "timestamp": "2026-11-22T08:00:00Z", "data": { "user": "adiaz" } });
    let bare = json!({ "user": "adiaz" });
    let hash = made(&bare);
    for (headers, body, key, wanted) in [
        // Design §7: the plain form.
        (vec![], json!({ "id": "e1", "data": { "user": "adiaz" } }), "e1", document("e1", json!({ "data": { "user": "adiaz" } }))),
        (
            vec![],
            json!({ "id": 7, "type": "punch", "time": "2026-11-22T08:00:00+01:00", "subject": "x", "data": {} }),
            "7",
            document("7", json!({ "type": "punch", "time": "2026-11-22T08:00:00+01:00", "data": {} })),
        ),
        // CloudEvents, structured.
        (
            vec![("content-type", "application/cloudevents+json; charset=utf-8"), ("ce-id", "of no account")],
            json!({ "specversion": "1.0", "id": "e1", "source": "/sites/12", "type": "punch", "time": "2026-11-22T08:00:00", "data": { "a": 1.5 } }),
            "/sites/12 e1",
            document("e1", json!({ "source": "/sites/12", "type": "punch", "data": { "a": 1.5 } })),
        ),
        (
            vec![],
            json!({ "specversion": "1.0", "id": "e1", "source": null, "data_base64": "eyJhIjoxfQ==" }),
            "e1",
            document("e1", json!({ "data": { "a": 1 } })),
        ),
        // CloudEvents, binary.
        (
            vec![
                ("ce-specversion", "1.0"),
                ("ce-id", "\"a \\\" b\""),
                ("ce-source", "/s%C3%A4%2Fx"),
                ("ce-type", "100%25"),
                ("ce-time", "2026-11-22T08:00:00Z"),
            ],
            json!({ "id": "own", "user": "adiaz" }),
            "/sä/x a \" b",
            document(
                "a \" b",
                json!({ "source": "/sä/x", "type": "100%", "time": "2026-11-22T08:00:00Z", "data": { "id": "own", "user": "adiaz" } }),
            ),
        ),
        // Standard Webhooks.
        (
            vec![("webhook-id", "msg_1")],
            webhook,
            "msg_1",
            document("msg_1", json!({ "type": "punch.made", "time": "2026-11-22T08:00:00Z", "data": { "user": "adiaz" } })),
        ),
        (
            vec![("webhook-id", "msg_1")],
            json!({ "user": "adiaz", "id": 7 }),
            "msg_1",
            document("msg_1", json!({ "data": { "user": "adiaz", "id": 7 } })),
        ),
        // Any other object, whole.
        (vec![], ukg.clone(), "7", document("7", json!({ "type": "Punch", "data": ukg }))),
        (vec![], timed.clone(), "m1", document("m1", json!({ "time": "2026-11-22T08:00:00Z", "data": timed }))),
        (vec![], bare.clone(), &hash, document(&hash, json!({ "data": bare }))),
        (
            vec![],
            json!({ "id": { "a": 1 }, "event_id": "" , "eventId": "e9" }),
            "e9",
            document("e9", json!({ "data": { "id": { "a": 1 }, "event_id": "", "eventId": "e9" } })),
        ),
    ] {
        assert_eq!(became(&headers, &body.to_string()), Ok(vec![(key.to_owned(), wanted)]), "{body}");
    }
}

fn made(event: &Value) -> String {
    use sha2::{Digest, Sha256};
    format!("sha256:{:x}", Sha256::digest(event.to_string()))
}

#[test]
fn an_event_without_an_id_has_the_same_one_however_it_is_written() {
    let id = |body: &str| became(&[], body).unwrap().remove(0).0;
    assert_eq!(id("{\"a\": 1, \"b\": [2]}"), id("[\n{ \"b\":[2],\"a\":1 }]"));
    assert_ne!(id("{\"a\": 1}"), id("{\"a\": 2}"));
    assert_eq!(id("{\"id\": \" \", \"a\": 1}"), made(&json!({ "id": " ", "a": 1 })));
}

#[test]
fn a_list_is_read_in_order_and_each_id_once() {
    let keys = |headers: &[(&str, &str)], body: &str| {
        became(headers, body).map(|events| events.into_iter().map(|(key, _)| key).collect::<Vec<_>>())
    };
    let of = |keys: &[&str]| Ok(keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>());
    assert_eq!(keys(&[], "[]"), of(&[]));
    let events = r#"[{"id":"b","data":{"n":1}},{"id":"a","data":{}},{"id":"b","data":{"n":2}},{"id":"b","source":"/s","data":{}}]"#;
    assert_eq!(keys(&[("content-type", "application/cloudevents-batch+json")], events), of(&["b", "a", "/s b"]));
    assert_eq!(became(&[], events).unwrap()[0].1["data"], json!({ "n": 1 }));
    assert_eq!(keys(&[("webhook-id", "m")], r#"[{"x":1},{"x":1},{"id":"own","data":{}}]"#), of(&["m/1", "m/2", "own"]));
    assert_eq!(keys(&[], "\u{feff}[{\"id\":1,\"data\":{}}]"), of(&["1"]));
    let many = |count: usize| format!("[{}]", (0..count).map(|n| format!("{{\"id\":{n},\"data\":{{}}}}")).collect::<Vec<_>>().join(","));
    assert_eq!(keys(&[], &many(10_000)).unwrap().len(), 10_000);
    assert_eq!(keys(&[], &many(10_001)), Err("the body holds 10001 events; send at most 10000 at once".to_owned()));
}

#[test]
fn a_number_of_more_than_64_bits_keeps_its_digits() {
    let (one, other) = ("123456789012345678901", "123456789012345678902");
    let plain = |digits: &str| format!("{{\"id\":{digits},\"data\":{{\"person_number\":{digits}}}}}");
    let read = became(&[], &format!("[{},{}]", plain(one), plain(other))).unwrap();
    let wanted = [one, other].map(|digits| (digits.to_owned(), document(digits, json!({ "data": { "person_number": digits } }))));
    assert_eq!(read, wanted);
    let nameless = |digits: &str| became(&[], &format!("{{\"person_number\":{digits}}}")).unwrap().remove(0).0;
    assert_ne!(nameless(one), nameless(other), "two persons are two events");
    let mapped =
        mapped(Some(&law::mapping()), &[], &format!("{{\"records\":{{\"EventId\":{one},\"Payload\":{{\"PersonNumber\":{other}}}}}}}"));
    assert_eq!(mapped.unwrap(), [(one.to_owned(), document(one, json!({ "data": { "person_number": other } })))]);
    let coded = json!({ "id": 1, "data_base64": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, plain(one)) });
    assert_eq!(became(&[], &coded.to_string()).unwrap()[0].1["data"]["id"], one);
}

#[test]
fn no_id_is_taken_for_that_of_another_source() {
    let key = |event: Value| became(&[], &event.to_string()).unwrap().remove(0).0;
    let keys = [
        json!({ "id": "b", "source": "/a", "data": {} }),
        json!({ "id": "/a b", "data": {} }),
        json!({ "id": "/a b", "source": "/a", "data": {} }),
        json!({ "id": "b", "data": {} }),
        json!({ "id": " b", "data": {} }),
        json!({ "id": "/hooks b", "data": {} }),
    ]
    .map(key);
    assert_eq!(keys, ["/a b", "/hooks /a b", "/a /a b", "b", "/hooks  b", "/hooks /hooks b"]);
    assert_eq!(key(json!({ "id": "b c", "source": "/hooks", "data": {} })), key(json!({ "id": "b c", "data": {} })));
}

#[test]
fn another_form_is_mapped_and_its_words_translated() {
    let mapping = law::mapping();
    let record = json!({ "EventId": 7, "EventType": 3, "EventTime": "2026-11-22T08:00:00Z",
                         "Payload": { "PersonNumber": 100_007, "Kind": "IN_PUNCH", "At": null, "More": [1] } });
    let wanted =
        document("7", json!({ "type": "3", "time": "2026-11-22T08:00:00Z", "data": { "person_number": 100_007, "direction": "in" } }));
    let other = json!({ "EventTime": "2026-11-22", "Payload": { "Kind": 1 } });
    let odd = json!({ "Payload": { "Kind": "TRANSFER" } });
    let body = json!({ "records": [record, other, odd] }).to_string();
    let read = mapped(Some(&mapping), &[], &body).unwrap();
    assert_eq!(read[0], ("7".to_owned(), wanted));
    assert_eq!(read[1], (made(&other), document(&made(&other), json!({ "data": { "direction": "in" } }))));
    assert_eq!(read[2].1["data"], json!({ "direction": "TRANSFER" }));
    let one = json!({ "records": { "Payload": {} } }).to_string();
    assert_eq!(mapped(Some(&mapping), &[("webhook-id", "m")], &one).unwrap()[0].0, "m");
    let only_a_place = Mapping { fields: Default::default(), ..mapping.clone() };
    let plain = json!({ "records": [{ "id": "e1", "data": { "a": 1 } }] }).to_string();
    assert_eq!(mapped(Some(&only_a_place), &[], &plain).unwrap(), [("e1".to_owned(), document("e1", json!({ "data": { "a": 1 } })))]);
    for (body, words) in [
        (json!([]), "what lies at /records in the body is nothing; send one event as an object, or a list of events"),
        (
            json!({ "records": [{ "Payload": { "PersonNumber": {} } }] }),
            "event 1 of the list: `/Payload/PersonNumber` is an object; person_number takes a text, a number, or true or false",
        ),
        (
            json!({ "records": { "EventId": "" } }),
            "`/EventId` is empty; give each event an id of its own, and the same when it is sent again",
        ),
    ] {
        assert_eq!(mapped(Some(&mapping), &[], &body.to_string()), Err(words.to_owned()), "{body}");
    }
}

#[test]
fn what_cannot_be_read_says_what_is_wrong_and_where() {
    let an_object = "send one event as an object, or a list of events";
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let long = "x".repeat(257);
    for (headers, body, words) in [
        (vec![], "".to_owned(), "the body is empty; send one event as a JSON object, or a list of events".to_owned()),
        (vec![], " \n".to_owned(), "the body is empty; send one event as a JSON object, or a list of events".to_owned()),
        (vec![], "7".to_owned(), format!("the body is a number; {an_object}")),
        (vec![], "null".to_owned(), format!("the body is nothing; {an_object}")),
        (vec![], "{\"id\":\n1,}".to_owned(), "the body is not JSON: trailing comma at line 2 column 3".to_owned()),
        (vec![], "{}{}".to_owned(), "the body is not JSON: trailing characters at line 1 column 3".to_owned()),
        (vec![], deep, "the body is nested too deeply, at line 1 column 128; send events of at most 100 levels".to_owned()),
        (vec![], "[2]".to_owned(), "event 1 of the list: it is a number; each event is an object".to_owned()),
        (vec![], "{\"specversion\":\"0.3\"}".to_owned(), "`specversion` tells another version than 1.0; send CloudEvents 1.0".to_owned()),
        (
            vec![],
            "{\"specversion\":\"1.0\",\"data\":{}}".to_owned(),
            "`id` is missing; give each event an id of its own, and the same when it is sent again".to_owned(),
        ),
        (
            vec![],
            "[{\"id\":\"\",\"data\":{}}]".to_owned(),
            "event 1 of the list: `id` is empty; give each event an id of its own, and the same when it is sent again".to_owned(),
        ),
        (vec![], format!("{{\"id\":\"{long}\",\"data\":{{}}}}"), "`id` has more than 256 characters; send a shorter id".to_owned()),
        (vec![], format!("{{\"EventId\":\"{long}\"}}"), "`EventId` has more than 256 characters; send a shorter id".to_owned()),
        (vec![], "{\"id\":\"a\\nb\",\"data\":{}}".to_owned(), "`id` holds a control character; send an id of one line".to_owned()),
        (vec![], "{\"id\":1.5,\"data\":{}}".to_owned(), "`id` is a number with a fraction or an exponent; send it as a text".to_owned()),
        (vec![], "{\"id\":true,\"data\":{}}".to_owned(), "`id` is true or false; an id is a text or a whole number".to_owned()),
        (vec![], "{\"id\":1,\"data\":[]}".to_owned(), "`data` is a list; send an object with what happened".to_owned()),
        (vec![], "{\"id\":1,\"data\":null}".to_owned(), "`data` is missing; send an object with what happened".to_owned()),
        (vec![], "{\"id\":1,\"data\":{},\"type\":2}".to_owned(), "`type` is a number; send a text".to_owned()),
        (vec![], "{\"id\":1,\"data\":{},\"time\":2}".to_owned(), "`time` is a number; send a text".to_owned()),
        (
            vec![],
            "{\"id\":1,\"data_base64\":\"e30\"}".to_owned(),
            "`data_base64` is not base64; send the data as an object, in `data`".to_owned(),
        ),
        (vec![], "{\"id\":1,\"data_base64\":\"W10=\"}".to_owned(), "`data_base64` is a list; send an object with what happened".to_owned()),
        (
            vec![],
            "{\"id\":1,\"source\":\"a b\",\"data\":{}}".to_owned(),
            "`source` is empty, holds a space, or has more than 1024 characters; send the address of what the event comes from".to_owned(),
        ),
        (
            vec![("ce-specversion", "1.0")],
            "{}".to_owned(),
            "the header ce-id is missing; CloudEvents in binary mode tell their id there".to_owned(),
        ),
        (vec![("ce-specversion", "0.3")], "{}".to_owned(), "the header ce-specversion tells another version than 1.0".to_owned()),
        (
            vec![("ce-id", "1")],
            "[{},{}]".to_owned(),
            "event 1 of the list: it comes with the header ce-id, which is for one event; send no list".to_owned(),
        ),
        (vec![("ce-id", "1"), ("ce-id", "2")], "{}".to_owned(), "the header ce-id is there more than once".to_owned()),
        (vec![("ce-id", "%FF")], "{}".to_owned(), "the header ce-id is not UTF-8, once its % are read".to_owned()),
        (vec![("webhook-id", &long)], "{}".to_owned(), "the header webhook-id has more than 256 characters; send a shorter id".to_owned()),
    ] {
        assert_eq!(became(&headers, &body), Err(words), "{headers:?} {body}");
    }
    let unread = read(None, &HeaderMap::new(), b"{\"id\":\"\xff\"}").unwrap_err();
    assert_eq!(unread.to_string(), "the body is not UTF-8: byte 8 belongs to no character; send JSON in UTF-8");
}

#[test]
fn what_cannot_be_read_of_a_list_is_told_apart_and_the_rest_is_taken() {
    let good = |id: &str| json!({ "id": id, "data": {} });
    let list = json!([good("a"), 2, { "id": "", "data": { "user": "adiaz" } }, good("b"), { "id": 1, "data": [] }]);
    let Brought { events, unreadable } = read(None, &HeaderMap::new(), list.to_string().as_bytes()).unwrap();
    assert_eq!(events.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let told: Vec<_> = unreadable.iter().map(|event| (event.id.clone(), event.reason.as_str())).collect();
    let wanted = [
        (made(&list[1]), "event 2 of the list: it is a number; each event is an object"),
        (made(&list[2]), "event 3 of the list: `id` is empty; give each event an id of its own, and the same when it is sent again"),
        (made(&list[4]), "event 5 of the list: `data` is a list; send an object with what happened"),
    ];
    assert_eq!(told, wanted);
    let kept = |number: usize| serde_json::from_slice::<Value>(&unreadable[number].body).unwrap();
    assert_eq!(kept(0), document(&made(&list[1]), json!({ "data": { "value": 2 } })));
    assert_eq!(kept(1), document(&made(&list[2]), json!({ "data": list[2] })));

    let mapping = law::mapping();
    let records = json!({ "records": [{ "Payload": { "PersonNumber": {} } }, { "EventId": "a" }] });
    let brought = read(Some(&mapping), &HeaderMap::new(), records.to_string().as_bytes()).unwrap();
    assert_eq!((brought.events[0].id.as_str(), brought.unreadable[0].id.clone()), ("a", made(&records["records"][0])));
}

/// The parser takes 127 levels; an event of so many, wrapped in a document, could not be read by anybody.
#[test]
fn what_is_accepted_can_be_read_in_its_document() {
    for (levels, good) in [(1, true), (99, true), (100, false), (126, false)] {
        let nested = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for body in [format!("{{\"a\":{nested}}}"), format!("{{\"id\":1,\"data\":{{\"a\":{nested}}}}}")] {
            let read = became(&[], &body);
            // One level more than the parser takes is the parser's to tell.
            let told = |words: &String| words.contains("100 levels");
            assert!(read.is_ok() == good && !read.is_err_and(|words| !told(&words)), "{levels}");
            law::check(body.as_bytes());
        }
    }
}

#[test]
fn the_law_holds_of_every_seed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fuzz/seeds/envelope");
    let seeds: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(seeds.len() >= 10);
    seeds.iter().for_each(|seed| law::check(&std::fs::read(seed).unwrap()));
}

/// JSON of the names that mean something here.
fn value() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "id",
        "data",
        "type",
        "time",
        "source",
        "specversion",
        "data_base64",
        "EventId",
        "Payload",
        "PersonNumber",
        "Kind",
        "records",
        "x",
    ]);
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["1.0", "eyJhIjoxfQ==", "2026-11-22T08:00:00Z", "IN_PUNCH", "/s"]).prop_map(Value::from),
    ];
    scalar.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(name.clone(), inner, 0..6).prop_map(|fields| fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<Map<_, _>>()
                .into()),
        ]
    })
}

const HEADERS: [&str; 6] =
    ["", "mapping: on\n\n", "webhook-id: m\n\n", "ce-id: c%2F\nce-source: /s\n\n", "ce-specversion: 1.0\n\n", "webhook-id: é\n\n"];

proptest! {
    #[test]
    fn no_bytes_break_it(head in prop::sample::select(HEADERS.to_vec()), body in prop::collection::vec(any::<u8>(), 0..200)) {
        law::check(&[head.as_bytes(), &body].concat());
    }

    #[test]
    fn no_json_breaks_it(head in prop::sample::select(HEADERS.to_vec()), body in value()) {
        law::check(format!("{head}{body}").as_bytes());
    }
}
