//! Conditions of a statement, compiled: the operator, its quantifier, and what a request without the key means. How single
//! values compare is in `operand`, dates and numbers in `value`.

mod operand;
mod operator;
mod value;

use super::document::Condition;
use super::observed::{Key, Observed, Trace};
use super::request::Request;
use super::truth::{Truth, all, any};

use operand::Operand;
pub(super) use operator::Operator;
use operator::Quantifier;

/// One compiled condition.
#[derive(Clone, Debug)]
pub(super) struct Test {
    key: Key,
    operator: Operator,
    operand: Operand,
}

impl Test {
    /// None: the operator is none that exists, which a parsed document does not have.
    pub(super) fn new(condition: &Condition, has_variables: bool) -> Option<Self> {
        let operator = Operator::parse(&condition.operator)?;
        Some(Self {
            key: Key::new(&condition.key),
            operand: Operand::new(operator.family, &condition.values, has_variables),
            operator,
        })
    }

    /// Whether the condition holds.
    pub(super) fn holds<'a>(&'a self, request: &Request, trace: &mut Trace<'a>) -> Truth {
        match request.observe(&self.key) {
            Observed::Values(values) => self.holds_for(values, request, trace),
            Observed::Absent => self.holds_without_key().into(),
            Observed::Unlisted { is_absent: true } if self.asks_for_presence() => {
                self.holds_without_key().into()
            }
            Observed::Unlisted { .. } => {
                trace.miss(&self.key);
                Truth::Unknown
            }
        }
    }

    fn holds_for<'a>(
        &'a self,
        values: &[String],
        request: &Request,
        trace: &mut Trace<'a>,
    ) -> Truth {
        if let Operand::Null(wanted) = &self.operand {
            return wanted.contains(&values.is_empty()).into();
        }
        let mut single = |value: &String| {
            let matches = self.operand.matches(value, request, trace);
            if self.operator.is_negated {
                !matches
            } else {
                matches
            }
        };
        // An empty string is an empty set.
        let mut present = values.iter().filter(|value| !value.is_empty());
        match self.operator.quantifier {
            Some(Quantifier::All) => all(present.map(single)),
            Some(Quantifier::Any) => any(present.map(single)),
            None if values.is_empty() => self.holds_without_key().into(),
            None => match values {
                [value] => single(value),
                // No quantifier, and several values: any may match, or, negated, none.
                _ if self.operator.is_negated => all(present.by_ref().map(single)),
                _ => any(present.by_ref().map(single)),
            },
        }
    }

    /// What AWS makes of a request that does not have the key.
    fn holds_without_key(&self) -> bool {
        if let Operand::Null(wanted) = &self.operand {
            return wanted.contains(&true);
        }
        self.operator.if_exists
            || match self.operator.quantifier {
                Some(Quantifier::All) => true,
                Some(Quantifier::Any) => false,
                None => self.operator.is_negated,
            }
    }

    /// Whether its form says what a missing key means, so that a key that nobody named is taken as missing.
    fn asks_for_presence(&self) -> bool {
        matches!(self.operand, Operand::Null(_))
            || self.operator.if_exists
            || self.operator.quantifier == Some(Quantifier::All)
    }
}
