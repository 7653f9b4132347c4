//! S3: what a request acts on, from where bucket and key are (path, host, or an access point's ARN in either), and the
//! actions of its other kinds: S3 Express, Object Lambda, Outposts.

use std::borrow::Cow;

use super::actions::Context;
use super::endpoint::{Endpoint, Style};
use super::find::Matched;
use super::template::Resources;
use super::{Request, route, uri};

/// Where `DeleteObjects` has its keys.
pub(super) const KEYS: &str = "Object/Key";

/// Bucket and key of a request.
pub(super) struct Place<'a> {
    /// As the request has it; an ARN where it is an access point in the path.
    pub(super) bucket: Option<Cow<'a, str>>,
    key: Option<Cow<'a, str>>,
    style: Style<'a>,
    signing: &'a str,
}

impl<'a> Place<'a> {
    pub(super) fn of(matched: &Matched<'a>, endpoint: &Endpoint<'a>) -> Self {
        let label = |name| route::label(matched.operation.path, &matched.segments, name);
        Self {
            bucket: label("Bucket").map(uri::decoded),
            key: label("Key").map(uri::decoded),
            style: endpoint.style,
            signing: matched.signing,
        }
    }

    /// The full name of an action that is called `s3:NAME` elsewhere.
    pub(super) fn action(&self, name: &str) -> String {
        match self.signing {
            "s3-object-lambda" | "s3-outposts" => format!("{}:{name}", self.signing),
            "s3express" => {
                // Objects are reached through a session, and that is what a policy allows.
                let own = ["CreateBucket", "DeleteBucket"].contains(&name)
                    || [
                        "BucketPolicy",
                        "EncryptionConfiguration",
                        "LifecycleConfiguration",
                        "InventoryConfiguration",
                        "MetricsConfiguration",
                    ]
                    .iter()
                    .any(|ending| name.ends_with(ending));
                format!("s3express:{}", if own { name } else { "CreateSession" })
            }
            _ => format!("s3:{name}"),
        }
    }

    /// Adds what `@bucket`, `@object`, `@objects` or `@source` stands for.
    pub(super) fn add(&self, context: &Context<'_, '_>, which: &str, to: &mut Resources) {
        let mut add = |resource: String| to.add(resource);
        if which == "@source" {
            let source = source(context.request);
            add(source.map_or_else(|| "*".to_owned(), |source| source.arn(context.partition)));
            return;
        }
        let Some(bucket) = self.bucket_arn(context) else {
            add("*".to_owned());
            return;
        };
        match which {
            // There the access point is all that a policy names.
            _ if ["s3express", "s3-object-lambda"].contains(&self.signing) => add(bucket),
            "@bucket" => add(bucket),
            "@objects" => {
                for key in context.values.at(context.path_of(KEYS)) {
                    add(object(&bucket, key));
                }
                if !context.values.whole
                    || context.values.at(context.path_of(KEYS)).next().is_none()
                {
                    add(object(&bucket, "*"));
                }
            }
            _ => add(object(&bucket, self.key.as_deref().unwrap_or("*"))),
        }
    }

    /// The ARN of the bucket or access point; None where the request does not say it.
    fn bucket_arn(&self, context: &Context<'_, '_>) -> Option<String> {
        let (partition, region) = (context.partition, context.region);
        let service = match self.signing {
            "s3-object-lambda" => "s3-object-lambda",
            _ => "s3",
        };
        match self.style {
            Style::AccessPoint(name, account) => {
                return Some(format!(
                    "arn:{partition}:{service}:{region}:{account}:accesspoint/{name}"
                ));
            }
            Style::OutpostAccessPoint(name, account, outpost) => {
                return Some(format!(
                    "arn:{partition}:s3-outposts:{region}:{account}:outpost/{outpost}/accesspoint/{name}"
                ));
            }
            Style::MultiRegionAccessPoint(alias) => {
                let account = context.account();
                return Some(format!("arn:{partition}:s3::{account}:accesspoint/{alias}"));
            }
            Style::Path | Style::VirtualHost(_) => {}
        }
        let bucket = self.bucket.as_deref()?;
        if bucket.starts_with("arn:") {
            return Some(bucket.to_owned());
        }
        if self.signing == "s3express" {
            let account = context.account();
            return Some(format!(
                "arn:{partition}:s3express:{region}:{account}:bucket/{bucket}"
            ));
        }
        // Aliases of access points stand for a bucket that the request does not name.
        if bucket.ends_with("-s3alias") || bucket.ends_with("--ol-s3") {
            return None;
        }
        Some(format!("arn:{partition}:s3:::{bucket}"))
    }
}

fn object(bucket: &str, key: &str) -> String {
    if bucket.contains(":accesspoint/") || bucket.contains("/accesspoint/") {
        format!("{bucket}/object/{key}")
    } else {
        format!("{bucket}/{key}")
    }
}

/// What a copy reads.
pub(super) struct Source<'a> {
    path: Cow<'a, str>,
    pub(super) has_version: bool,
}

/// `x-amz-copy-source: /bucket/key?versionId=…`, or the ARN of an access point's object.
pub(super) fn source<'a>(request: &Request<'a>) -> Option<Source<'a>> {
    let value = std::str::from_utf8(uri::header(request, "x-amz-copy-source")?).ok()?;
    let (path, version) = value
        .split_once("?versionId=")
        .map_or((value, false), |(path, _)| (path, true));
    Some(Source {
        path: uri::decoded(path.strip_prefix('/').unwrap_or(path)),
        has_version: version,
    })
}

impl Source<'_> {
    fn arn(&self, partition: &str) -> String {
        if self.path.starts_with("arn:") {
            self.path.clone().into_owned()
        } else {
            format!("arn:{partition}:s3:::{}", self.path)
        }
    }
}
