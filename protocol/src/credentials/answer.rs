//! The answers, in JSON (metadata, containers, and STS where it is asked to) and XML (STS). Values that are not named
//! here are passed over and never copied.

use std::borrow::Cow;

use quick_xml::{Reader, events::Event};
use serde::Deserialize;

use super::{
    Binding, Key, Owner, Principal, Question,
    arn::{is_account, is_key_id},
};

/// Deepest element that is read.
const MOST_DEPTH: usize = 16;

/// What is taken out of an answer.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    access_key_id: Option<String>,
    arn: Option<String>,
    account: Option<String>,
}

pub(super) fn read(question: &Question, body: &[u8]) -> Option<Binding> {
    let text = std::str::from_utf8(body).ok()?;
    let found = if text.trim_start().starts_with('<') {
        of_xml(text)
    } else {
        of_json(text)?
    };
    let issued = found.access_key_id.filter(|id| is_key_id(id));
    let account = found.account.filter(|account| is_account(account));
    let principal = |role| Principal::of_arn(found.arn.as_deref()?, role);
    let (key, owner) = match question {
        Question::Instance { role } => (Key::Issued(issued?), Owner::Role(role.clone())),
        Question::Container => {
            let owner = principal(None)
                .map(Owner::Principal)
                .or(account.map(Owner::Account))?;
            (Key::Issued(issued?), owner)
        }
        Question::AssumeRole { role } => {
            let owner = Owner::Principal(principal(role.as_deref())?);
            (Key::Issued(issued?), owner)
        }
        Question::SessionToken => (Key::Issued(issued?), Owner::Signer),
        Question::FederationToken => (Key::Issued(issued?), Owner::Principal(principal(None)?)),
        Question::CallerIdentity => (Key::Signing, Owner::Principal(principal(None)?)),
    };
    Some(Binding { key, owner })
}

/// The answer of `/latest/meta-data/iam/security-credentials/ROLE`, `/v2/credentials/ID` and `/v1/credentials`, and of
/// STS where JSON was asked for.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Json<'a> {
    #[serde(borrow)]
    access_key_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    role_arn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    account_id: Option<Cow<'a, str>>,
    #[serde(
        borrow,
        alias = "AssumeRoleResponse",
        alias = "AssumeRoleWithWebIdentityResponse",
        alias = "AssumeRoleWithSAMLResponse",
        alias = "GetSessionTokenResponse",
        alias = "GetFederationTokenResponse",
        alias = "GetCallerIdentityResponse"
    )]
    response: Option<StsResponse<'a>>,
}

#[derive(Deserialize)]
struct StsResponse<'a> {
    #[serde(
        borrow,
        alias = "AssumeRoleResult",
        alias = "AssumeRoleWithWebIdentityResult",
        alias = "AssumeRoleWithSAMLResult",
        alias = "GetSessionTokenResult",
        alias = "GetFederationTokenResult",
        alias = "GetCallerIdentityResult"
    )]
    result: StsResult<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StsResult<'a> {
    #[serde(borrow)]
    credentials: Option<StsCredentials<'a>>,
    #[serde(borrow, alias = "FederatedUser")]
    assumed_role_user: Option<StsUser<'a>>,
    #[serde(borrow)]
    arn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    account: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StsCredentials<'a> {
    #[serde(borrow)]
    access_key_id: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StsUser<'a> {
    #[serde(borrow)]
    arn: Cow<'a, str>,
}

fn of_json(text: &str) -> Option<Found> {
    let json: Json<'_> = serde_json::from_str(text).ok()?;
    let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
    let Some(StsResponse { result }) = json.response else {
        return Some(Found {
            access_key_id: owned(json.access_key_id),
            arn: owned(json.role_arn),
            account: owned(json.account_id),
        });
    };
    let user = result.assumed_role_user.map(|user| user.arn);
    let credentials = result.credentials;
    Some(Found {
        access_key_id: owned(credentials.map(|credentials| credentials.access_key_id)),
        arn: owned(user.or(result.arn)),
        account: owned(result.account),
    })
}

/// What stands in the elements that are named here, up to the first fault.
fn of_xml(text: &str) -> Found {
    let mut found = Found::default();
    let mut reader = Reader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                path.push(start.local_name().as_ref().to_owned());
                if path.len() > MOST_DEPTH {
                    return found;
                }
            }
            Ok(Event::End(_)) => {
                path.pop();
            }
            Ok(Event::Text(text)) => {
                let mut last = path.iter().rev().map(String::as_str);
                let (name, parent) = (last.next().unwrap_or(""), last.next().unwrap_or(""));
                let place = match (parent, name) {
                    ("Credentials", "AccessKeyId") => &mut found.access_key_id,
                    ("AssumedRoleUser" | "FederatedUser" | "GetCallerIdentityResult", "Arn") => {
                        &mut found.arn
                    }
                    ("GetCallerIdentityResult", "Account") => &mut found.account,
                    _ => continue,
                };
                *place = Some(text.trim().to_owned());
            }
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => {}
        }
    }
}
