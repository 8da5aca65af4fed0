//! int8 weights as bytes: a safetensors file of one spelling, made and read without a heap. The guide's page
//! `checkpoint_format` has it byte by byte.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

use super::{CRC_LEN, LENGTH_LEN, check_finite, crc::crc32, header::digits, header::write_numbers, split, words};
use crate::{
    config::{Config, Sizes},
    error::{CheckpointError, ConfigError},
    model::parameters::Weights,
    prediction::{
        quantized::{
            cell::QuantizedCell,
            rounding::{rounded, rounded_bias, scale, scale_with_bias},
            weights::{Quantized, checked_sizes},
        },
        weights::ModelWeights,
    },
};
#[cfg(feature = "alloc")]
use crate::{
    error::{CorpusError, Error},
    heap::filled,
    text::vocabulary::Vocabulary,
};

const COUNT: usize = 13;
const VERSION: u32 = 1;

/// One tensor as the header describes it.
#[derive(Clone, Copy)]
struct Tensor {
    name: &'static str,
    dtype: &'static str,
    /// One size or two.
    rank: usize,
    shape: [usize; 2],
    offsets: [usize; 2],
}

impl Tensor {
    const fn len(&self) -> usize {
        self.offsets[1] - self.offsets[0]
    }
}

/// The tensors of these sizes, one behind the other; `None` where the sum overflows.
#[inline(never)]
const fn layout<C: QuantizedCell>(&Sizes { v, d, hidden: h, .. }: &Sizes, words: usize) -> Option<[Tensor; COUNT]> {
    const fn tensor(name: &'static str, dtype: &'static str, rank: usize, shape: [usize; 2]) -> Tensor {
        Tensor { name, dtype, rank, shape, offsets: [0; 2] }
    }
    let ([of_wx, of_wh, b, wx, wh], gates) = (C::TENSORS, C::SIZES.gates * h);
    let mut tensors = [
        tensor("embed.W.scale", "F32", 1, [v, 1]),
        tensor(of_wx, "F32", 1, [gates, 1]),
        tensor(of_wh, "F32", 1, [gates, 1]),
        tensor("affine.W.scale", "F32", 1, [v, 1]),
        tensor(b, "I32", 1, [gates, 1]),
        tensor("affine.b", "I32", 1, [v, 1]),
        tensor("embed.W", "I8", 2, [v, d]),
        tensor(wx, "I8", 2, [gates, d]),
        tensor(wh, "I8", 2, [gates, h]),
        tensor("affine.W.T", "I8", 2, [v, h]),
        tensor("rnnlm.vocabulary", "U8", 1, [words, 1]),
        tensor("rnnlm.int8", "U8", 1, [size_of::<u32>(), 1]),
        tensor("rnnlm.crc32", "U8", 1, [CRC_LEN, 1]),
    ];
    let (mut end, mut number) = (0_usize, 0);
    while number < COUNT {
        let tensor = &mut tensors[number];
        let Some(elements) = tensor.shape[0].checked_mul(tensor.shape[1]) else { return None };
        // the first six have four bytes in each element
        let Some(bytes) = elements.checked_mul(if number < 6 { 4 } else { 1 }) else { return None };
        let Some(next) = end.checked_add(bytes) else { return None };
        tensor.offsets = [end, next];
        end = next;
        number += 1;
    }
    Some(tensors)
}

/// Gives the text of a header to `put`, piece by piece, without its padding.
fn write_header<E>(tensors: &[Tensor; COUNT], put: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    for (number, tensor) in tensors.iter().enumerate() {
        put(if number == 0 { b"{\"" } else { b",\"" })?;
        put(tensor.name.as_bytes())?;
        put(b"\":{\"dtype\":\"")?;
        put(tensor.dtype.as_bytes())?;
        put(b"\",\"shape\":[")?;
        write_numbers(tensor.shape.get(..tensor.rank).unwrap_or(&[]), put)?;
        put(b"],\"data_offsets\":[")?;
        write_numbers(&tensor.offsets, put)?;
        put(b"]}")?;
    }
    put(b"}")
}

