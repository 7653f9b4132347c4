//! How long naming a request takes, on one core: `cargo bench -p whittle-protocol --bench decode -- FILE`, where FILE is
//! what `tests/cloud/decoder/serialize.py` or `calls.py` prints.

use std::hint::black_box;
use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use whittle_protocol::aws::{Request, decode};

const ROUNDS: usize = 31;
const BLOCK: usize = 200;

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
    // A block is short enough to be run between two interruptions on a busy machine, now and then.
    let mut rounds = vec![Duration::ZERO; ROUNDS];
    let mut fastest = Duration::ZERO;
    for block in requests.chunks(BLOCK) {
        let of_block: Vec<Duration> = (0..ROUNDS).map(|_| run(block)).collect();
        fastest += *of_block.iter().min().expect("there are rounds");
        for (round, took) in rounds.iter_mut().zip(&of_block) {
            *round += *took;
        }
    }
    rounds.sort();
    let each = |took: Duration| took.as_nanos() / requests.len() as u128;
    println!(
        "each: {} ns, the fastest of {ROUNDS} rounds for each {BLOCK} requests; whole rounds {} to {} ns",
        each(fastest),
        each(rounds[0]),
        each(rounds[ROUNDS - 1])
    );
}

fn run(requests: &[Request<'_>]) -> Duration {
    let begun = Instant::now();
    for request in requests {
        let _ = black_box(decode(black_box(request)));
    }
    begun.elapsed()
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
