#pragma once

#include <zlib.h>

// inflateInit2 is a macro, which Swift does not see. −15: deflated data without a header, as in zip archives.
static inline int tw_inflate_init(z_streamp stream) { return inflateInit2(stream, -15); }
