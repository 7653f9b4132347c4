//! JSON: walked once, with the paths that still lead somewhere. A body that ends early, or is no JSON, gives what was
//! found until there.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::Values;
use super::active::Active;

/// Whether it was read to its end.
pub(super) fn read<'a>(body: &'a [u8], values: &mut Values<'a>) -> bool {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let active = Active::all(values);
    Walk { active, values }.deserialize(&mut reader).is_ok() && reader.end().is_ok()
}

struct Walk<'w, 'a> {
    active: Active,
    values: &'w mut Values<'a>,
}

impl<'a> DeserializeSeed<'a> for Walk<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<(), D::Error> {
        if self.active.is_empty() {
            return reader.deserialize_ignored_any(IgnoredAny).map(drop);
        }
        reader.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Walk<'_, 'a> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, value: &'a str) -> Result<(), E> {
        self.active.keep(Cow::Borrowed(value), self.values);
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.active.keep(Cow::Owned(value.to_owned()), self.values);
        Ok(())
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key_seed(Key)? {
            self.active.keep_key(&key, self.values);
            let active = self.active.below(&key);
            map.next_value_seed(Walk {
                active,
                values: self.values,
            })?;
            if self.values.all_found() {
                return Err(M::Error::custom("nothing more is asked for"));
            }
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut list: S) -> Result<(), S::Error> {
        let active = self.active.elements();
        while list
            .next_element_seed(Walk {
                active: active.clone(),
                values: self.values,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The key of a map's entry; what is no string is an empty one.
struct Key;

impl<'a> DeserializeSeed<'a> for Key {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Key {
    type Value = Cow<'a, str>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, value: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}
