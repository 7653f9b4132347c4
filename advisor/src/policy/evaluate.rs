//! `whittle policy evaluate`: requests in, decisions out, line by line.

use std::{
    collections::HashMap,
    io::{self, BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use serde::Serialize;
use serde_json::value::RawValue;
use whittle_grants::aws::{Policies, PoliciesError, PolicySet, Question, QuestionError};

use crate::lines::{self, LineError};

/// Most bytes of one line. Ten of AWS's largest managed policies have 1.5 MB.
const MAX_LINE_BYTES: usize = 16 << 20;
/// Most bytes of policies whose compiled form is kept for the next line that has the same.
const MAX_CACHED_BYTES: usize = 64 << 20;

/// Say for each request whether its policies allow it, and which statement decides.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
A line of the file is a request and the policies that bear on it:
  {\"id\": 1,
   \"principal\": \"arn:aws:iam::123456789012:role/etl\",
   \"action\": \"s3:GetObject\", \"resource\": \"arn:aws:s3:::bucket/key\",
   \"resource_account\": \"123456789012\",
   \"context\": {\"aws:SourceIp\": \"203.0.113.7\"},
   \"policies\": {\"identity\": [], \"boundary\": [], \"session\": [],
                \"scp\": [[]], \"rcp\": [[]], \"resource\": null}}
(without the line breaks). Each policy is a document, or {\"name\", \"document\"}. scp and rcp have a \
list for each level, from the organization's root to the account.

An answer is a line, too:
  {\"id\": 1, \"decision\": \"allowed\", \"statement\": \"identity[0]#Read\",
   \"missing_context\": []}
decision is allowed, explicit_deny, implicit_deny (nothing allows it), or depends: a condition is on \
context that the request does not give, and missing_context names its keys.

In context, null says that a key is not in the request. A key that is left out was not observed; \
only IfExists, ForAllValues, Null and a variable's default, which say themselves what a missing key \
means, take it as missing. \"unobserved\": [\"KEY\"] makes these depend, too.

Examples:
  whittle policy evaluate --requests requests.jsonl
  jq -c .request log.json | whittle policy evaluate --requests - |
    jq -c 'select(.decision != \"allowed\")'

A line that is no request is named on standard error and has no answer; the exit status is then 1.")]
pub struct Args {
    /// File with one request in JSON per line; - is standard input.
    #[arg(long, value_name = "FILE")]
    pub requests: PathBuf,
}

/// Why there are no answers.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{} cannot be read ({error}): check --requests", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The output went away or is full.
    #[error("the answers cannot be written ({0}): check where the output goes")]
    Output(io::Error),
}

/// Why a line has no answer.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error(transparent)]
    Line(#[from] LineError),
    #[error(transparent)]
    Question(#[from] QuestionError),
    #[error(transparent)]
    Policies(#[from] PoliciesError),
}

#[derive(Serialize)]
struct Answer<'a> {
    id: &'a RawValue,
    decision: &'static str,
    statement: Option<String>,
    missing_context: Vec<String>,
}

/// Reads requests and prints decisions.
///
/// # Errors
/// The file cannot be read, or the output is full. A bad line is no error, but makes the status 1.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let input = |error| Error::Input {
        path: args.requests.clone(),
        error,
    };
    let lines = lines::open(&args.requests, MAX_LINE_BYTES).map_err(input)?;
    let mut output = BufWriter::new(io::stdout().lock());
    let mut sets = Sets::default();
    let mut bad = false;
    for line in lines {
        let line = line.map_err(input)?;
        let answered = line.text.map_err(Unanswered::from);
        match answered.and_then(|text| answer(&text, &mut sets)) {
            Ok(answer) => writeln!(output, "{answer}").map_err(Error::Output)?,
            Err(why) => {
                bad = true;
                let path = args.requests.display();
                eprintln!("whittle: {path}, line {}: {why}", line.number);
            }
        }
    }
    output.flush().map_err(Error::Output)?;
    Ok(ExitCode::from(u8::from(bad)))
}

fn answer(line: &str, sets: &mut Sets) -> Result<String, Unanswered> {
    let question = Question::parse(line)?;
    let decision = sets.get(question.policies)?.evaluate(&question.request);
    let id = RawValue::from_string(question.id.to_owned());
    let answer = Answer {
        id: &id.expect("it was JSON in the line"),
        decision: decision.verdict.name(),
        statement: decision.statement.map(|statement| statement.to_string()),
        missing_context: decision.missing_context,
    };
    Ok(serde_json::to_string(&answer).expect("plain values are always JSON"))
}

/// Compiled policies by their text: most files ask many questions of few policies.
#[derive(Default)]
struct Sets {
    compiled: HashMap<String, Arc<PolicySet>>,
    bytes: usize,
}

impl Sets {
    fn get(&mut self, policies: &str) -> Result<Arc<PolicySet>, PoliciesError> {
        if let Some(set) = self.compiled.get(policies) {
            return Ok(Arc::clone(set));
        }
        let set = Arc::new(PolicySet::new(&Policies::parse(policies)?));
        if self.bytes + policies.len() > MAX_CACHED_BYTES {
            self.compiled.clear();
            self.bytes = 0;
        }
        self.bytes += policies.len();
        self.compiled.insert(policies.to_owned(), Arc::clone(&set));
        Ok(set)
    }
}