/// The bytes before the data: the header with its length and padding.
#[inline(never)]
const fn header_len(tensors: &[Tensor; COUNT]) -> usize {
    let (mut len, mut number) = (LENGTH_LEN + 1, 0);
    while number < COUNT {
        let Tensor { name, dtype, rank, shape: [rows, cols], offsets: [begin, end] } = &tensors[number];
        len += 2 + name.len() + 12 + dtype.len() + 11 + 18 + 2;
        len += digits(*rows) + if *rank == 2 { 1 + digits(*cols) } else { 0 } + digits(*begin) + 1 + digits(*end);
        number += 1;
    }
    len.next_multiple_of(8)
}

/// V, D, H and the length of the vocabulary, as a header tells them: its numbers outside of strings at these places.
fn sizes_in(text: &[u8]) -> Option<[usize; 4]> {
    const PLACES: [usize; 4] = [0, 19, 27, 34];
    let (mut sizes, mut count) = ([None; 4], 0);
    let (mut number, mut is_string) = (None::<usize>, false);
    for &byte in text {
        is_string ^= byte == b'"';
        if let (b'0'..=b'9', false) = (byte, is_string) {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(usize::from(byte - b'0'))?);
        } else if let Some(number) = number.take() {
            for (size, _) in sizes.iter_mut().zip(PLACES).filter(|&(_, place)| place == count) {
                *size = Some(number);
            }
            count += 1;
        }
    }
    let [v, d, h, words] = sizes;
    Some([v?, d?, h?, words?])
}

/// The tensors that a header describes, where it is the one that they are written with.
fn read_header<C: QuantizedCell>(text: &[u8]) -> Result<(Config, [Tensor; COUNT]), CheckpointError> {
    let [v, d, h, words] = sizes_in(text).ok_or(CheckpointError::Header { at: 0 })?;
    let config = Config { vocab_size: v, wordvec_size: d, hidden_size: h, batch_size: 1, time_size: 1 };
    let tensors = layout::<C>(&checked_sizes::<C>(config)?, words).ok_or(ConfigError::TooLarge)?;
    let mut at = 0;
    write_header(&tensors, &mut |piece| {
        let is_here = text.get(at..).is_some_and(|rest| rest.starts_with(piece));
        at += if is_here { piece.len() } else { 0 };
        if is_here { Ok(()) } else { Err(CheckpointError::Header { at }) }
    })?;
    let padding = text.get(at..).unwrap_or(&[]);
    let is_padding = LENGTH_LEN + text.len() == header_len(&tensors) && padding.iter().all(|&byte| byte == b' ');
    if is_padding { Ok((config, tensors)) } else { Err(CheckpointError::Header { at }) }
}

impl<'a> Quantized<'a> {
    /// The length of a file for a model of these sizes with so many bytes of vocabulary.
    ///
    /// ```
    /// use rnnlm::{Config, Quantized};
    /// const CONFIG: Config =
    ///     Config { vocab_size: 10_000, wordvec_size: 100, hidden_size: 100, batch_size: 1, time_size: 1 };
    /// assert!(Quantized::encoded_len(CONFIG, 0)? < 2_150_000);
    /// # Ok::<(), rnnlm::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// Bad sizes, D or H above 65,536, or a file longer than can be addressed.
    pub const fn encoded_len(config: Config, vocabulary: usize) -> Result<usize, ConfigError> {
        Self::encoded_len_as(config, vocabulary)
    }

