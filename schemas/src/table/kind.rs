//! The kinds of values that columns hold: how each becomes Arrow arrays and comes back.

use std::{marker::PhantomData, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, BinaryArray, BooleanArray, Int64Array, Int64Builder, ListArray,
        ListBuilder, StringArray, StringBuilder, TimestampMicrosecondArray,
    },
    datatypes::{DataType, Field, TimeUnit},
};

use super::{
    Error,
    column::{Kind, Source, field},
    text,
    word::Word,
};

/// A time: microseconds UTC.
pub(super) struct Time;

impl Time {
    fn data_type() -> DataType {
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
    }
}

impl Kind for Time {
    type Value = i64;

    fn fields(name: &str, comment: &str, nullable: bool) -> Vec<Field> {
        vec![field(name, Self::data_type(), comment, nullable)]
    }

    fn arrays<'a>(values: impl Iterator<Item = Option<&'a i64>>) -> Vec<ArrayRef> {
        let array: TimestampMicrosecondArray = values.map(Option::<&i64>::copied).collect();
        vec![Arc::new(array.with_timezone("UTC"))]
    }

    fn read(source: &Source<'_>, name: &str) -> Result<Vec<Option<i64>>, Error> {
        let array = source.column::<TimestampMicrosecondArray>(name, &Self::data_type())?;
        Ok(array.map_or_else(|| source.nulls(), |array| array.iter().collect()))
    }
}

/// An unsigned number, as Int64: Spark has no unsigned type. One beyond `i64::MAX` is kept as that.
pub(super) struct Number<N>(PhantomData<N>);

impl<N: Copy + Into<u64> + TryFrom<i64> + 'static> Kind for Number<N> {
    type Value = N;

    fn fields(name: &str, comment: &str, nullable: bool) -> Vec<Field> {
        vec![field(name, DataType::Int64, comment, nullable)]
    }

    fn arrays<'a>(values: impl Iterator<Item = Option<&'a N>>) -> Vec<ArrayRef> {
        let signed = |value: &N| i64::try_from((*value).into()).unwrap_or(i64::MAX);
        vec![Arc::new(
            values
                .map(|value| value.map(signed))
                .collect::<Int64Array>(),
        )]
    }

    fn read(source: &Source<'_>, name: &str) -> Result<Vec<Option<N>>, Error> {
        let Some(array) = source.column::<Int64Array>(name, &DataType::Int64)? else {
            return Ok(source.nulls());
        };
        let unsigned = |value: i64| N::try_from(value).map_err(|_| source.unknown(name, &value));
        array
            .iter()
            .map(|value| value.map(unsigned).transpose())
            .collect()
    }
}

/// Yes or no.
pub(super) struct Flag;

impl Kind for Flag {
    type Value = bool;

    fn fields(name: &str, comment: &str, nullable: bool) -> Vec<Field> {
        vec![field(name, DataType::Boolean, comment, nullable)]
    }

    fn arrays<'a>(values: impl Iterator<Item = Option<&'a bool>>) -> Vec<ArrayRef> {
        vec![Arc::new(
            values
                .map(Option::<&bool>::copied)
                .collect::<BooleanArray>(),
        )]
    }

    fn read(source: &Source<'_>, name: &str) -> Result<Vec<Option<bool>>, Error> {
        let array = source.column::<BooleanArray>(name, &DataType::Boolean)?;
        Ok(array.map_or_else(|| source.nulls(), |array| array.iter().collect()))
    }
}

/// Text that whittle or an administrator wrote.
pub(super) struct Text;

impl Kind for Text {
    type Value = String;

    fn fields(name: &str, comment: &str, nullable: bool) -> Vec<Field> {
        vec![field(name, DataType::Utf8, comment, nullable)]
    }

    fn arrays<'a>(values: impl Iterator<Item = Option<&'a String>>) -> Vec<ArrayRef> {
        vec![Arc::new(values.collect::<StringArray>())]
    }

    fn read(source: &Source<'_>, name: &str) -> Result<Vec<Option<String>>, Error> {
        let array = source.column::<StringArray>(name, &DataType::Utf8)?;
        Ok(array.map_or_else(
            || source.nulls(),
            |array| array.iter().map(|value| value.map(str::to_owned)).collect(),
        ))
    }
}

/// One word of a closed vocabulary, as text.
pub(super) struct OneOf<W>(PhantomData<W>);

impl<W: Word> Kind for OneOf<W> {
    type Value = W;

    fn fields(name: &str, comment: &str, nullable: bool) -> Vec<Field> {
        let words: Vec<_> = W::ALL.iter().map(Word::as_str).collect();
        vec![field(
            name,
            DataType::Utf8,
            &format!("{comment} One of: {}.", words.join(", ")),
            nullable,
        )]
    }

    fn arrays<'a>(values: impl Iterator<Item = Option<&'a W>>) -> Vec<ArrayRef> {
        vec![Arc::new(
            values
                .map(|value| value.map(Word::as_str))
                .collect::<StringArray>(),
        )]
    }

    fn read(source: &Source<'_>, name: &str) -> Result<Vec<Option<W>>, Error> {
        let texts = Text::read(source, name)?.into_iter();
        texts
            .map(|text| {
                text.map(|text| W::parse(&text).ok_or_else(|| source.unknown(name, &text)))
                    .transpose()
            })
            .collect()
    }
}

