#define _GNU_SOURCE
#include "CPostgres.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// PQnoticeReceiver.
typedef void (*NoticeReceiver)(void *, const TWPgResult *);

// PQconninfoOption, of which a list ends with one without a keyword.
typedef struct {
    char *keyword;
    char *envvar;
    char *compiled;
    char *val;
    char *label;
    char *dispchar;
    int dispsize;
} Option;

struct TWPostgres {
    int (*lib_version)(void);
    TWPgOptions *(*parse)(const char *, char **);
    TWPgOptions *(*options)(TWPgConnection *);
    void (*options_free)(TWPgOptions *);
    void (*free_memory)(void *);
    TWPgConnection *(*connect)(const char *const *, const char *const *, int);
    int (*connect_poll)(TWPgConnection *);
    int (*status)(const TWPgConnection *);
    int (*transaction_status)(const TWPgConnection *);
    int (*server_version)(const TWPgConnection *);
    int (*socket)(const TWPgConnection *);
    char *(*error_message)(const TWPgConnection *);
    int (*set_verbosity)(TWPgConnection *, int);
    int (*set_nonblocking)(TWPgConnection *, int);
    NoticeReceiver (*set_notice_receiver)(TWPgConnection *, NoticeReceiver, void *);
    void (*finish)(TWPgConnection *);
    int (*send)(TWPgConnection *, const char *, int, const unsigned int *, const char *const *, const int *,
                const int *, int);
    int (*set_single_row)(TWPgConnection *);
    int (*flush)(TWPgConnection *);
    int (*consume)(TWPgConnection *);
    int (*is_busy)(TWPgConnection *);
    TWPgResult *(*result)(TWPgConnection *);
    void (*result_free)(TWPgResult *);
    int (*result_status)(const TWPgResult *);
    char *(*result_error)(const TWPgResult *, int);
    int (*rows)(const TWPgResult *);
    int (*columns)(const TWPgResult *);
    char *(*column_name)(const TWPgResult *, int);
    unsigned int (*column_type)(const TWPgResult *, int);
    int (*is_null)(const TWPgResult *, int, int);
    char *(*value)(const TWPgResult *, int, int);
    int (*length)(const TWPgResult *, int, int);
    char *(*changed)(TWPgResult *);
};

const TWPostgres *tw_pg_open(const char *file, char **error) {
    *error = NULL;
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *reason = dlerror();
        *error = strdup(reason != NULL ? reason : file);
        return NULL;
    }
    TWPostgres *pg = calloc(1, sizeof *pg);
    if (pg == NULL) return NULL;
    const char *missing = NULL;
#define FIND(member, name) \
    if ((*(void **)&pg->member = dlsym(library, name)) == NULL) missing = name
    FIND(lib_version, "PQlibVersion");
    FIND(parse, "PQconninfoParse");
    FIND(options, "PQconninfo");
    FIND(options_free, "PQconninfoFree");
    FIND(free_memory, "PQfreemem");
    FIND(connect, "PQconnectStartParams");
    FIND(connect_poll, "PQconnectPoll");
    FIND(status, "PQstatus");
    FIND(transaction_status, "PQtransactionStatus");
    FIND(server_version, "PQserverVersion");
    FIND(socket, "PQsocket");
    FIND(error_message, "PQerrorMessage");
    FIND(set_verbosity, "PQsetErrorVerbosity");
    FIND(set_nonblocking, "PQsetnonblocking");
    FIND(set_notice_receiver, "PQsetNoticeReceiver");
    FIND(finish, "PQfinish");
    FIND(send, "PQsendQueryParams");
    FIND(set_single_row, "PQsetSingleRowMode");
    FIND(flush, "PQflush");
    FIND(consume, "PQconsumeInput");
    FIND(is_busy, "PQisBusy");
    FIND(result, "PQgetResult");
    FIND(result_free, "PQclear");
    FIND(result_status, "PQresultStatus");
    FIND(result_error, "PQresultErrorField");
    FIND(rows, "PQntuples");
    FIND(columns, "PQnfields");
    FIND(column_name, "PQfname");
    FIND(column_type, "PQftype");
    FIND(is_null, "PQgetisnull");
    FIND(value, "PQgetvalue");
    FIND(length, "PQgetlength");
    FIND(changed, "PQcmdTuples");
#undef FIND
    if (missing != NULL) {
        if (asprintf(error, "%s is not libpq: it has no %s", file, missing) < 0) *error = NULL;
        free(pg);
        dlclose(library);
        return NULL;
    }
    return pg;
}

int tw_pg_library_version(const TWPostgres *pg) { return pg->lib_version(); }

