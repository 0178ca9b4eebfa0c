/* A disk that fails on demand: fsync as the tests link it, in place of the C library's. */
#ifndef DISK_H
#define DISK_H

/// From now on each fsync of the calling thread fails with `error`, but for the next `count`. Error 0 ends that.
void disk_fail_syncs(int error, int count);

#endif