/// Several texts.
pub(super) struct List;

impl Kind for List {
    type Value = Vec<String>;

    fn fields(name: &str, comment: &str, nullable: bool) -> Vec<Field> {
        vec![field(
            name,
            DataType::new_list(DataType::Utf8, true),
            comment,
            nullable,
        )]
    }

    fn arrays<'a>(values: impl Iterator<Item = Option<&'a Vec<String>>>) -> Vec<ArrayRef> {
        let mut builder = ListBuilder::new(StringBuilder::new());
        for value in values {
            builder.append_option(value.map(|texts| texts.iter().map(Some)));
        }
        vec![Arc::new(builder.finish())]
    }

    fn read(source: &Source<'_>, name: &str) -> Result<Vec<Option<Vec<String>>>, Error> {
        let wanted = DataType::new_list(DataType::Utf8, true);
        let Some(array) = source.column::<ListArray>(name, &wanted)? else {
            return Ok(source.nulls());
        };
        let texts = |list: ArrayRef| {
            let list = list
                .as_any()
                .downcast_ref::<StringArray>()
                .expect("the list was cast to one of Utf8");
            list.iter().flatten().map(str::to_owned).collect()
        };
        Ok(array.iter().map(|list| list.map(texts)).collect())
    }
}

/// Several unsigned numbers, each kept as a [`Number`] is.
pub(super) struct Numbers;

impl Kind for Numbers {
    type Value = Vec<u64>;

    fn fields(name: &str, comment: &str, nullable: bool) -> Vec<Field> {
        let list = DataType::new_list(DataType::Int64, true);
        vec![field(name, list, comment, nullable)]
    }

    fn arrays<'a>(values: impl Iterator<Item = Option<&'a Vec<u64>>>) -> Vec<ArrayRef> {
        let mut builder = ListBuilder::new(Int64Builder::new());
        let signed = |value: &u64| Some(i64::try_from(*value).unwrap_or(i64::MAX));
        for value in values {
            builder.append_option(value.map(|numbers| numbers.iter().map(signed)));
        }
        vec![Arc::new(builder.finish())]
    }

    fn read(source: &Source<'_>, name: &str) -> Result<Vec<Option<Vec<u64>>>, Error> {
        let wanted = DataType::new_list(DataType::Int64, true);
        let Some(array) = source.column::<ListArray>(name, &wanted)? else {
            return Ok(source.nulls());
        };
        let unsigned = |value: i64| u64::try_from(value).map_err(|_| source.unknown(name, &value));
        let numbers = |list: ArrayRef| {
            let list = list
                .as_any()
                .downcast_ref::<Int64Array>()
                .expect("the list was cast to one of Int64");
            list.iter().flatten().map(unsigned).collect()
        };
        array
            .iter()
            .map(|list| list.map(numbers).transpose())
            .collect()
    }
}

/// Bytes that a workload chose, such as a path: a column of escaped text, and one named `…_bytes` with
/// the exact bytes in the rows where the text differs from them.
pub(super) struct Bytes;

impl Kind for Bytes {
    type Value = Vec<u8>;

    fn fields(name: &str, comment: &str, nullable: bool) -> Vec<Field> {
        let exact = format!(
            "The exact bytes of `{name}`, in rows where its text differs from them; else null."
        );
        vec![
            field(name, DataType::Utf8, comment, nullable),
            field(&bytes_name(name), DataType::Binary, &exact, true),
        ]
    }

    fn arrays<'a>(values: impl Iterator<Item = Option<&'a Vec<u8>>>) -> Vec<ArrayRef> {
        let (texts, exact): (Vec<_>, Vec<_>) = values
            .map(|value| {
                let text = value.map(|bytes| text::escape(bytes));
                let exact = value.filter(|bytes| {
                    text.as_ref()
                        .is_some_and(|text| text.as_bytes() != bytes.as_slice())
                });
                (text, exact.map(Vec::as_slice))
            })
            .unzip();
        vec![
            Arc::new(texts.into_iter().collect::<StringArray>()),
            Arc::new(BinaryArray::from(exact)),
        ]
    }

    fn read(source: &Source<'_>, name: &str) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let texts = Text::read(source, name)?;
        let exact = source.column::<BinaryArray>(&bytes_name(name), &DataType::Binary)?;
        let exact = exact.as_ref();
        let of_row = |(row, text): (usize, Option<String>)| {
            let exact = exact
                .filter(|array| array.is_valid(row))
                .map(|array| array.value(row).to_vec());
            exact.or_else(|| {
                text.map(|text| text::unescape(&text).unwrap_or_else(|| text.into_bytes()))
            })
        };
        Ok(texts.into_iter().enumerate().map(of_row).collect())
    }
}

fn bytes_name(name: &str) -> String {
    format!("{name}_bytes")
}
