//! The values that a condition names, compiled by the operator's family, and how a value of the request compares with them.

use super::operator::{Comparison, Family};
use super::value::{Block, Number, address, date, number};
use crate::aws::observed::Trace;
use crate::aws::request::Request;
use crate::aws::template::{Style, Template};
use crate::aws::truth::{Truth, any};

/// The policy's values. One that is none of its family (a date that is no date) matches nothing.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Texts(Vec<Template>),
    /// In lower case.
    TextsIgnoringCase(Vec<Template>),
    Numbers(Comparison, Vec<Number>),
    Dates(Comparison, Vec<Number>),
    /// Base64, as written: a value has one form of it.
    Binaries(Vec<String>),
    Blocks(Vec<Block>),
    Arns(Vec<Template>),
    /// Whether the key may be missing, or present.
    Null(Vec<bool>),
}

impl Operand {
    pub(super) fn new(family: Family, values: &[String], has_variables: bool) -> Self {
        let templates = |style| {
            let template = |value: &String| Template::new(value, style, has_variables);
            values.iter().map(template).collect()
        };
        match family {
            Family::String => Self::Texts(templates(Style::Literal)),
            Family::StringLike => Self::Texts(templates(Style::Wild)),
            Family::StringIgnoreCase | Family::Bool => {
                Self::TextsIgnoringCase(templates(Style::LowerCase))
            }
            Family::Number(comparison) => Self::Numbers(
                comparison,
                values.iter().filter_map(|value| number(value)).collect(),
            ),
            Family::Date(comparison) => Self::Dates(
                comparison,
                values.iter().filter_map(|value| date(value)).collect(),
            ),
            Family::Binary => Self::Binaries(values.to_vec()),
            Family::Ip => Self::Blocks(
                values
                    .iter()
                    .filter_map(|value| Block::parse(value))
                    .collect(),
            ),
            Family::Arn => Self::Arns(templates(Style::Arn)),
            Family::Null => {
                let wanted = |value: &String| value.eq_ignore_ascii_case("true");
                Self::Null(values.iter().map(wanted).collect())
            }
        }
    }

    /// Whether one value of the request matches any of the policy's.
    pub(super) fn matches<'a>(
        &'a self,
        value: &str,
        request: &Request,
        trace: &mut Trace<'a>,
    ) -> Truth {
        let compared = |comparison: &Comparison, these: &[Number], value: Option<Number>| {
            value.is_some_and(|value| {
                let ordering = |other: &Number| value.partial_cmp(other);
                these
                    .iter()
                    .filter_map(ordering)
                    .any(|ordering| comparison.holds(ordering))
            })
        };
        match self {
            Self::Texts(templates) => any(templates
                .iter()
                .map(|template| template.matches(value, request, trace))),
            Self::TextsIgnoringCase(templates) => {
                let value = value.to_lowercase();
                any(templates
                    .iter()
                    .map(|template| template.matches(&value, request, trace)))
            }
            // What has fewer than six parts is no ARN.
            Self::Arns(_) if value.matches(':').count() < 5 => Truth::No,
            Self::Arns(templates) => any(templates
                .iter()
                .map(|template| template.matches(value, request, trace))),
            Self::Numbers(comparison, these) => compared(comparison, these, number(value)).into(),
            Self::Dates(comparison, these) => compared(comparison, these, date(value)).into(),
            Self::Binaries(these) => these.iter().any(|these| these == value).into(),
            Self::Blocks(blocks) => {
                let address = address(value);
                let inside = |address| blocks.iter().any(|block| block.contains(address));
                address.is_some_and(inside).into()
            }
            Self::Null(_) => Truth::No,
        }
    }
}
