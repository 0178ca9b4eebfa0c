#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stddef.h>

/// Lets libarchive take this thread's names for UTF-8, whatever the process's locale says, and gives the locale that was in
/// force: without one that has them, names of other letters than ASCII's cannot be read from pax and zip archives.
static inline locale_t ca_speak_utf8(void) {
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return utf8 == (locale_t)0 ? (locale_t)0 : uselocale(utf8);
}

/// Ends what `ca_speak_utf8` began; `before` is what it gave.
static inline void ca_speak_as_before(locale_t before) {
    if (before == (locale_t)0) return;
    freelocale(uselocale(before));
}
