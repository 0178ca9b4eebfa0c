/* Products with stored floats on vectors, y[i, j] = Σ_l x[i, l] · w[j, l].
 *
 * A cell is one vector along k: LANES floats, or 2 · LANES bfloat16 where the CPU multiplies those in pairs. For every element of y
 *
 *     sum ← 0;  for each block of up to `block_cells` cells:  lanes ← 0;  for each cell: lanes ← lanes + x · w;  sum ← sum + fold(lanes)
 *
 * then the bias. Both ways of computing below keep to this order, so they give the same bits:
 *   few rows   the weights stream from memory once, up to stream_rows rows of x against several rows of w at a time
 *   many rows  blocks of w are unpacked to floats in the second-level cache and meet panels of x, tile_rows × 4 sums in registers
 * Rows of x are packed in cells, the last of which is filled up with zeros; many rows of whole cells are read where they lie,
 * unless so many columns meet them that packing pays.
 */
#include "simd.h"

enum { weights_f32, weights_f16, weights_bf16, weights_pairs };

#if LANES == 16
enum { tile_rows = 6, strip_panels = 1, stream_rows = 8, few_rows = 32, few_of_small = 16, block_cells = 48 };
#else
enum { tile_rows = 3, strip_panels = 2, stream_rows = 4, few_rows = 8, few_of_small = 8, block_cells = 96 };
#endif
enum { tile_columns = 4, block_columns = 64, stream_block = 24, stream_ahead = 2048, chunk_rows = 768, small_weights = 1 << 19 };

/// From so many columns on, packing rows costs less than reading them far apart. With 16 lanes no number was found.
static const size_t packing_columns = LANES == 16 ? SIZE_MAX : 1024;

typedef struct {
    float *y;
    const float *x, *bias;
    const char *w;
    size_t m, n, k;
    size_t cell;  // elements in a cell
    size_t cells; // of a row, the last one perhaps partly filled
    size_t block; // cells of a block
    bool round;   // x to bfloat16
    float *panel; // x in cells: [panel, cell, row of the panel, lane]; NULL where x itself is read
    size_t panels, parts;
} product;

INLINE size_t weight_bytes(int kind) { return kind == weights_f32 ? 4 : 2; }

INLINE V weight_cell(int kind, const char *w) {
    if (kind == weights_bf16) {
        V16 bits;
        memcpy(&bits, w, sizeof bits);
        return (V)(__builtin_convertvector(bits, VU) << 16);
    }
    if (kind == weights_f16) {
        VH halves;
        memcpy(&halves, w, sizeof halves);
        return __builtin_convertvector(halves, V);
    }
    return v_load(w);
}

/// The last cell of a row of which `count` elements are stored.
INLINE V weight_tail(int kind, const char *w, size_t count) {
    if (kind == weights_f32) return v_load_part((const float *)w, count);
    _Alignas(64) char whole[LANES * 4] = {0};
    memcpy(whole, w, count * weight_bytes(kind));
    return weight_cell(kind, whole);
}

INLINE V multiply_add(int kind, V x, V w, V sum) {
#ifdef CK_BF16_PAIRS
    if (kind == weights_pairs) return (V)_mm512_dpbf16_ps((__m512)sum, (__m512bh)x, (__m512bh)w);
#endif
    return v_fma(x, w, sum);
}

/// A cell of x, `count` elements of it stored.
INLINE V activation_cell(int kind, const float *x, size_t count, bool round) {
#ifdef CK_BF16_PAIRS
    if (kind == weights_pairs) {
        V high = count > LANES ? v_load_upto(x + LANES, count - LANES) : (V)(0);
        return (V)_mm512_cvtne2ps_pbh((__m512)high, (__m512)v_load_upto(x, count));
    }
#endif
    V v = v_load_upto(x, count);
    if (round) {
        VU bits = (VU)v, rounded = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000;
        v = v == v ? (V)rounded : v;
    }
    return v;
}

/// A panel of x: where its first row's first cell lies, and how far the next row's and the next cell are.
typedef struct {
    const float *at;
    size_t row, cell;
} panel_of_x;

INLINE panel_of_x panel_at(const product *p, size_t i, size_t rows) {
    if (p->panel) return (panel_of_x){p->panel + i * p->cells * LANES, LANES, rows * LANES};
    return (panel_of_x){p->x + i * p->k, p->k, LANES};
}

