//! Roles that an operation passes to a service: members of its input that hold the ARN of a role, at any depth.

use std::collections::BTreeSet;

use super::iam::Action;
use super::model::{Model, Operation, Reference, Shape};
use super::wire;

/// Deeper members are left out; roles are not found below.
const DEPTH: usize = 8;

/// The action's column for `iam:PassRole`; None where no role can be passed.
pub(super) fn column(
    model: &Model,
    operation: &Operation,
    action: Option<&Action>,
) -> Option<String> {
    if !passes(model, operation, action) {
        return None;
    }
    let input = wire::body(model, model.input(operation)?)?;
    let mut found = BTreeSet::new();
    walk(model, input, 0, &mut Vec::new(), &mut found);
    if found.is_empty() {
        return None;
    }
    let templates: Vec<String> = found
        .iter()
        .map(|path| format!("?{{b/{path}|role}}"))
        .collect();
    Some(format!("iam:PassRole+ {}", templates.join(" ")))
}

fn passes(model: &Model, operation: &Operation, action: Option<&Action>) -> bool {
    if action.is_some_and(Action::passes_role) {
        return true;
    }
    // Roles that are assumed, described or searched for are not passed.
    let reads = ["Assume", "Get", "List", "Describe", "Search", "BatchGet"]
        .iter()
        .any(|verb| operation.name.starts_with(verb));
    let names_only = ["sts", "iam", "sso-admin", "sso"].contains(&model.service.as_str());
    !reads && !names_only && action.is_none_or(Action::changes_something)
}

fn walk<'m>(
    model: &'m Model,
    shape: &'m Shape,
    depth: usize,
    above: &mut Vec<&'m str>,
    found: &mut BTreeSet<String>,
) {
    if depth > DEPTH {
        return;
    }
    for (name, member) in &shape.members {
        if member.location.is_some() {
            continue;
        }
        let Some(of) = model.shape(member) else {
            continue;
        };
        if holds_role(model, name, of) {
            let path = wire::path(model, name, member);
            found.insert(if depth == 0 {
                path
            } else {
                format!("**/{path}")
            });
            continue;
        }
        below(model, member, depth, above, found);
    }
}

/// Through lists and maps to the structures in them.
fn below<'m>(
    model: &'m Model,
    member: &'m Reference,
    depth: usize,
    above: &mut Vec<&'m str>,
    found: &mut BTreeSet<String>,
) {
    // Recursive structures end where they begin again.
    if above.contains(&member.shape.as_str()) {
        return;
    }
    let Some(shape) = model.shape(member) else {
        return;
    };
    above.push(&member.shape);
    match (&shape.member, &shape.value) {
        (Some(inner), _) | (_, Some(inner)) => below(model, inner, depth, above, found),
        _ => walk(model, shape, depth + 1, above, found),
    }
    above.pop();
}

fn holds_role(model: &Model, name: &str, shape: &Shape) -> bool {
    let name = name.to_lowercase();
    let other = [
        "name",
        "names",
        "type",
        "status",
        "id",
        "session",
        "description",
        "namepath",
    ];
    if !name.contains("role") || other.iter().any(|ending| name.ends_with(ending)) {
        return false;
    }
    let text = |shape: &Shape| shape.kind == "string";
    text(shape)
        || shape
            .member
            .as_ref()
            .and_then(|of| model.shape(of))
            .is_some_and(text)
}