    /// Reads a file, in place: one pass over its bytes for the checksum, one over its weights for their bounds. Takes
    /// no memory.
    ///
    /// # Errors
    /// Whatever is wrong with it: [`CheckpointError::Header`] for any other header than [`Self::write`] gives it, of a
    /// [`Checkpoint`](crate::Checkpoint) or of an LSTM for instance; [`ConfigError::TooLarge`] for rows whose sums
    /// leave an i32.
    pub fn read(file: &'a [u8]) -> Result<Self, CheckpointError> {
        Self::read_as(file)
    }

    /// What [`Self::from_block`] takes of a file: all but header, words and checksum. The checksum is looked at.
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub fn block(file: &'a [u8]) -> Result<&'a [u8], CheckpointError> {
        Self::block_as(file)
    }
}

impl<'a, C: QuantizedCell> Quantized<'a, C> {
    /// [`Quantized::encoded_len`] for the cell that the type says.
    ///
    /// # Errors
    /// As [`Quantized::encoded_len`].
    pub const fn encoded_len_as(config: Config, vocabulary: usize) -> Result<usize, ConfigError> {
        let sizes = match checked_sizes::<C>(config) {
            Ok(sizes) => sizes,
            Err(error) => return Err(error),
        };
        let Some(tensors) = layout::<C>(&sizes, vocabulary) else { return Err(ConfigError::TooLarge) };
        match header_len(&tensors).checked_add(tensors[COUNT - 1].offsets[1]) {
            Some(len) => Ok(len),
            None => Err(ConfigError::TooLarge),
        }
    }

    /// Rounds weights to int8, row by row, into a file: with their words, each of the V ended by a newline, or none at
    /// all. Returns its length, which is [`Self::encoded_len_as`]. Equal weights give equal bytes.
    ///
    /// # Errors
    /// [`CheckpointError::BufferLength`] where `to` is shorter; words that are not V different lines; a weight that is
    /// not finite, or so large that no scale is; D or H above 65,536. What `to` holds is then of no use.
    pub fn write<'w, P: ModelWeights<'w, Cell = C>>(
        weights: &P,
        words: &str,
        to: &mut [u8],
    ) -> Result<usize, CheckpointError> {
        let config = weights.config().ok_or(ConfigError::ShapesDiffer)?;
        let (needed, given) = (Self::encoded_len_as(config, words.len())?, to.len());
        let to = to.get_mut(..needed).ok_or(CheckpointError::BufferLength { needed, given })?;
        words::check(words, config.vocab_size)?;
        words::check_different(words, to)?;
        let (weights, sizes) = (weights.slices(), config.checked_sizes());
        for (tensor, data) in C::NAMES.into_iter().zip(weights.in_order()) {
            check_finite(tensor, data)?;
        }
        let tensors = layout::<C>(&sizes, words.len()).ok_or(ConfigError::TooLarge)?;
        let header = header_len(&tensors);
        let (head, rest) = to.split_at_mut_checked(header).unwrap_or_default();
        head.fill(b' ');
        let mut at = 0;
        let mut put = |piece: &[u8]| {
            let place = head.get_mut(at..).and_then(|rest| rest.get_mut(..piece.len()));
            place.unwrap_or(&mut []).iter_mut().zip(piece).for_each(|(to, &byte)| *to = byte);
            at += piece.len();
            Ok::<(), CheckpointError>(())
        };
        put(&((header - LENGTH_LEN) as u64).to_le_bytes())?;
        write_header(&tensors, &mut put)?;
        write_tensors::<C>(&weights, &sizes, &tensors, words, rest)?;
        let (all, checksum) = to.split_last_chunk_mut::<CRC_LEN>().ok_or(CheckpointError::Truncated)?;
        *checksum = crc32(all).to_le_bytes();
        Ok(needed)
    }

    /// [`Quantized::read`] for the cell that the type says.
    ///
    /// # Errors
    /// As [`Quantized::read`]; a file of another cell has another header.
    pub fn read_as(file: &'a [u8]) -> Result<Self, CheckpointError> {
        let (config, words, block) = Self::parts_of(file)?;
        Ok(Self { words, ..Self::from_block_as(config, block)? })
    }

