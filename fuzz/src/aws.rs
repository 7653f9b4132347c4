//! Requests to AWS.

use whittle_protocol::aws::{Call, Request, Unmapped, decode};

/// A byte that says where the body is cut, a line of method and target, lines of headers, an empty line, the body. A request
/// whose body is cut has the same name as the whole, or none; every action has resources, and each is an ARN or a star.
pub fn aws(bytes: &[u8]) {
    let Some((cut, rest)) = bytes.split_first() else {
        return;
    };
    let end = rest.windows(2).position(|two| two == b"\n\n");
    let (head, body) = match end {
        Some(at) => (&rest[..at], &rest[at + 2..]),
        None => (rest, &[][..]),
    };
    let Ok(head) = std::str::from_utf8(head) else {
        return;
    };
    let mut lines = head.lines();
    let (method, path) = lines
        .next()
        .and_then(|line| line.split_once(' '))
        .unwrap_or_default();
    let headers: Vec<(&str, &[u8])> = lines
        .map(|line| line.split_once(": ").unwrap_or((line, "")))
        .map(|(name, value)| (name, value.as_bytes()))
        .collect();
    let host = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = host.map_or("", |(_, value)| {
        std::str::from_utf8(value).unwrap_or_default()
    });
    let request = |body, body_complete| Request {
        method,
        host,
        path,
        headers: &headers,
        body,
        body_complete,
    };
    let whole = decode(&request(body, true));
    let cut = decode(&request(
        &body[..body.len() * usize::from(*cut) / 256],
        false,
    ));
    check(&whole);
    check(&cut);
    if let (Ok(whole), Ok(cut)) = (&whole, &cut) {
        assert_eq!(
            (whole.service, whole.operation),
            (cut.service, cut.operation)
        );
    }
}

fn check(found: &Result<Call<'_>, Unmapped<'_>>) {
    let Ok(call) = found else {
        return;
    };
    for used in &call.actions {
        assert!(
            used.action.contains(':') && !used.resources.is_empty(),
            "{call:?}"
        );
        let is_known = |resource: &String| resource == "*" || resource.starts_with("arn:");
        assert!(used.resources.iter().all(is_known), "{call:?}");
    }
}
