// The part of libpq, PostgreSQL's client library, that Taskwatt calls, declared here and opened at run time: only who keeps the record of
// many machines needs it, and neither a header nor a library is needed to build.
//
// Names and numbers are those of libpq-fe.h and postgres_ext.h of PostgreSQL 15 (libpq.so.5, whose interface only grows); a test compares
// the numbers with what a server answers.
#pragma once

#include <stdint.h>

// An open library; PGconn, PGresult and PQconninfoOption.
typedef struct TWPostgres TWPostgres;
typedef struct TWPgConnection TWPgConnection;
typedef struct TWPgResult TWPgResult;
typedef struct TWPgOptions TWPgOptions;

// ConnStatusType.
enum { TW_PG_CONNECTION_OK = 0, TW_PG_CONNECTION_BAD = 1 };

// PostgresPollingStatusType.
enum { TW_PG_POLLING_FAILED = 0, TW_PG_POLLING_READING = 1, TW_PG_POLLING_WRITING = 2, TW_PG_POLLING_OK = 3 };

// ExecStatusType.
enum {
    TW_PG_EMPTY_QUERY = 0,
    TW_PG_COMMAND_OK = 1,
    TW_PG_TUPLES_OK = 2,
    TW_PG_COPY_OUT = 3,
    TW_PG_COPY_IN = 4,
    TW_PG_FATAL_ERROR = 7,
    TW_PG_COPY_BOTH = 8,
    TW_PG_SINGLE_TUPLE = 9,
};

// PGTransactionStatusType.
enum { TW_PG_TRANSACTION_IDLE = 0 };

// PGVerbosity.
enum { TW_PG_ERRORS_DEFAULT = 1, TW_PG_ERRORS_VERBOSE = 2 };

// Fields of an error: PG_DIAG_SQLSTATE and PG_DIAG_MESSAGE_PRIMARY.
enum { TW_PG_DIAG_SQLSTATE = 'C', TW_PG_DIAG_MESSAGE = 'M' };

// Opens a library file, or one that the loader finds by name. Returns NULL and sets `error` (to be freed) if it cannot be opened or is not
// libpq. An open library is never closed.
const TWPostgres *_Nullable tw_pg_open(const char *_Nonnull file, char *_Nullable *_Nonnull error);
// Such as 150018 of 15.18.
int tw_pg_library_version(const TWPostgres *_Nonnull pg);

// What a connection string says (PQconninfoParse), without the environment, service files and defaults. Returns NULL and sets `error` (to
// be freed) where it is none.
TWPgOptions *_Nullable tw_pg_parse(const TWPostgres *_Nonnull pg, const char *_Nonnull text,
                                   char *_Nullable *_Nonnull error);
// What a connection was made by, with all of these (PQconninfo); NULL where there is no memory.
TWPgOptions *_Nullable tw_pg_options(const TWPostgres *_Nonnull pg, TWPgConnection *_Nonnull connection);
// The value of an option by its keyword; NULL where there is none.
const char *_Nullable tw_pg_option(const TWPgOptions *_Nonnull options, const char *_Nonnull keyword);
void tw_pg_options_free(const TWPostgres *_Nonnull pg, TWPgOptions *_Nonnull options);

// Begins to connect by a connection string (PQconnectStartParams), in UTF-8. Notices of the server are dropped. NULL where there is no memory.
TWPgConnection *_Nullable tw_pg_connect(const TWPostgres *_Nonnull pg, const char *_Nonnull text);
int tw_pg_connect_poll(const TWPostgres *_Nonnull pg, TWPgConnection *_Nonnull connection);
int tw_pg_status(const TWPostgres *_Nonnull pg, TWPgConnection *_Nonnull connection);
int tw_pg_transaction_status(const TWPostgres *_Nonnull pg, TWPgConnection *_Nonnull connection);
// Such as 170002 of 17.2; 0 without a connection.
int tw_pg_server_version(const TWPostgres *_Nonnull pg, TWPgConnection *_Nonnull connection);
// −1 where there is none.
int tw_pg_socket(const TWPostgres *_Nonnull pg, TWPgConnection *_Nonnull connection);
const char *_Nonnull tw_pg_error(const TWPostgres *_Nonnull pg, TWPgConnection *_Nonnull connection);
void tw_pg_set_verbosity(const TWPostgres *_Nonnull pg, TWPgConnection *_Nonnull connection, int verbosity);
int tw_pg_set_nonblocking(const TWPostgres *_Nonnull pg, TWPgConnection *_Nonnull connection);
void tw_pg_finish(const TWPostgres *_Nonnull pg, TWPgConnection *_Nonnull connection);

// Begins a query; results come in binary. Each returns 1 where all is well.
int tw_pg_send(const TWPostgres *_Nonnull pg, TWPgConnection *_Nonnull connection, const char *_Nonnull sql, int count,
               const char *_Nullable const *_Nullable values, const int *_Nullable lengths, const int *_Nullable formats);
int tw_pg_set_single_row(const TWPostgres *_Nonnull pg, TWPgConnection *_Nonnull connection);
// 0 where all is sent, 1 where not yet, −1 where it failed.
int tw_pg_flush(const TWPostgres *_Nonnull pg, TWPgConnection *_Nonnull connection);
int tw_pg_consume(const TWPostgres *_Nonnull pg, TWPgConnection *_Nonnull connection);
int tw_pg_is_busy(const TWPostgres *_Nonnull pg, TWPgConnection *_Nonnull connection);
// The next result; NULL after the last.
TWPgResult *_Nullable tw_pg_result(const TWPostgres *_Nonnull pg, TWPgConnection *_Nonnull connection);

void tw_pg_result_free(const TWPostgres *_Nonnull pg, TWPgResult *_Nonnull result);
int tw_pg_result_status(const TWPostgres *_Nonnull pg, const TWPgResult *_Nonnull result);
const char *_Nullable tw_pg_result_error(const TWPostgres *_Nonnull pg, const TWPgResult *_Nonnull result, int field);
int tw_pg_rows(const TWPostgres *_Nonnull pg, const TWPgResult *_Nonnull result);
int tw_pg_columns(const TWPostgres *_Nonnull pg, const TWPgResult *_Nonnull result);
const char *_Nullable tw_pg_column_name(const TWPostgres *_Nonnull pg, const TWPgResult *_Nonnull result, int column);
uint32_t tw_pg_column_type(const TWPostgres *_Nonnull pg, const TWPgResult *_Nonnull result, int column);
int tw_pg_is_null(const TWPostgres *_Nonnull pg, const TWPgResult *_Nonnull result, int row, int column);
// Bytes of a value, and how many; they live as long as the result.
const char *_Nullable tw_pg_value(const TWPostgres *_Nonnull pg, const TWPgResult *_Nonnull result, int row, int column);
int tw_pg_length(const TWPostgres *_Nonnull pg, const TWPgResult *_Nonnull result, int row, int column);
// How many rows a command changed, as text; empty of others.
const char *_Nonnull tw_pg_changed(const TWPostgres *_Nonnull pg, TWPgResult *_Nonnull result);
