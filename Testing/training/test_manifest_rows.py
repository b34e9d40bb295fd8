"""Tests of manifests that are no CSV."""

import pytest

from ModicGraderLib.errors import InputError
from ModicGraderLib.training.manifest_rows import read_rows

LINE = "a,t2.nii.gz,L5/S1,0,"


@pytest.mark.parametrize(
    ("text", "row"),
    [
        # Read leniently, the quote would take in all rows that follow.
        (f'study,t2,level,modic,excluded\n{LINE}"slip\n{LINE}\n', 3),
        (f'study,t2,level,modic,excluded\n{LINE}"slip" of L5\n{LINE}\n', 2),
        (f'"study,t2,level,modic,excluded\n{LINE}\n', 2),
        (f"study,t2,level,modic,excluded\n{LINE}{'slip ' * 30_000}\n", 2),
    ],
)
def test_a_row_that_is_no_csv_is_told_with_its_mend(tmp_path, text, row):
    (tmp_path / "t2.nii.gz").touch()
    (tmp_path / "studies.csv").write_text(text, encoding="utf-8")
    sentence = rf"^line {row} of studies\.csv is no CSV \(.+\); close its quotes, and double those inside a cell$"
    with pytest.raises(InputError, match=sentence):
        list(read_rows(tmp_path / "studies.csv"))
