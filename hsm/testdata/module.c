/* A PKCS#11 module that passes calls on to SoftHSM, except those that a test changes. It
   writes the name of each call to DIR/log. If the file DIR/NAME contains a code, that call
   returns it. If the file is empty, the next such call renames it to DIR/NAME.waits, and
   waits until that file is removed. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long ulong;
static ulong (**real)(); /* the list of functions, after the version (PKCS#11 v2.40, appendix) */
static void *list[69];

static ulong before(const char *name) {
	char path[4096], waits[4096];
	ulong code = 0;
	FILE *f = fopen(DIR "/log", "a");
	fprintf(f, "%s\n", name);
	fclose(f);
	snprintf(path, sizeof path, DIR "/%s", name);
	snprintf(waits, sizeof waits, DIR "/%s.waits", name);
	if (!(f = fopen(path, "r")))
		return 0;
	int codes = fscanf(f, "%lx", &code);
	fclose(f);
	if (codes != 1 && rename(path, waits) == 0)
		while (access(waits, F_OK) == 0)
			usleep(1000);
	return code;
}

static ulong initialize(void *args) {
	ulong code = before("C_Initialize");
	return code ? code : real[1](args);
}

static ulong finalize(void *reserved) {
	ulong code = before("C_Finalize");
	return code ? code : real[2](reserved);
}

static ulong closeAllSessions(ulong slot) {
	ulong code = before("C_CloseAllSessions");
	return code ? code : real[15](slot);
}

static ulong login(ulong session, ulong user, void *pin, ulong length) {
	ulong code = before("C_Login");
	return code ? code : real[19](session, user, pin, length);
}

static ulong signInit(ulong session, void *mechanism, ulong key) {
	ulong code = before("C_SignInit");
	return code ? code : real[43](session, mechanism, key);
}

static ulong sign(ulong session, void *data, ulong length, void *signature, void *size) {
	ulong code = before("C_Sign");
	return code ? code : real[44](session, data, length, signature, size);
}

ulong C_GetFunctionList(void ***out) {
	ulong (*get)() = (ulong (*)())dlsym(dlopen(SOFTHSM, RTLD_NOW), "C_GetFunctionList");
	get(&real);
	memcpy(list, real, sizeof list);
	list[1] = initialize;
	list[2] = finalize;
	list[15] = closeAllSessions;
	list[19] = login;
	list[43] = signInit;
	list[44] = sign;
	*out = list;
	return 0;
}
