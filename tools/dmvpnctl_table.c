/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dmvpnctl_table: rows of JSON as aligned columns. All cells are formatted first, then the widths
 * are known. Rates compare a row with the one of the reading before that has the same id members.
 */
#include <stdlib.h>
#include <string.h>

#include "dmvpnctl.h"

#define CELL_LEN    160
#define COLUMNS_MAX 24

const json_t *ctl_member(const json_t *row, const char *path)
{
	const char *dot = strchr(path, '.');
	char name[64];

	if (!dot)
		return json_object_get(row, path);
	snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
	return ctl_member(json_object_get(row, name), dot + 1);
}

void ctl_age_format(char *buf, size_t size, long long seconds)
{
	const long long days = seconds / 86400, hours = seconds / 3600 % 24;

	if (days >= 7)
		snprintf(buf, size, "%lldw%lldd", days / 7, days % 7);
	else if (days > 0)
		snprintf(buf, size, "%lldd%02lldh", days, hours);
	else
		snprintf(buf, size, "%02lld:%02lld:%02lld", hours, seconds / 60 % 60, seconds % 60);
}

/* 1234 -> 1.23k; three digits that mean something. */
static void scaled_format(char *buf, size_t size, double value)
{
	static const char *const units[] = {"", "k", "M", "G", "T", "P"};
	size_t unit = 0;

	while (value >= 999.5 && unit < 5) {
		value /= 1000;
		unit++;
	}
	snprintf(buf, size, "%.*f%s",
		 unit == 0 || value >= 99.95 ? 0
		 : value >= 9.995            ? 1
					     : 2,
		 value, units[unit]);
}

/* {"a": "x", "b": 1} -> "x/1" */
static size_t object_format(char *buf, size_t size, json_t *object)
{
	size_t used = 0;
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		const char *slash = used > 0 ? "/" : "";

		if (used >= size)
			break;
		if (json_is_integer(value))
			used += (size_t)snprintf(buf + used, size - used, "%s%" JSON_INTEGER_FORMAT,
						 slash, json_integer_value(value));
		else
			used += (size_t)snprintf(buf + used, size - used, "%s%s", slash,
						 json_is_string(value) ? json_string_value(value)
								       : "-");
	}
	return used;
}

static void array_format(char *buf, size_t size, const json_t *array)
{
	size_t used = 0, i;
	json_t *item;

	snprintf(buf, size, "%s", json_array_size(array) ? "" : "-");
	for (i = 0; i < json_array_size(array) && used < size; i++) {
		item = json_array_get(array, i);
		if (i > 0)
			used += (size_t)snprintf(buf + used, size - used, ",");
		if (used >= size)
			break;
		if (json_is_string(item))
			used += (size_t)snprintf(buf + used, size - used, "%s",
						 json_string_value(item));
		else if (json_is_object(item))
			used += object_format(buf + used, size - used, item);
		else
			used += (size_t)snprintf(buf + used, size - used, "%" JSON_INTEGER_FORMAT,
						 json_integer_value(item));
	}
}

static void value_format(char *buf, size_t size, const json_t *value)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		snprintf(buf, size, "%s",
			 json_string_length(value) ? json_string_value(value) : "-");
		return;
	case JSON_INTEGER:
		snprintf(buf, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return;
	case JSON_REAL:
		snprintf(buf, size, "%.1f", json_real_value(value));
		return;
	case JSON_TRUE:
		snprintf(buf, size, "yes");
		return;
	case JSON_FALSE:
		snprintf(buf, size, "no");
		return;
	case JSON_ARRAY:
		array_format(buf, size, value);
		return;
	case JSON_OBJECT:
	case JSON_NULL:
		snprintf(buf, size, "-");
		return;
	}
}

const char *ctl_member_text(const json_t *row, const char *path)
{
	static char text[CELL_LEN];

	value_format(text, sizeof(text), ctl_member(row, path));
	return text;
}

/* ---- rates ---- */

static bool is_rate(enum ctl_kind kind)
{
	return kind == CTL_RATE || kind == CTL_BITS;
}

static void row_id(char *buf, size_t size, const json_t *row, const struct ctl_rates *rates)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < 3 && rates->id[i] && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s|",
					 ctl_member_text(row, rates->id[i]));
}

