/* Gives itself a name and a command line of hostile bytes, and then opens the file that $1 names. With a second argument
 * it starts itself again by that name first, in a control group of that name below the folder $3. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char HOSTILE[] = "\x1b]0;pwn\x07\n\xff\x9b\x33\x31m";

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

static int enter(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (mkdir(path, 0755) && errno != EEXIST)
        return fail("mkdir");
    strncat(path, "/cgroup.procs", sizeof path - strlen(path) - 1);
    int procs = open(path, O_WRONLY);
    if (procs < 0 || write(procs, "0", 1) != 1)
        return fail("cgroup.procs");
    return close(procs);
}

int main(int argc, char **argv) {
    if (argc == 5) {
        if (enter(argv[3], argv[4]))
            return 1;
        char *arguments[] = {argv[2], argv[1], NULL};
        execv(argv[2], arguments);
        return fail("execv");
    }
    char file[4096];
    snprintf(file, sizeof file, "%s", argv[1]);
    if (prctl(PR_SET_NAME, HOSTILE))
        return fail("PR_SET_NAME");
    char *end = argv[argc - 1] + strlen(argv[argc - 1]);
    for (char *at = argv[0]; at < end; at++)
        *at = HOSTILE[(at - argv[0]) % (sizeof HOSTILE - 1)];
    int opened = open(file, O_RDONLY);
    return opened < 0 ? fail("open") : close(opened);
}
