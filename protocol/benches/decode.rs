//! How long naming a request takes, on one core: `cargo bench -p whittle-protocol --bench decode -- FILE`, where FILE is
//! what `tests/cloud/decoder/serialize.py` or `calls.py` prints.

use std::hint::black_box;
use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use whittle_protocol::aws::{Request, decode};

const ROUNDS: usize = 11;

struct Asked {
    method: String,
    host: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

fn main() {
    let Some(path) = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'))
    else {
        eprintln!(
            "name a file of requests: cargo bench -p whittle-protocol --bench decode -- FILE"
        );
        return;
    };
    let text = std::fs::read_to_string(path).expect("the file can be read");
    let asked: Vec<Asked> = text.lines().map(parse).collect();
    let headers: Vec<Vec<(&str, &[u8])>> = asked.iter().map(Asked::headers).collect();
    let requests: Vec<Request<'_>> = asked
        .iter()
        .zip(&headers)
        .map(|(asked, headers)| Request {
            method: &asked.method,
            host: &asked.host,
            path: &asked.path,
            headers,
            body: &asked.body,
            body_complete: true,
        })
        .collect();
    let begun = Instant::now();
    let _ = black_box(decode(&requests[0]));
    println!(
        "the first request, with reading the table: {:?}",
        begun.elapsed()
    );
    let named = requests
        .iter()
        .filter(|request| decode(request).is_ok())
        .count();
    println!("{} requests, {named} named", requests.len());
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            for request in &requests {
                let _ = black_box(decode(black_box(request)));
            }
            begun.elapsed()
        })
        .collect();
    rounds.sort();
    let each = |round: usize| rounds[round].as_nanos() / requests.len() as u128;
    println!(
        "each: {} ns fastest, {} ns median, {} ns slowest of {ROUNDS} rounds",
        each(0),
        each(ROUNDS / 2),
        each(ROUNDS - 1)
    );
}

fn parse(line: &str) -> Asked {
    let line: Value = serde_json::from_str(line).expect("a request");
    let text = |key: &str| line[key].as_str().expect("a string").to_owned();
    let headers = line["headers"].as_object().expect("headers").iter();
    Asked {
        method: text("method"),
        host: text("host"),
        path: text("path"),
        headers: headers
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect(),
        body: STANDARD.decode(text("body_base64")).expect("base64"),
    }
}

impl Asked {
    fn headers(&self) -> Vec<(&str, &[u8])> {
        let pairs = self.headers.iter();
        pairs
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect()
    }
}
