// Tests of Judging.
