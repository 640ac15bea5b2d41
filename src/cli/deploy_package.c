/* SPDX-License-Identifier: Apache-2.0 */
/* deploy_package: local files that a template names: code, scripts, definitions. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/yaml.h"
#include "cli/deploy_int.h"
#include "os/file.h"
#include "os/zip.h"

#define CODE_MAX (128 * MIB) /* unpacked; held in memory */
#define SCRIPT_MAX (16 * MIB)
#define FOLDER_DEPTH 16

const char *package_path(struct arena *a, const char *dir, const char *path)
{
	return path[0] == '/' ? path : arena_printf(a, "%s/%s", dir, path);
}

static void finish(struct arena *a, const char *extension, struct view data,
		   struct deploy_artifact *ret)
{
	char hex[65];

	sha256_hex(data, hex);
	ret->data = data;
	ret->key = arena_printf(a, "%s%s", hex, extension);
	digest_once(DIGEST_SHA256, data, ret->sha256);
}

int package_file(struct arena *a, const char *path, struct deploy_artifact *ret, struct err *e)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
	struct view data;

	if (file_read(path, a, SCRIPT_MAX, &data, e) < 0)
		return e->code;
	finish(a, dot && dot > slash ? dot : "", data, ret);
	return 0;
}

/* --- a folder as zip --- */

struct folder {
	struct arena *a;
	struct zip_entry v[ZIP_ENTRIES];
	size_t n, left;
	struct err *e;
};

static int add_folder(struct folder *f, const char *dir, const char *prefix, int depth);

static int add_file(struct folder *f, const char *path, const char *name, const struct stat *st)
{
	struct zip_entry *z = &f->v[f->n];

	if ((uint64_t)st->st_size > f->left)
		return err_set(f->e, ERR_LIMIT, "%s: the code has more than %lu bytes", path,
			       CODE_MAX);
	if (file_read(path, f->a, f->left, &z->data, f->e) < 0)
		return f->e->code;
	f->left -= z->data.n;
	z->name = name;
	z->mode = st->st_mode & 0111 ? 0755 : 0644;
	f->n++;
	return 0;
}

static int add_entry(struct folder *f, const char *dir, const char *prefix, const char *name,
		     int depth)
{
	const char *path = arena_printf(f->a, "%s/%s", dir, name),
		   *inside = arena_printf(f->a, "%s%s", prefix, name);
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(f->e, ERR_IO, "%s", path);
	if (f->n == ZIP_ENTRIES)
		return err_set(f->e, ERR_LIMIT, "%s: more than %d files", dir, ZIP_ENTRIES);
	if (S_ISREG(st.st_mode))
		return add_file(f, path, inside, &st);
	if (S_ISDIR(st.st_mode))
		return add_folder(f, path, arena_printf(f->a, "%s/", inside), depth + 1);
	return err_set(f->e, ERR_INVALID, "%s: neither a file nor a folder", path);
}

static void names_freep(struct dirent ***v)
{
	free(*v);
}

/* "bootstrap.p" beside "bootstrap": what Meson leaves beside a program that it builds. */
static bool build_leftover(struct arena *a, const char *dir, const char *name)
{
	size_t n = strlen(name);

	return n > 2 && strcmp(name + n - 2, ".p") == 0 &&
	       file_exists(arena_printf(a, "%s/%.*s", dir, (int)n - 2, name));
}

/* By name, so that the same files give the same bytes. */
static int add_folder(struct folder *f, const char *dir, const char *prefix, int depth)
{
	CLEANUP(names_freep) struct dirent **v = NULL;
	int n = depth > FOLDER_DEPTH ? 0 : scandir(dir, &v, NULL, alphasort);

	if (depth > FOLDER_DEPTH)
		return err_set(f->e, ERR_LIMIT, "%s: folders in folders, more than %d of them", dir,
			       FOLDER_DEPTH);
	if (n < 0)
		return err_sys(f->e, errno == ENOENT ? ERR_NOENT : ERR_IO, "%s", dir);
	for (int i = 0; i < n; i++) {
		const char *name = v[i]->d_name;

		if (!f->e->code && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
		    !build_leftover(f->a, dir, name))
			(void)add_entry(f, dir, prefix, name, depth);
		free(v[i]);
	}
	return f->e->code;
}

static int pack_folder(struct arena *a, const char *path, struct deploy_artifact *ret,
		       struct err *e)
{
	struct folder *f = ARENA_NEW(a, struct folder);
	struct buf b;
	int r;

