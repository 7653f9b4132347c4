//! How an operation looks on the wire: the columns of the table that tell one request from another, and where the
//! members of an input are in a request.

use super::model::{Model, Operation, Reference, Shape};

/// The line of a service.
pub(super) fn service(model: &Model) -> String {
    let metadata = &model.metadata;
    let letters: String = model
        .protocols()
        .iter()
        .map(|protocol| letter(protocol))
        .collect();
    let host = metadata.global_endpoint.as_deref().unwrap_or_default();
    format!(
        "S\t{}\t{}\t{}\t{}\t{letters}\t{}\t{}\n",
        model.service,
        signing_names(model),
        metadata.endpoint_prefix,
        host.split('.').next().unwrap_or_default(),
        metadata.target_prefix.as_deref().unwrap_or_default(),
        metadata.api_version,
    )
}

/// Endpoints that sign with another name than the model says are in the endpoint rules only.
fn signing_names(model: &Model) -> String {
    match model.service.as_str() {
        "s3" => "s3,s3express,s3-object-lambda,s3-outposts".to_owned(),
        "s3control" => "s3,s3-outposts,s3express".to_owned(),
        "importexport" => "importexport,IngestionService".to_owned(),
        _ => model.signing_name().to_owned(),
    }
}

fn letter(protocol: &str) -> char {
    match protocol {
        "rest-xml" => 'x',
        "rest-json" => 'r',
        "json" => 'j',
        "query" => 'q',
        "ec2" => 'e',
        "smithy-rpc-v2-cbor" => 'c',
        other => panic!("botocore has a protocol that is not known here: {other}"),
    }
}

/// `METHOD path`, the query's literals, the query keys and the headers that must be there, and the query keys that may:
/// all empty for what is not told apart by its path.
pub(super) fn line(model: &Model, operation: &Operation) -> String {
    if !model.is_rest() {
        return "\t\t\t\t".to_owned();
    }
    let (path, literals) = operation
        .http
        .request_uri
        .split_once('?')
        .unwrap_or((&operation.http.request_uri, ""));
    let mut required = Vec::new();
    let mut headers = Vec::new();
    let mut optional = Vec::new();
    if let Some(input) = model.input(operation) {
        for (name, member) in &input.members {
            let is_required = input.required.contains(name);
            let wire = member.location_name.as_deref().unwrap_or(name);
            match member.location.as_deref() {
                Some("querystring") => {
                    let map = model.shape(member).is_some_and(|shape| shape.kind == "map");
                    match (map, is_required) {
                        (true, _) => optional.push("*".to_owned()),
                        (false, true) => required.push(wire.to_owned()),
                        (false, false) => optional.push(wire.to_owned()),
                    }
                }
                Some("header") if is_required => headers.push(wire.to_lowercase()),
                _ => {}
            }
        }
    }
    format!(
        "{} {path}\t{literals}\t{}\t{}\t{}",
        operation.http.method,
        required.join(","),
        headers.join(","),
        optional.join(",")
    )
}

/// What makes the operation differ from one of the same service that is already in the table.
pub(super) fn identity(model: &Model, operation: &Operation, line: &str) -> String {
    let metadata = &model.metadata;
    if model.is_rest() {
        let key = line.rsplit_once('\t').map_or(line, |(key, _)| key);
        return format!("{} {key}", operation.name);
    }
    let target = metadata.target_prefix.as_deref().unwrap_or_default();
    format!("{} {target} {}", operation.name, metadata.api_version)
}

/// A member of an input, and where it is in a request.
pub(super) struct Member<'m> {
    pub(super) name: &'m str,
    /// `u/Bucket`, `q/prefix`, `h/x-amz-copy-source` or `b/TableName`; a list ends with `/[]`.
    pub(super) source: String,
}

/// The members of the input whose values are strings, or lists of them.
pub(super) fn members<'m>(model: &'m Model, operation: &Operation) -> Vec<Member<'m>> {
    let Some(input) = model.input(operation) else {
        return Vec::new();
    };
    let in_body = body(model, input);
    let members = input.members.iter().filter_map(|(name, member)| {
        let shape = model.shape(member)?;
        let is_list = shape.kind == "list";
        let is_text = is_text(shape)
            || is_list
                && shape
                    .member
                    .as_ref()
                    .and_then(|of| model.shape(of))
                    .is_some_and(is_text);
        if !is_text {
            return None;
        }
        let wire = member.location_name.as_deref().unwrap_or(name);
        let source = match member.location.as_deref() {
            Some("uri") => format!("u/{wire}"),
            Some("querystring") => format!("q/{wire}"),
            Some("header") => format!("h/{}", wire.to_lowercase()),
            None if std::ptr::eq(in_body?, input) => format!("b/{}", path(model, name, member)),
            _ => return None,
        };
        Some(Member { name, source })
    });
    members.collect()
}

fn is_text(shape: &Shape) -> bool {
    shape.kind == "string"
}

/// The shape whose members are the body's: the input itself, or its payload.
pub(super) fn body<'m>(model: &'m Model, input: &'m Shape) -> Option<&'m Shape> {
    match &input.payload {
        None => Some(input),
        Some(payload) => model
            .shape(input.members.get(payload)?)
            .filter(|shape| shape.kind == "structure"),
    }
}

/// The path of a member in a body, without what leads to the structure that it is in.
pub(super) fn path(model: &Model, name: &str, member: &Reference) -> String {
    let wire = wire_name(model, name, member);
    let Some(shape) = model.shape(member).filter(|shape| shape.kind == "list") else {
        return wire;
    };
    let of = shape
        .member
        .as_ref()
        .and_then(|member| member.location_name.as_deref());
    if model.is("rest-xml") {
        let element = of.unwrap_or("member");
        return if shape.flattened == Some(true) {
            wire
        } else {
            format!("{wire}/{element}")
        };
    }
    match of {
        Some(of) if model.is("query") && shape.flattened == Some(true) => format!("{of}/[]"),
        _ => format!("{wire}/[]"),
    }
}

fn wire_name(model: &Model, name: &str, member: &Reference) -> String {
    if model.is("ec2") {
        if let Some(query_name) = &member.query_name {
            return query_name.clone();
        }
        let location = member.location_name.as_deref().unwrap_or(name);
        let mut letters = location.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        return first.into_iter().chain(letters).collect();
    }
    member
        .location_name
        .clone()
        .unwrap_or_else(|| name.to_owned())
}