/// Writes `rows` rows of x as cells: all rows' first cells, all rows' second cells, …
INLINE void pack_rows(const product *p, int kind, float *panel, const float *x, size_t rows) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < p->cells; c++)
            v_store(panel + (c * rows + r) * LANES, activation_cell(kind, x + r * p->k + c * p->cell, p->k - c * p->cell, p->round));
}

INLINE float finished(const product *p, float sum, size_t j) { return p->bias ? sum + p->bias[j] : sum; }

/// One panel of m rows, from row i on, against the weight rows j, j + step, j + 2 · step, …, `columns` of them.
INLINE void stream_columns(const product *p, int kind, const int m, const int columns, size_t i, size_t j, size_t step) {
    size_t bytes = weight_bytes(kind), row = p->k * bytes, cell = p->cell * bytes;
    size_t whole = p->k / p->cell, tail = p->k % p->cell;
    const char *w = p->w + j * row;
    const float *panel = p->panel + i * p->cells * LANES;
    F4 sum[8][2] = {0};
    for (size_t block = 0; block < p->cells; block += p->block) {
        V lanes[8][8];
        UNROLL for (int r = 0; r < m; r++)
            UNROLL for (int c = 0; c < columns; c++) lanes[r][c] = 0;
        size_t end = CK_MIN(block + p->block, p->cells);
        for (size_t l = block; l < CK_MIN(end, whole); l++) {
            V x[8];
            UNROLL for (int r = 0; r < m; r++) x[r] = v_load(panel + (l * (size_t)m + (size_t)r) * LANES);
            UNROLL for (int c = 0; c < columns; c++) {
                const char *at = w + (size_t)c * step * row + l * cell;
                __builtin_prefetch(at + stream_ahead, 0, 2);
                V weight = weight_cell(kind, at);
                UNROLL for (int r = 0; r < m; r++) lanes[r][c] = multiply_add(kind, x[r], weight, lanes[r][c]);
            }
        }
        if (tail && end == p->cells)
            UNROLL for (int c = 0; c < columns; c++) {
                V weight = weight_tail(kind, w + (size_t)c * step * row + whole * cell, tail);
                UNROLL for (int r = 0; r < m; r++) {
                    V x = v_load(panel + (whole * (size_t)m + (size_t)r) * LANES);
                    lanes[r][c] = multiply_add(kind, x, weight, lanes[r][c]);
                }
            }
        const V zero = 0;
        UNROLL for (int r = 0; r < m; r++)
            UNROLL for (int c = 0; c < columns; c += 4)
                sum[r][c / 4] += v_sums(lanes[r][c], c + 1 < columns ? lanes[r][c + 1] : zero,
                                        c + 2 < columns ? lanes[r][c + 2] : zero, c + 3 < columns ? lanes[r][c + 3] : zero);
    }
    UNROLL for (int r = 0; r < m; r++)
        UNROLL for (int c = 0; c < columns; c++) {
            size_t at = j + (size_t)c * step;
            p->y[(i + (size_t)r) * p->n + at] = finished(p, sum[r][c / 4][c % 4], at);
        }
}

/// One panel against [begin, end). Rows of w that are read side by side lie far apart, each the head of a stream that the CPU
/// fetches ahead; neighbouring rows would share pages, where it sees no streams.
INLINE void stream(const product *p, int kind, const int m, size_t i, size_t begin, size_t end) {
#if LANES == 16
    const int columns = m == 1 ? 4 : m <= 3 ? 8 : m <= 6 ? 4 : 3;
#else
    const int columns = m <= 2 ? 4 : 2;
#endif
    size_t step = (end - begin) / (size_t)columns;
    for (size_t j = begin; j < begin + step; j++) stream_columns(p, kind, m, columns, i, j, step);
    for (size_t j = begin + step * (size_t)columns; j < end; j++) stream_columns(p, kind, m, 1, i, j, 1);
}

/// The first row of panel number `panel`; panels differ by at most one row.
INLINE size_t panel_start(const product *p, size_t panel) {
    return panel * (p->m / p->panels) + CK_MIN(panel, p->m % p->panels);
}

