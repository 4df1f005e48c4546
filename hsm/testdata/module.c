/* A PKCS#11 module that is SoftHSM, but for what a test wants of some of its calls. It
   writes the name of each into DIR/log. If there is a file DIR/NAME that holds a code, that
   call answers it; if the file is empty, the next such call takes it away, to
   DIR/NAME.waits, and waits until that is gone. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long ulong;
static ulong (**real)(); /* the list of functions, behind the version (PKCS#11 v2.40, appendix) */
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