	f->a = a;
	f->e = e;
	f->left = CODE_MAX;
	if (add_folder(f, path, "", 0) < 0)
		return e->code;
	if (f->n == 0)
		return err_set(e, ERR_INVALID, "%s: the folder is empty", path);
	buf_init(&b, CODE_MAX);
	r = zip_pack(f->v, f->n, &b, e);
	if (r == 0)
		finish(a, ".zip", arena_view(a, buf_view(&b)), ret);
	buf_clear(&b);
	return r;
}

int package_code(struct arena *a, const char *path, struct deploy_artifact *ret, struct err *e)
{
	struct stat st;
	struct view data;

	if (stat(path, &st) < 0)
		return err_sys(e, errno == ENOENT ? ERR_NOENT : ERR_IO, "%s", path);
	if (S_ISDIR(st.st_mode))
		return pack_folder(a, path, ret, e);
	if (!view_ends(view_str(path), VIEW(".zip")))
		return err_set(e, ERR_UNSUPPORTED, "%s: neither a folder nor a .zip file", path);
	if (file_read(path, a, CODE_MAX, &data, e) < 0)
		return e->code;
	finish(a, ".zip", data, ret);
	return 0;
}

/* --- definitions --- */

static bool is_name(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!((v.p[i] >= '0' && v.p[i] <= '9') ||
		      ((v.p[i] | 32) >= 'a' && (v.p[i] | 32) <= 'z') || v.p[i] == '_'))
			return false;
	return v.n > 0;
}

/* A ${Name} without a value would end up in a call as it is: an error. */
static int substitute_text(struct view s, const struct json *values, struct buf *b, struct err *e)
{
	while (s.n) {
		ptrdiff_t at = view_find(s, VIEW("${")), end;
		struct view name;

		buf_add_view(b, at < 0 ? s : view_sub(s, 0, (size_t)at));
		if (at < 0)
			break;
		s = view_from(s, (size_t)at);
		end = view_chr(s, '}');
		name = end < 0 ? VIEW_NONE : view_sub(s, 2, (size_t)end - 2);
		if (is_name(name)) {
			if (!json_get_view(values, name))
				return err_set(e, ERR_INVALID,
					       "${%.*s} is not in DefinitionSubstitutions",
					       VIEW_ARG(name));
			buf_add_view(b, json_str(json_get_view(values, name)));
			s = view_from(s, (size_t)end + 1);
		} else {
			buf_add_str(b, "${");
			s = view_from(s, 2);
		}
	}
	return buf_check(b, "definition", e);
}

static const struct json *substitute_str(struct arena *a, struct view s, const struct json *values,
					 struct err *e)
{
	const struct json *ret = NULL;
	struct buf b;

	buf_init(&b, MIB);
	if (substitute_text(s, values, &b, e) == 0)
		ret = json_new_str(a, buf_view(&b));
	buf_clear(&b);
	return ret;
}

/* The depth is bounded by the parser. */
const struct json *package_substitute(struct arena *a, const struct json *v,
				      const struct json *values, struct err *e)
{
	struct json *ret;

	if (json_is(v, JSON_STR))
		return view_find(json_str(v), VIEW("${")) < 0
			       ? v
			       : substitute_str(a, json_str(v), values, e);
	if (!json_is(v, JSON_ARR) && !json_is(v, JSON_OBJ))
		return v;
	ret = json_is(v, JSON_ARR) ? json_new_arr(a) : json_new_obj(a);
	for (size_t i = 0; i < json_len(v); i++) {
		const struct json *x = package_substitute(
			a, json_is(v, JSON_ARR) ? json_at(v, i) : v->obj.v[i].value, values, e);

		if (!x)
			return NULL;
		if (json_is(v, JSON_ARR))
			json_push(a, ret, x);
		else
			json_set_view(a, ret, v->obj.v[i].name, x);
	}
	return ret;
}

const struct json *package_definition(struct arena *a, const char *path,
				      const struct json *substitutions, struct err *e)
{
	struct view v = view_str(path), text;
	const struct json *doc;
	bool yaml = view_ends(v, VIEW(".yaml")) || view_ends(v, VIEW(".yml"));

	if (file_read(path, a, MIB, &text, e) < 0)
		return NULL;
	doc = yaml ? yaml_parse(a, text, e) : json_parse(a, text, JSON_DEPTH, e);
	if (doc)
		doc = package_substitute(a, doc, substitutions, e);
	if (!doc)
		err_ctx(e, "%s", path);
	return doc;
}