/// All panels against the columns [begin, end), by blocks that stay in the second-level cache from the first panel to the last.
INLINE void stream_panels(const product *p, int kind, size_t begin, size_t end) {
    size_t block = p->panels == 1 ? end - begin : (size_t)stream_block;
    for (size_t j = begin; j < end; j += block) {
        size_t to = CK_MIN(end, j + block);
        for (size_t panel = 0; panel < p->panels; panel++) {
            size_t i = panel_start(p, panel);
            switch (panel_start(p, panel + 1) - i) {
            case 1: stream(p, kind, 1, i, j, to); break;
            case 2: stream(p, kind, 2, i, j, to); break;
            case 3: stream(p, kind, 3, i, j, to); break;
            case 4: stream(p, kind, 4, i, j, to); break;
#if LANES == 16
            case 5: stream(p, kind, 5, i, j, to); break;
            case 6: stream(p, kind, 6, i, j, to); break;
            case 7: stream(p, kind, 7, i, j, to); break;
            default: stream(p, kind, 8, i, j, to); break;
#endif
            }
        }
    }
}

/// panel · block: `rows` rows of x against `tile_columns` rows of w in cells.
INLINE void tile(int kind, const int rows, panel_of_x x, const float *w, size_t cells, F4 *sum) {
    V lanes[6][4];
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int c = 0; c < tile_columns; c++) lanes[i][c] = 0;
    // The shorter side of the tile is held. With the sums and one vector of the longer side it fills the registers exactly.
    for (size_t l = 0; l < cells; l++) {
        V held[4];
        if (rows < tile_columns) {
            UNROLL for (int i = 0; i < rows; i++) held[i] = v_load(x.at + (size_t)i * x.row);
            UNROLL for (int c = 0; c < tile_columns; c++) {
                V weight = v_load(w + c * LANES);
                UNROLL for (int i = 0; i < rows; i++) lanes[i][c] = multiply_add(kind, held[i], weight, lanes[i][c]);
            }
        } else {
            UNROLL for (int c = 0; c < tile_columns; c++) held[c] = v_load(w + c * LANES);
            UNROLL for (int i = 0; i < rows; i++) {
                V activation = v_load(x.at + (size_t)i * x.row);
                UNROLL for (int c = 0; c < tile_columns; c++) lanes[i][c] = multiply_add(kind, activation, held[c], lanes[i][c]);
            }
        }
        x.at += x.cell;
        w += tile_columns * LANES;
    }
    v_row_sums(rows, lanes, sum);
}

/// One panel of x against `columns` ≤ tile_columns columns from j on, over the cells [block, block + cells).
INLINE void finished_tile(const product *p, int kind, const int rows, const float *w, size_t i, size_t j, size_t columns, size_t block, size_t cells) {
    bool first = block == 0, last = block + cells == p->cells;
    panel_of_x x = panel_at(p, i, (size_t)rows);
    x.at += block * x.cell;
    F4 sum[6];
    float *y = p->y + i * p->n + j;
    UNROLL for (int r = 0; r < rows; r++) __builtin_prefetch(y + (size_t)r * p->n, 1, 3);
    tile(kind, rows, x, w, cells, sum);
    if (!first) UNROLL for (int r = 0; r < rows; r++) sum[r] += four_load(y + (size_t)r * p->n, columns);
    if (last && p->bias) {
        F4 bias = four_load(p->bias + j, columns);
        UNROLL for (int r = 0; r < rows; r++) sum[r] += bias;
    }
    UNROLL for (int r = 0; r < rows; r++) four_store(y + (size_t)r * p->n, sum[r], columns);
}

#if LANES == 8
/// Fetches share `share` of `shares` of a panel's cells [block, block + cells). Packed cells of one panel lie side by side.
INLINE void fetch_ahead(const product *p, size_t panel, size_t block, size_t cells, size_t share, size_t shares) {
    const size_t line = 64;
    size_t i = panel_start(p, panel), rows = panel_start(p, panel + 1) - i;
    panel_of_x x = panel_at(p, i, rows);
    size_t pieces = p->panel ? 1 : rows, bytes = cells * (p->panel ? rows : 1) * LANES * sizeof(float);
    for (size_t r = 0; r < pieces; r++) {
        const char *at = (const char *)(x.at + block * x.cell + r * x.row);
        for (size_t b = share * bytes / shares / line * line; b < (share + 1) * bytes / shares; b += line) __builtin_prefetch(at + b, 0, 3);
    }
}
#endif

