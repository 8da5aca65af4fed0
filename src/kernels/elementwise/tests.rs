use super::*;
use crate::Isa;

#[test]
fn max_abs_sees_every_element() {
    for isa in Isa::available() {
        // up to complete rounds of four chains of sixteen lanes, and beyond
        for len in [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 130] {
            let mut x = [0.25_f32; 130];
            let x = &mut x[..len];
            assert_eq!(isa.run(MaxAbs([x])), if len == 0 { 0.0 } else { 0.25 });
            for i in 0..len {
                x[i] = -3.0;
                assert_eq!(isa.run(MaxAbs([x])), 3.0, "{} {len} {i}", isa.name());
                for several in [[&[0.5][..], x, &[]], [x, &[], &[0.5]]] {
                    assert!((3.0..=3.5).contains(&isa.run(MaxAbs(several))), "{} {len} {i}", isa.name());
                }
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    x[i] = bad;
                    assert!(!isa.run(MaxAbs([x])).is_finite(), "{} {len} {i} {bad}", isa.name());
                    assert!(!isa.run(MaxAbs([&[0.5], x])).is_finite(), "{} {len} {i} {bad}", isa.name());
                }
                x[i] = 0.25;
            }
        }
    }
}
