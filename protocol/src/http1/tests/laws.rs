//! What holds of any stream, however it is split, and of any bytes.

use proptest::prelude::*;

use super::*;

fn script() -> impl Strategy<Value = Vec<Said>> {
    let message = prop_oneof![Just(GET), Just(PUT), Just(POST)];
    let answer = prop_oneof![Just(OK), Just(DENIED), Just(EMPTY)];
    proptest::collection::vec((message, answer), 1..8).prop_map(|turns| {
        let said = turns
            .iter()
            .flat_map(|(asked, answered)| [sent(asked), received(answered)]);
        said.collect()
    })
}

proptest! {
    #[test]
    fn any_splitting_gives_the_same_exchanges(script in script(), most in 1_usize..80) {
        prop_assert_eq!(understood(&script, most), understood(&script, usize::MAX));
    }

    #[test]
    fn bytes_and_gaps_of_any_kind_never_panic_and_stay_bounded(
        chunks in proptest::collection::vec(
            (any::<bool>(), 0_u64..600, proptest::collection::vec(any::<u8>(), 0..60), 0_u64..90), 0..40)
    ) {
        let mut connection = Connection::new(KEEP_ALL);
        for (is_sent, offset, bytes, length) in chunks {
            let chunk = Chunk { offset, bytes: &bytes, length, lost_before: length % 2 == 0 };
            if is_sent { connection.sent(chunk); } else { connection.received(chunk); }
        }
        prop_assert!(connection.held_bytes() < 1_000_000);
    }

    #[test]
    fn a_gap_never_makes_a_request_that_was_not_sent(
        script in script(), cut in 0_usize..40, from in 0_usize..60, missing in 1_usize..90
    ) {
        // Some bytes of one turn are missing; what comes out are whole requests, of which each was sent.
        let mut cut_script = script.clone();
        let turn = cut % cut_script.len();
        if let Said::Sent(bytes) | Said::Received(bytes) = &script[turn] {
            let from = from % bytes.len();
            let to = (from + missing).min(bytes.len());
            let is_sent = matches!(script[turn], Said::Sent(_));
            let (before, after) = (bytes[..from].to_vec(), bytes[to..].to_vec());
            let gone = (to - from) as u64;
            let parts = if is_sent {
                [Said::Sent(before), Said::SentUnseen(gone), Said::Sent(after)]
            } else {
                [Said::Received(before), Said::ReceivedUnseen(gone), Said::Received(after)]
            };
            cut_script.splice(turn..=turn, parts);
        }
        let (all, _) = understood(&script, usize::MAX);
        let (some, _) = understood(&cut_script, usize::MAX);
        let asked = |line: &String| line.split(" ->").next().unwrap_or_default()
            .trim_end_matches('…').split(' ').take(2).collect::<Vec<_>>().join(" ");
        let known: Vec<String> = all.iter().map(asked).collect();
        for line in &some {
            prop_assert!(known.contains(&asked(line)), "{line} in {some:?}");
        }
        // Bytes of answers alone change no request.
        if matches!(script[turn], Said::Received(_)) {
            prop_assert_eq!(some.len(), all.len());
            let answers = |lines: &[String]| lines.iter().filter(|line| line.contains("-> 403")).count();
            prop_assert!(answers(&some) <= answers(&all));
        }
    }
}