    /// [`Quantized::block`] for the cell that the type says.
    ///
    /// # Errors
    /// As [`Quantized::block`].
    pub fn block_as(file: &'a [u8]) -> Result<&'a [u8], CheckpointError> {
        let (config, _, block) = Self::parts_of(file)?;
        Self::from_block_as(config, block).map(|_| block)
    }

    /// The sizes, the words and the block of a file, each checked but for what the numbers are.
    fn parts_of(file: &'a [u8]) -> Result<(Config, &'a str, &'a [u8]), CheckpointError> {
        let (text, data) = split(file)?;
        let (config, tensors) = read_header::<C>(text)?;
        let len = tensors[COUNT - 1].offsets[1];
        if data.len() != len {
            return Err(if data.len() < len { CheckpointError::Truncated } else { CheckpointError::Layout });
        }
        let (all, checksum) = file.split_last_chunk::<CRC_LEN>().ok_or(CheckpointError::Truncated)?;
        if crc32(all).to_le_bytes() != *checksum {
            return Err(CheckpointError::Checksum);
        }
        let [.., words, version, _] = &tensors;
        let part = |tensor: &Tensor| {
            let [begin, end] = tensor.offsets;
            data.get(begin..end).unwrap_or(&[])
        };
        let found = part(version).first_chunk().map_or(0, |&four| u32::from_le_bytes(four));
        if found != VERSION {
            return Err(CheckpointError::Version { found });
        }
        let block = data.get(..words.offsets[0]).unwrap_or(&[]);
        let words = core::str::from_utf8(part(words)).map_err(|_| CheckpointError::Words)?;
        words::check(words, config.vocab_size)?;
        Ok((config, words, block))
    }
}

#[cfg(feature = "alloc")]
impl<C: QuantizedCell> Quantized<'_, C> {
    /// [`Self::write`] into memory of the heap. An empty vocabulary stands for ids without words.
    ///
    /// ```
    /// use rnnlm::{Config, Corpus, Quantized, SimpleRnnlm, Xorshift};
    /// let corpus = Corpus::from_text("you say goodbye and i say hello .\n")?;
    /// let vocab_size = corpus.vocabulary().len();
    /// let config = Config { vocab_size, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let file = Quantized::to_vec(&model.weights(), corpus.vocabulary())?;
    /// assert_eq!(&Quantized::read(&file)?.vocabulary()?, corpus.vocabulary());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What [`Self::write`] refuses, a word that holds a newline, memory that the allocator refuses.
    pub fn to_vec<'w, P: ModelWeights<'w, Cell = C>>(weights: &P, vocabulary: &Vocabulary) -> Result<Vec<u8>, Error> {
        let words = vocabulary.to_lines()?;
        let config = weights.config().ok_or(ConfigError::ShapesDiffer)?;
        let mut file = filled(Self::encoded_len_as(config, words.len())?, 0)?;
        Self::write(weights, &words, &mut file)?;
        Ok(file)
    }

    /// The vocabulary; empty where the file has no words.
    ///
    /// # Errors
    /// [`CorpusError::DuplicateWord`], [`CorpusError::OutOfMemory`].
    pub fn vocabulary(&self) -> Result<Vocabulary, CorpusError> {
        Vocabulary::from_words(self.words())
    }
}

/// Cuts the memory of each tensor off.
struct CutMut<'a>(&'a mut [u8]);

impl<'a> CutMut<'a> {
    fn bytes(&mut self, tensor: &Tensor) -> &'a mut [u8] {
        let (part, rest) = core::mem::take(&mut self.0).split_at_mut_checked(tensor.len()).unwrap_or_default();
        self.0 = rest;
        part
    }

    fn fours(&mut self, tensor: &Tensor) -> &'a mut [[u8; 4]] {
        self.bytes(tensor).as_chunks_mut().0
    }
}

