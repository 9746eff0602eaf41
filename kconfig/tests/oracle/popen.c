// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Remembers what each shell command of Kconfig said, so that the kernel's own `conf` can be run
 * hundreds of times: the compiler is asked once, and not each time. Preloaded into `conf`.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The stream of a command that is being read into the cache. */
static FILE *reading;

FILE *popen(const char *command, const char *mode)
{
	static FILE *(*real)(const char *, const char *);
	char path[4096], temporary[4200];
	uint64_t hash = 1469598103934665603u;
	const char *dir = getenv("ORACLE_CACHE");
	FILE *in, *out;
	int byte;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "popen");
	if (!dir)
		return real(command, mode);
	for (const char *at = command; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 1099511628211u;
	snprintf(path, sizeof(path), "%s/%016llx", dir, (unsigned long long)hash);
	in = fopen(path, "r");
	if (in)
		return in;
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	in = reading = real(command, mode);
	out = fopen(temporary, "w");
	if (!in || !out)
		abort();
	while ((byte = getc(in)) != EOF)
		putc(byte, out);
	pclose(in);
	reading = NULL;
	fclose(out);
	rename(temporary, path);
	return fopen(path, "r");
}

/* What popen above returns is a plain file, which has no process to wait for. */
int pclose(FILE *stream)
{
	static int (*real)(FILE *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pclose");
	return getenv("ORACLE_CACHE") && !reading ? fclose(stream) : real(stream);
}