/// The panels [from, to) against one block of columns [j, j + columns). A strip of panels stays in the first-level cache while
/// the groups of columns come from the second, and the next strip is fetched meanwhile.
INLINE void tiles(const product *p, int kind, const float *w, size_t from, size_t to, size_t j, size_t columns, size_t block, size_t cells) {
    for (size_t strip = from; strip < to; strip += strip_panels) {
        size_t panels = CK_MIN((size_t)strip_panels, to - strip), start[strip_panels + 1];
        for (size_t panel = 0; panel <= panels; panel++) start[panel] = panel_start(p, strip + panel);
        for (size_t c = 0; c < columns; c += tile_columns) {
            size_t count = CK_MIN((size_t)tile_columns, columns - c);
            const float *group = w + c * cells * LANES;
            for (size_t panel = 0; panel < panels; panel++) {
#if LANES == 8
                if (strip + panel + strip_panels < to)
                    fetch_ahead(p, strip + panel + strip_panels, block, cells, c / tile_columns, (columns + tile_columns - 1) / tile_columns);
#endif
                size_t i = start[panel];
                switch (start[panel + 1] - i) {
                case 1: finished_tile(p, kind, 1, group, i, j + c, count, block, cells); break;
                case 2: finished_tile(p, kind, 2, group, i, j + c, count, block, cells); break;
                case 3: finished_tile(p, kind, 3, group, i, j + c, count, block, cells); break;
#if LANES == 16
                case 4: finished_tile(p, kind, 4, group, i, j + c, count, block, cells); break;
                case 5: finished_tile(p, kind, 5, group, i, j + c, count, block, cells); break;
                default: finished_tile(p, kind, 6, group, i, j + c, count, block, cells); break;
#endif
                }
            }
        }
    }
}

/// Unpacks cells [block, block + cells) of the weight rows [j, j + columns): [group of tile_columns rows, cell, row, lane].
INLINE void pack_weights(const product *p, int kind, float *packed, size_t j, size_t columns, size_t block, size_t cells) {
    size_t bytes = weight_bytes(kind);
    for (size_t c = 0; c < columns; c++) {
        const char *w = p->w + ((j + c) * p->k + block * p->cell) * bytes;
        float *to = packed + (c / tile_columns * cells * tile_columns + c % tile_columns) * LANES;
        size_t stored = p->k - block * p->cell, whole = CK_MIN(cells, stored / p->cell);
        for (size_t l = 0; l < whole; l++) v_store(to + l * tile_columns * LANES, weight_cell(kind, w + l * p->cell * bytes));
        if (whole < cells)
            v_store(to + whole * tile_columns * LANES, weight_tail(kind, w + whole * p->cell * bytes, stored - whole * p->cell));
    }
    for (size_t c = columns; c % tile_columns != 0; c++) // rows that only fill up the last group
        for (size_t l = 0; l < cells; l++)
            v_store(packed + (c / tile_columns * cells * tile_columns + l * tile_columns + c % tile_columns) * LANES, (V)(0));
}

INLINE void pack_panels(const product *p, int kind, size_t begin, size_t end) {
    for (size_t panel = begin; panel < end; panel++) {
        size_t row = panel_start(p, panel), rows = panel_start(p, panel + 1) - row;
        pack_rows(p, kind, p->panel + row * p->cells * LANES, p->x + row * p->k, rows);
    }
}

/// Tasks [begin, end), each a block of columns against one part of the panels.
INLINE void multiply_blocks(const product *p, int kind, size_t begin, size_t end) {
    float *packed = ck_scratch(1, (size_t)block_columns * block_cells * LANES * sizeof(float));
    for (size_t task = begin; task < end; task++) {
        size_t j = task / p->parts * block_columns, columns = CK_MIN(p->n - j, (size_t)block_columns), part = task % p->parts;
        size_t from = part * p->panels / p->parts, to = (part + 1) * p->panels / p->parts;
        for (size_t block = 0; block < p->cells; block += p->block) {
            size_t cells = CK_MIN(p->cells - block, p->block);
            pack_weights(p, kind, packed, j, columns, block, cells);
            tiles(p, kind, packed, from, to, j, columns, block, cells);
        }
    }
}

typedef void (*piece_body)(void *, size_t, size_t);

/// Whether rows of x are whole cells as they lie.
INLINE bool has_cells(const product *p, int kind) { return kind != weights_pairs && !p->round && p->k > 0 && p->k % p->cell == 0; }