TWPgOptions *tw_pg_parse(const TWPostgres *pg, const char *text, char **error) {
    char *reason = NULL;
    TWPgOptions *options = pg->parse(text, &reason);
    *error = reason != NULL ? strdup(reason) : NULL;
    if (reason != NULL) pg->free_memory(reason);
    return options;
}

TWPgOptions *tw_pg_options(const TWPostgres *pg, TWPgConnection *connection) { return pg->options(connection); }

const char *tw_pg_option(const TWPgOptions *options, const char *keyword) {
    for (const Option *option = (const Option *)options; option->keyword != NULL; option++) {
        if (strcmp(option->keyword, keyword) == 0) return option->val;
    }
    return NULL;
}

void tw_pg_options_free(const TWPostgres *pg, TWPgOptions *options) { pg->options_free(options); }

// libpq would write them to standard error.
static void drop(void *context, const TWPgResult *notice) {
    (void)context;
    (void)notice;
}

TWPgConnection *tw_pg_connect(const TWPostgres *pg, const char *text) {
    const char *const keywords[] = {"dbname", "client_encoding", "fallback_application_name", NULL};
    const char *const values[] = {text, "UTF8", "taskwatt", NULL};
    TWPgConnection *connection = pg->connect(keywords, values, 1);
    if (connection != NULL) pg->set_notice_receiver(connection, drop, NULL);
    return connection;
}

int tw_pg_connect_poll(const TWPostgres *pg, TWPgConnection *connection) { return pg->connect_poll(connection); }
int tw_pg_status(const TWPostgres *pg, TWPgConnection *connection) { return pg->status(connection); }
int tw_pg_transaction_status(const TWPostgres *pg, TWPgConnection *connection) {
    return pg->transaction_status(connection);
}
int tw_pg_server_version(const TWPostgres *pg, TWPgConnection *connection) { return pg->server_version(connection); }
int tw_pg_socket(const TWPostgres *pg, TWPgConnection *connection) { return pg->socket(connection); }
const char *tw_pg_error(const TWPostgres *pg, TWPgConnection *connection) { return pg->error_message(connection); }
void tw_pg_set_verbosity(const TWPostgres *pg, TWPgConnection *connection, int verbosity) {
    pg->set_verbosity(connection, verbosity);
}
int tw_pg_set_nonblocking(const TWPostgres *pg, TWPgConnection *connection) {
    return pg->set_nonblocking(connection, 1);
}
void tw_pg_finish(const TWPostgres *pg, TWPgConnection *connection) { pg->finish(connection); }

int tw_pg_send(const TWPostgres *pg, TWPgConnection *connection, const char *sql, int count, const char *const *values,
               const int *lengths, const int *formats) {
    return pg->send(connection, sql, count, NULL, values, lengths, formats, 1);
}
int tw_pg_set_single_row(const TWPostgres *pg, TWPgConnection *connection) { return pg->set_single_row(connection); }
int tw_pg_flush(const TWPostgres *pg, TWPgConnection *connection) { return pg->flush(connection); }
int tw_pg_consume(const TWPostgres *pg, TWPgConnection *connection) { return pg->consume(connection); }
int tw_pg_is_busy(const TWPostgres *pg, TWPgConnection *connection) { return pg->is_busy(connection); }
TWPgResult *tw_pg_result(const TWPostgres *pg, TWPgConnection *connection) { return pg->result(connection); }

void tw_pg_result_free(const TWPostgres *pg, TWPgResult *result) { pg->result_free(result); }
int tw_pg_result_status(const TWPostgres *pg, const TWPgResult *result) { return pg->result_status(result); }
const char *tw_pg_result_error(const TWPostgres *pg, const TWPgResult *result, int field) {
    return pg->result_error(result, field);
}
int tw_pg_rows(const TWPostgres *pg, const TWPgResult *result) { return pg->rows(result); }
int tw_pg_columns(const TWPostgres *pg, const TWPgResult *result) { return pg->columns(result); }
const char *tw_pg_column_name(const TWPostgres *pg, const TWPgResult *result, int column) {
    return pg->column_name(result, column);
}
uint32_t tw_pg_column_type(const TWPostgres *pg, const TWPgResult *result, int column) {
    return pg->column_type(result, column);
}
int tw_pg_is_null(const TWPostgres *pg, const TWPgResult *result, int row, int column) {
    return pg->is_null(result, row, column);
}
const char *tw_pg_value(const TWPostgres *pg, const TWPgResult *result, int row, int column) {
    return pg->value(result, row, column);
}
int tw_pg_length(const TWPostgres *pg, const TWPgResult *result, int row, int column) {
    return pg->length(result, row, column);
}
const char *tw_pg_changed(const TWPostgres *pg, TWPgResult *result) { return pg->changed(result); }
