//! `whittle decode`: names recorded requests to AWS. One JSON object per line in, one per line out, in the same order
//! (`line` has both); nothing is kept from one line to the next.

mod line;

use std::{
    io::{self, BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
};

use crate::{data::progress::Progress, lines};

/// A line that is longer is refused: no request that can be named is as large.
const MAX_LINE: usize = 16 << 20;

/// Say which operation and actions each recorded request to AWS asks for.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Each line of the file is a request:
  {\"id\":\"1\",\"method\":\"GET\",\"host\":\"b.s3.eu-west-1.amazonaws.com\",
   \"path\":\"/k?versionId=3\",\"headers\":{\"Authorization\":\"AWS4-HMAC-SHA256 …\"},
   \"body_base64\":\"\"}
in one line. `path` has its query; `headers` and `body_base64` may be left out.
`body_complete` false says that the body is only the beginning of one.

Each line of the answer has the same id:
  {\"id\":\"1\",\"service\":\"s3\",\"operation\":\"GetObject\",
   \"actions\":[\"s3:GetObjectVersion\"],\"resources\":[\"arn:aws:s3:::b/k\"],
   \"region\":\"eu-west-1\",\"access_key_id\":\"ASIA…\",\"key_kind\":\"temporary\",
   \"account\":\"123456789012\",\"uses\":[{\"action\":…,\"resources\":[…]}]}
`uses` says which resources each action is used on. A request that the table of
operations does not know is {\"id\":\"1\",\"unmapped\":\"why\"}; nothing is guessed.

Examples:
  whittle decode --requests requests.jsonl
  zcat requests.jsonl.gz | whittle decode --requests - | jq -r .operation

Signatures, session tokens and bodies are in no answer and in no message.
Lines that are no request are reported on stderr with their number and skipped;
the exit status is then 1.")]
pub struct Args {
    /// File with one request per line; - is the standard input.
    #[arg(long, value_name = "FILE.jsonl")]
    pub requests: PathBuf,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not there, or not readable.
    #[error("{path} cannot be read ({source}): name a file with one request per line, or - for the standard input", path = path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The output went away or is full.
    #[error("the answer cannot be written ({0}): check where the output goes")]
    Output(io::Error),
}

/// Names the requests of the file.
///
/// # Errors
/// The file cannot be read, or the answer cannot be written.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let lines =
        lines::open(&args.requests, MAX_LINE).map_err(|source| input_error(args, source))?;
    let stdout = io::stdout().lock();
    match all(args, lines, BufWriter::with_capacity(1 << 16, stdout)) {
        Ok(0) => Ok(ExitCode::SUCCESS),
        Ok(_) => Ok(ExitCode::FAILURE),
        // Who reads the answer has read enough of it, as `head` does.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(error),
    }
}

fn input_error(args: &Args, source: io::Error) -> Error {
    Error::Input {
        path: args.requests.clone(),
        source,
    }
}

/// Gives how many lines were no request.
fn all(args: &Args, lines: lines::Lines, mut output: impl Write) -> Result<u64, Error> {
    let progress = Progress::of_lines();
    let mut bad = 0_u64;
    for line in lines {
        let line = line.map_err(|source| input_error(args, source))?;
        progress.step();
        let answer = match &line.text {
            Ok(text) => line::answer(text),
            Err(error) => Err((*error).into()),
        };
        match answer {
            Ok(answer) => {
                serde_json::to_writer(&mut output, &answer)
                    .map_err(|error| Error::Output(error.into()))?;
                output.write_all(b"\n").map_err(Error::Output)?;
            }
            Err(error) => {
                bad += 1;
                eprintln!("whittle: line {}: {error}", line.number);
            }
        }
    }
    output.flush().map_err(Error::Output)?;
    Ok(bad)
}