/// A matrix whose rows, of `len` elements, become rows of int8.
#[derive(Clone, Copy)]
struct Source<'a> {
    name: &'static str,
    data: &'a [f32],
    len: usize,
    /// How far apart elements of a row are, and rows.
    strides: [usize; 2],
}

impl<'a> Source<'a> {
    fn by_rows(name: &'static str, data: &'a [f32], cols: usize) -> Self {
        Self { name, data, len: cols, strides: [1, cols] }
    }

    fn by_columns(name: &'static str, data: &'a [f32], [rows, cols]: [usize; 2]) -> Self {
        Self { name, data, len: rows, strides: [cols, 1] }
    }

    fn row(self, row: usize) -> impl Iterator<Item = f32> + use<'a> {
        let [element, apart] = self.strides;
        (0..self.len).map(move |k| self.data.get(row * apart + k * element).copied().unwrap_or(0.0))
    }

    /// Row by row; with biases, where rows have them.
    fn write(
        self,
        biases: &[f32],
        scales_to: &mut [[u8; 4]],
        biases_to: &mut [[u8; 4]],
        mut to: &mut [u8],
    ) -> Result<(), CheckpointError> {
        let (mut biases, mut biases_to) = (biases.iter(), biases_to.iter_mut());
        for (row, scale_to) in scales_to.iter_mut().enumerate() {
            let scale = match (biases.next(), biases_to.next()) {
                (Some(&bias), Some(bias_to)) => {
                    let scale = scale_with_bias(self.row(row), bias);
                    *bias_to = rounded_bias(bias, scale.unwrap_or(1.0)).to_le_bytes();
                    scale
                }
                _ => scale(self.row(row)),
            };
            let scale = scale.ok_or(CheckpointError::NotFinite { tensor: self.name })?;
            *scale_to = scale.to_le_bytes();
            let (now, later) = to.split_at_mut_checked(self.len).unwrap_or_default();
            now.iter_mut().zip(self.row(row)).for_each(|(to, w)| *to = rounded(w, scale) as u8);
            to = later;
        }
        Ok(())
    }
}

/// All tensors but the checksum.
fn write_tensors<C: QuantizedCell>(
    weights: &Weights<&[f32]>,
    &Sizes { v, d, hidden: h, .. }: &Sizes,
    tensors: &[Tensor; COUNT],
    words: &str,
    to: &mut [u8],
) -> Result<(), CheckpointError> {
    let [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, _] = tensors;
    let mut cut = CutMut(to);
    let [embed_scale, wx_scale, wh_scale, affine_scale, rnn_b, affine_b] =
        [t0, t1, t2, t3, t4, t5].map(|tensor| cut.fours(tensor));
    let [embed_w, rnn_wx, rnn_wh, affine_w, vocabulary, version] =
        [t6, t7, t8, t9, t10, t11].map(|tensor| cut.bytes(tensor));
    let ([of_embed, of_wx, of_wh, _, of_affine, _], gates) = (C::NAMES, C::SIZES.gates * h);
    Source::by_rows(of_embed, weights.embed_w, d).write(&[], embed_scale, &mut [], embed_w)?;
    Source::by_columns(of_wx, weights.rnn_wx, [d, gates]).write(&[], wx_scale, &mut [], rnn_wx)?;
    Source::by_columns(of_wh, weights.rnn_wh, [h, gates]).write(weights.rnn_b, wh_scale, rnn_b, rnn_wh)?;
    let affine = Source::by_columns(of_affine, weights.affine_w, [h, v]);
    affine.write(weights.affine_b, affine_scale, affine_b, affine_w)?;
    vocabulary.iter_mut().zip(words.bytes()).for_each(|(to, byte)| *to = byte);
    version.iter_mut().zip(VERSION.to_le_bytes()).for_each(|(to, byte)| *to = byte);
    Ok(())
}