/// Packs all rows of x in parallel.
INLINE void pack_all(product *p, size_t panel_rows, piece_body pack) {
    p->panel = ck_scratch(2, p->m * p->cells * LANES * sizeof(float));
    ck_parallel(p->panels, ck_grain(p->k * panel_rows / 4), p, pack);
}

/// Few rows: the weights stream, in parallel. The panels are packed, which leaves registers for the streams.
INLINE void multiply_few(product *p, int kind, piece_body pack, piece_body columns) {
    p->panels = (p->m + stream_rows - 1) / stream_rows;
    if (p->m == 1 && has_cells(p, kind)) p->panel = (float *)p->x;
    else pack_all(p, stream_rows, pack);
    ck_parallel(p->n, 1 + 65536 / (p->k * CK_MAX(1, p->m / 2) + 1), p, columns);
}

/// Many rows, by chunks that bound the memory for x in cells.
INLINE void multiply_many(product *p, int kind, piece_body pack, piece_body blocks) {
    size_t rows = p->m, threads = ck_helping_threads();
    for (size_t chunks = (rows + chunk_rows - 1) / chunk_rows; chunks > 0; chunks--) {
        p->m = rows / chunks;
        p->panels = (p->m + tile_rows - 1) / tile_rows;
        p->panel = NULL;
        if (!has_cells(p, kind) || p->n >= packing_columns) pack_all(p, tile_rows, pack);
        size_t columns = (p->n + block_columns - 1) / block_columns;
        p->parts = 1;
        while (threads > 1 && columns * p->parts < 4 * threads && p->panels / (2 * p->parts) >= 2) p->parts *= 2;
        size_t cost = p->m / p->parts * block_columns * p->k;
        ck_parallel(columns * p->parts, 1 + 131072 / (cost + 1), p, blocks);
        p->y += p->m * p->n;
        p->x += p->m * p->k;
        rows -= p->m;
    }
}

// One product for each kind of weights: functions for the pieces, then the entry.
#define LINEAR_SIMD(operation, kind, rounds)                                                                           \
    static void operation##_pack(void *p, size_t begin, size_t end) { pack_panels(p, kind, begin, end); }              \
    static void operation##_blocks(void *p, size_t begin, size_t end) { multiply_blocks(p, kind, begin, end); }        \
    static void operation##_columns(void *p, size_t begin, size_t end) { stream_panels(p, kind, begin, end); }         \
    void CK_VARIANT(operation)(float *y, const float *x, ck_matrix w, const float *bias, size_t m) {                   \
        product p = {.y = y, .x = x, .bias = bias, .w = w.elements, .m = m, .n = w.rows, .k = w.columns, .round = rounds}; \
        p.cell = kind == weights_pairs ? 2 * LANES : LANES;                                                            \
        p.cells = CK_MAX(1, (p.k + p.cell - 1) / p.cell);                                                              \
        size_t blocks = (p.cells + block_cells - 1) / block_cells;                                                     \
        p.block = (p.cells + blocks - 1) / blocks;                                                                     \
        if (p.m == 0 || p.n == 0) return;                                                                              \
        size_t few = p.n * p.k <= small_weights ? few_of_small : few_rows;                                             \
        if (p.m <= few) multiply_few(&p, kind, operation##_pack, operation##_columns);                                 \
        else multiply_many(&p, kind, operation##_pack, operation##_blocks);                                            \
    }
#ifdef CK_BF16_PAIRS
LINEAR_SIMD(ck_linear_narrow_bf16, weights_pairs, false)
#else
LINEAR_SIMD(ck_linear_f32, weights_f32, false)
LINEAR_SIMD(ck_linear_f16, weights_f16, false)
LINEAR_SIMD(ck_linear_bf16, weights_bf16, false)
LINEAR_SIMD(ck_linear_narrow_bf16, weights_bf16, true)

void CK_VARIANT(ck_linear_narrow_f32)(float *y, const float *x, ck_matrix w, const float *bias, size_t m) {
    CK_VARIANT(ck_linear_f32)(y, x, w, bias, m);
}

void CK_VARIANT(ck_linear_narrow_f16)(float *y, const float *x, ck_matrix w, const float *bias, size_t m) {
    CK_VARIANT(ck_linear_f16)(y, x, w, bias, m);
}
#endif