/* id -> row of the reading before. */
static json_t *previous_index(const struct ctl_rates *rates)
{
	json_t *index = json_object();
	char id[CELL_LEN * 3];

	for (size_t i = 0; i < json_array_size(rates->previous); i++) {
		json_t *row = json_array_get(rates->previous, i);

		row_id(id, sizeof(id), row, rates);
		json_object_set(index, id, row);
	}
	return index;
}

/* What a row has gained since, per second; a row or a counter that is new started from 0. */
static double rate_of(const json_t *row,
		      const struct ctl_column *column,
		      const struct ctl_rates *rates,
		      const json_t *index)
{
	const json_int_t now = json_integer_value(ctl_member(row, column->member));
	char id[CELL_LEN * 3];
	json_int_t before;

	row_id(id, sizeof(id), row, rates);
	before = json_integer_value(ctl_member(json_object_get(index, id), column->member));
	if (now < before || rates->seconds <= 0)
		return 0;
	return (double)(now - before) / rates->seconds;
}

/* ---- the table ---- */

struct table {
	const struct ctl_column *columns[COLUMNS_MAX]; /* those that are shown */
	int width[COLUMNS_MAX];
	size_t column_count;
	char (*cells)[CELL_LEN]; /* [rows * column_count] */
};

static void cell_format(char cell[CELL_LEN],
			const json_t *row,
			const struct ctl_column *column,
			const struct ctl_rates *rates,
			const json_t *index)
{
	const json_t *value = ctl_member(row, column->member);

	switch (column->kind) {
	case CTL_TEXT:
	case CTL_COUNT:
		value_format(cell, CELL_LEN, value);
		return;
	case CTL_BYTES:
		if (json_is_integer(value))
			scaled_format(cell, CELL_LEN, (double)json_integer_value(value));
		else
			value_format(cell, CELL_LEN, value);
		return;
	case CTL_AGE:
		if (json_is_integer(value))
			ctl_age_format(cell, CELL_LEN, json_integer_value(value));
		else
			snprintf(cell, CELL_LEN, "never");
		return;
	case CTL_RATE:
		scaled_format(cell, CELL_LEN, rate_of(row, column, rates, index));
		return;
	case CTL_BITS:
		scaled_format(cell, CELL_LEN, rate_of(row, column, rates, index) * 8);
		return;
	}
}

static void columns_choose(struct table *table, const struct ctl_column *columns, bool with_rates)
{
	for (; columns->title && table->column_count < COLUMNS_MAX; columns++) {
		if (is_rate(columns->kind) && !with_rates)
			continue;
		table->width[table->column_count] = (int)strlen(columns->title);
		table->columns[table->column_count++] = columns;
	}
}

static void cells_format(struct table *table, const json_t *rows, const struct ctl_rates *rates)
{
	json_t *index = rates->previous ? previous_index(rates) : NULL;

	for (size_t r = 0; r < json_array_size(rows); r++) {
		for (size_t c = 0; c < table->column_count; c++) {
			char *cell = table->cells[r * table->column_count + c];

			cell_format(cell, json_array_get(rows, r), table->columns[c], rates, index);
			if ((int)strlen(cell) > table->width[c])
				table->width[c] = (int)strlen(cell);
		}
	}
	json_decref(index);
}

/* The last column is not padded: lines end where their text does. */
static void cell_print(FILE *out, const struct table *table, size_t c, const char *text)
{
	const bool last = c + 1 == table->column_count;

	if (table->columns[c]->kind != CTL_TEXT)
		fprintf(out, "%*s%s", table->width[c], text, last ? "\n" : "  ");
	else if (last)
		fprintf(out, "%s\n", text);
	else
		fprintf(out, "%-*s  ", table->width[c], text);
}

void ctl_table_print(FILE *out,
		     const json_t *rows,
		     const struct ctl_column *columns,
		     const struct ctl_rates *rates)
{
	const size_t row_count = json_array_size(rows);
	struct table table = {0};

	columns_choose(&table, columns, rates->previous != NULL);
	table.cells = calloc(row_count * table.column_count + 1, sizeof(*table.cells));
	if (!table.cells) {
		fprintf(stderr, "dmvpnctl: out of memory\n");
		return;
	}
	cells_format(&table, rows, rates);
	for (size_t c = 0; c < table.column_count; c++)
		cell_print(out, &table, c, table.columns[c]->title);
	for (size_t i = 0; i < row_count * table.column_count; i++)
		cell_print(out, &table, i % table.column_count, table.cells[i]);
	free(table.cells);
}
