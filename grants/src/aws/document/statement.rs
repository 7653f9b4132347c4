//! JSON to a statement of a document.

use super::json::Json;
use super::parse::optional_text;
use super::{
    Condition, DocumentError, Effect, Match, MatchPrincipal, Place, PrincipalEntry, Statement,
};
use crate::aws::condition::Operator;

const ELEMENTS: [&str; 10] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
    "Comment",
];

/// Reads one statement, and knows where it is.
pub(super) struct Reader<'a> {
    json: &'a Json,
    place: Place,
}

impl<'a> Reader<'a> {
    pub(super) fn new(index: usize, json: &'a Json) -> Self {
        let sid = json.get("Sid").and_then(Json::text).map(str::to_owned);
        let place = Place {
            statement: Some(index + 1),
            sid: sid.filter(|sid| !sid.is_empty()),
            field: None,
        };
        Self { json, place }
    }

    pub(super) fn statement(&self) -> Result<Statement, DocumentError> {
        let Json::Object(members) = self.json else {
            let problem = format!("is {}", self.json.kind());
            return Err(self.error(
                "Statement",
                problem,
                "write an object with Effect, Action and Resource",
            ));
        };
        for (name, _) in members {
            if !ELEMENTS.contains(&name.as_str()) {
                return Err(self.error(
                    name,
                    "is no element of a statement",
                    "check its spelling, which is case-sensitive",
                ));
            }
        }
        let action = self.matching("Action", "NotAction")?.ok_or_else(|| {
            self.error(
                "Action",
                "is missing",
                "name the actions with Action or NotAction",
            )
        })?;
        for pattern in action.patterns() {
            self.action_pattern(&action, pattern)?;
        }
        let resource = self.matching("Resource", "NotResource")?;
        for pattern in resource.iter().flat_map(Match::patterns) {
            self.resource_pattern(pattern)?;
        }
        Ok(Statement {
            sid: optional_text(self.json, "Sid", &self.place)?,
            effect: self.effect()?,
            principal: self.principal()?,
            action,
            resource,
            conditions: self.conditions()?,
        })
    }

    fn effect(&self) -> Result<Effect, DocumentError> {
        const ADVICE: &str = "write \"Allow\" or \"Deny\"";
        match self.json.get("Effect") {
            Some(Json::Text(text)) if text == "Allow" => Ok(Effect::Allow),
            Some(Json::Text(text)) if text == "Deny" => Ok(Effect::Deny),
            Some(Json::Text(text)) => {
                Err(self.error("Effect", format!("{text:?} is no effect"), ADVICE))
            }
            Some(other) => Err(self.error("Effect", format!("is {}", other.kind()), ADVICE)),
            None => Err(self.error("Effect", "is missing", ADVICE)),
        }
    }

    /// An element and its opposite, of which there may be one.
    fn matching(&self, any: &str, not: &str) -> Result<Option<Match>, DocumentError> {
        match (self.json.get(any), self.json.get(not)) {
            (None, None) => Ok(None),
            (Some(json), None) => Ok(Some(Match::Any(self.texts(any, json)?))),
            (None, Some(json)) => Ok(Some(Match::Not(self.texts(not, json)?))),
            (Some(_), Some(_)) => {
                Err(self.error(not, format!("stands beside {any}"), "keep one of the two"))
            }
        }
    }

    /// One string, or a list of at least one.
    fn texts(&self, field: &str, json: &Json) -> Result<Vec<String>, DocumentError> {
        const ADVICE: &str = "write a string or a list of strings";
        let one = |json: &Json| match json {
            Json::Text(text) if text.is_empty() => {
                Err(self.error(field, "is an empty string", ADVICE))
            }
            Json::Text(text) => Ok(text.clone()),
            other => Err(self.error(field, format!("has {}", other.kind()), ADVICE)),
        };
        match json {
            Json::List(list) if list.is_empty() => {
                Err(self.error(field, "is an empty list", ADVICE))
            }
            Json::List(list) => list.iter().map(one).collect(),
            other => Ok(vec![one(other)?]),
        }
    }

    /// `*`, or a service and a name.
    fn action_pattern(&self, action: &Match, pattern: &str) -> Result<(), DocumentError> {
        let field = if action.is_not() {
            "NotAction"
        } else {
            "Action"
        };
        let fits = match pattern.split_once(':') {
            None => pattern.bytes().all(|byte| byte == b'*'),
            Some((service, name)) => !service.is_empty() && !name.is_empty() && !name.contains(':'),
        };
        if fits {
            return Ok(());
        }
        Err(self.error(
            field,
            format!("{pattern:?} is no action"),
            "write service:Action, such as \"s3:GetObject\" or \"s3:Get*\"",
        ))
    }

