//! Names of condition operators: `ForAllValues:StringNotLikeIfExists` is a quantifier, a family, a negation and an ending.

use std::cmp::Ordering;

/// A condition operator, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::aws) struct Operator {
    pub(super) quantifier: Option<Quantifier>,
    pub(super) family: Family,
    pub(super) is_negated: bool,
    pub(super) if_exists: bool,
}

/// How many of the request's values have to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    All,
    Any,
}

/// How values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    String,
    StringIgnoreCase,
    StringLike,
    Number(Comparison),
    Date(Comparison),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

/// The orderings of the request's value to the policy's that count as a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Comparison(&'static [Ordering]);

const EQUAL: Comparison = Comparison(&[Ordering::Equal]);
const LESS: Comparison = Comparison(&[Ordering::Less]);
const AT_MOST: Comparison = Comparison(&[Ordering::Less, Ordering::Equal]);
const GREATER: Comparison = Comparison(&[Ordering::Greater]);
const AT_LEAST: Comparison = Comparison(&[Ordering::Greater, Ordering::Equal]);

impl Comparison {
    pub(super) fn holds(self, ordering: Ordering) -> bool {
        self.0.contains(&ordering)
    }
}

impl Operator {
    /// Reads a name; case does not matter. None: there is no such operator.
    pub(in crate::aws) fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let (quantifier, rest) = match name.split_once(':') {
            Some(("forallvalues", rest)) => (Some(Quantifier::All), rest),
            Some(("foranyvalue", rest)) => (Some(Quantifier::Any), rest),
            Some(_) => return None,
            None => (None, name.as_str()),
        };
        let (rest, if_exists) = match rest.strip_suffix("ifexists") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (family, is_negated) = family(rest)?;
        // A check for a missing key that holds when the key is missing would say nothing.
        let is_possible = !(if_exists && family == Family::Null);
        is_possible.then_some(Self {
            quantifier,
            family,
            is_negated,
            if_exists,
        })
    }
}

fn family(name: &str) -> Option<(Family, bool)> {
    Some(match name {
        "stringequals" => (Family::String, false),
        "stringnotequals" => (Family::String, true),
        "stringequalsignorecase" => (Family::StringIgnoreCase, false),
        "stringnotequalsignorecase" => (Family::StringIgnoreCase, true),
        "stringlike" => (Family::StringLike, false),
        "stringnotlike" => (Family::StringLike, true),
        "numericequals" => (Family::Number(EQUAL), false),
        "numericnotequals" => (Family::Number(EQUAL), true),
        "numericlessthan" => (Family::Number(LESS), false),
        "numericlessthanequals" => (Family::Number(AT_MOST), false),
        "numericgreaterthan" => (Family::Number(GREATER), false),
        "numericgreaterthanequals" => (Family::Number(AT_LEAST), false),
        "dateequals" => (Family::Date(EQUAL), false),
        "datenotequals" => (Family::Date(EQUAL), true),
        "datelessthan" => (Family::Date(LESS), false),
        "datelessthanequals" => (Family::Date(AT_MOST), false),
        "dategreaterthan" => (Family::Date(GREATER), false),
        "dategreaterthanequals" => (Family::Date(AT_LEAST), false),
        "bool" => (Family::Bool, false),
        "binaryequals" => (Family::Binary, false),
        "ipaddress" => (Family::Ip, false),
        "notipaddress" => (Family::Ip, true),
        "arnequals" | "arnlike" => (Family::Arn, false),
        "arnnotequals" | "arnnotlike" => (Family::Arn, true),
        "null" => (Family::Null, false),
        _ => return None,
    })
}
