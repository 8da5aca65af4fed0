extern crate std;

use super::*;

#[test]
fn starts_a_line_and_so_does_its_copy() -> Result<(), ConfigError> {
    // many at a time, so that the allocator hands out all the addresses it may
    let blocks = (0..100).map(AlignedVec::zeroed).collect::<Result<Vec<_>, _>>()?;
    for (len, mut block) in blocks.into_iter().enumerate() {
        block.as_mut().iter_mut().zip(1_u8..).for_each(|(x, i)| *x = f32::from(i));
        let mut copy = block.clone();
        assert!(copy == block);
        copy.last_mut().into_iter().for_each(|last| *last += 1.0);
        assert!(copy != block || len == 0);
        copy = block.clone();
        for block in [&block, &copy] {
            let floats = block.as_ref();
            assert_eq!((&block[..], std::format!("{block:?}")), (floats, std::format!("{floats:?}")));
            assert_eq!(floats.len(), len);
            assert!(floats.iter().zip(1_u8..).all(|(x, i)| *x == f32::from(i)));
            assert!(!PACKS || cfg!(miri) || len == 0 || floats.as_ptr().addr() % 64 == 0, "{len}");
        }
    }
    assert!(matches!(AlignedVec::zeroed(usize::MAX), Err(ConfigError::OutOfMemory)));
    Ok(())
}