    /// An ARN, or something with a wildcard in its place.
    fn resource_pattern(&self, pattern: &str) -> Result<(), DocumentError> {
        if pattern.starts_with("arn:") || pattern.contains(['*', '?', '$']) {
            return Ok(());
        }
        Err(self.error(
            "Resource",
            format!("{pattern:?} is no ARN"),
            "write an ARN, such as \"arn:aws:s3:::bucket/*\", or \"*\"",
        ))
    }

    fn principal(&self) -> Result<Option<MatchPrincipal>, DocumentError> {
        match (self.json.get("Principal"), self.json.get("NotPrincipal")) {
            (None, None) => Ok(None),
            (Some(json), None) => Ok(Some(MatchPrincipal::Any(self.entries("Principal", json)?))),
            (None, Some(json)) => Ok(Some(MatchPrincipal::Not(
                self.entries("NotPrincipal", json)?,
            ))),
            (Some(_), Some(_)) => Err(self.error(
                "NotPrincipal",
                "stands beside Principal",
                "keep one of the two",
            )),
        }
    }

    fn entries(&self, field: &str, json: &Json) -> Result<Vec<PrincipalEntry>, DocumentError> {
        const ADVICE: &str =
            "write \"*\", or an object with AWS, Service, Federated or CanonicalUser";
        let members = match json {
            Json::Text(text) if text == "*" => return Ok(vec![PrincipalEntry::Everyone]),
            Json::Object(members) if !members.is_empty() => members,
            Json::Text(text) => {
                return Err(self.error(field, format!("{text:?} has no kind"), ADVICE));
            }
            other => return Err(self.error(field, format!("is {}", other.kind()), ADVICE)),
        };
        let mut entries = Vec::new();
        for (kind, values) in members {
            let place = format!("{field}.{kind}");
            for value in self.texts(&place, values)? {
                entries.push(match kind.as_str() {
                    "AWS" if value == "*" => PrincipalEntry::Everyone,
                    "AWS" => PrincipalEntry::Aws(value),
                    "Service" => PrincipalEntry::Service(value),
                    "Federated" => PrincipalEntry::Federated(value),
                    "CanonicalUser" => PrincipalEntry::CanonicalUser(value),
                    _ => return Err(self.error(&place, "is no kind of principal", ADVICE)),
                });
            }
        }
        Ok(entries)
    }

    fn conditions(&self) -> Result<Vec<Condition>, DocumentError> {
        let operators = match self.json.get("Condition") {
            None => return Ok(Vec::new()),
            Some(Json::Object(operators)) => operators,
            Some(other) => {
                return Err(self.error(
                    "Condition",
                    format!("is {}", other.kind()),
                    "write an object of operators, such as {\"StringEquals\": {…}}",
                ));
            }
        };
        let mut conditions = Vec::new();
        for (operator, keys) in operators {
            let field = format!("Condition.{operator}");
            if Operator::parse(operator).is_none() {
                return Err(self.error(
                    &field,
                    "is no condition operator",
                    "check its spelling, such as StringEquals or ForAnyValue:StringLike",
                ));
            }
            let Json::Object(keys) = keys else {
                return Err(self.error(
                    &field,
                    format!("is {}", keys.kind()),
                    "write an object of keys, such as {\"aws:SourceIp\": […]}",
                ));
            };
            for (key, values) in keys {
                let field = format!("{field}.{key}");
                conditions.push(Condition {
                    operator: operator.clone(),
                    key: key.clone(),
                    values: self.values(&field, values)?,
                });
            }
        }
        Ok(conditions)
    }

    fn values(&self, field: &str, json: &Json) -> Result<Vec<String>, DocumentError> {
        let one = |json: &Json| match json {
            Json::Text(text) | Json::Number(text) => Ok(text.clone()),
            Json::Bool(value) => Ok(value.to_string()),
            other => Err(self.error(
                field,
                format!("has {}", other.kind()),
                "write strings, numbers or booleans",
            )),
        };
        match json {
            Json::List(list) => list.iter().map(one).collect(),
            other => Ok(vec![one(other)?]),
        }
    }

    fn error(
        &self,
        field: &str,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) -> DocumentError {
        let place = Place {
            field: Some(field.to_owned()),
            ..self.place.clone()
        };
        DocumentError::new(place, problem, advice)
    }
}
