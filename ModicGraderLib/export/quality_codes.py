"""The codes of quality findings, in short; what a finding says, it says in a sentence with figures."""

from __future__ import annotations

QUALITY_FINDINGS = {
    "t1_missing": "T1 was not given",
    "t2_missing": "T2 was not given",
    "t2_fat_suppressed": "T2 is fat-suppressed",
    "fat_suppression_suspected": "T2 looks fat-suppressed",
    "contrast_agent": "Acquired with contrast agent",
    "single_slice": "A series is a single slice",
    "few_slices": "The slices reach over a small part of the spine",
    "different_studies": "T1 and T2 are of different examinations",
    "small_overlap": "T1 and T2 share little of the picture",
    "shift_noted": "T1 may lie off T2 and was left in place",
    "shift_corrected": "T1 was moved onto T2",
    "shift_corrected_by_discs": "T1 was moved onto T2 by the discs",
    "pixel_size_mismatch": "T1 and T2 disagree about the size of a pixel",
    "picture_stretched": "The pixels may not be of the size told",
    "size_unusual": "Vertebral bodies of unusual size",
    "noisy": "The marrow is noisy",
    "marrow_clipped": "Bright marrow is cut off",
    "marrow_uneven": "The marrow is very uneven",
    "marrow_unreadable": "The marrow could not be read; that series was not graded",
    "numbering_unsure": "The levels may be counted wrongly",
    "sacrum_not_in_view": "The sacrum is not seen",
    "transitional_vertebra_suspected": "A transitional vertebra is possible",
    "block_vertebra_suspected": "A block vertebra is possible, or a disc was missed",
    "disc_not_found": "A disc between others was not found",
    "level_not_in_view": "A disc was not found and is not graded",
    "level_outside_contrast": "A disc lies outside one of the series",
    "level_cut_off": "A disc reaches the edge of the picture",
    "metal_suspected": "Metal is possible",
    "fracture_suspected": "A fracture is possible",
    "infection_not_excluded": "An infection cannot be excluded",
    "corrected_grades_disagree": "Grades that a reader corrected do not fit the rest",
    "change_not_gradable": "A simulated change that a reader would not see",
}
"""Every code that a report can hold, in the order in which the program looks for them."""
