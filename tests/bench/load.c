/*
 * Work for a machine as it is, and what the parent, which may be a recorder, takes for it. Lines with figures go to standard output:
 *
 *   load FOLDER prepare              makes the files
 *   load FOLDER started              now, and the parent's CPU and memory so far
 *   load FOLDER steady SECONDS       1,000 opens, 100 connects and 10 execs a second
 *   load FOLDER fastest SECONDS      the same mix, as fast as each CPU can
 *   load FOLDER time COMMAND…        a command, and how long it took
 *
 * One open in eleven is of a file that none of the hundred thousand before it opened: of a real node's, 91 % are repeats.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMON 100
#define OTHERS 10000
#define TICK_NS 10000000L

static const char *folder;

static long long now_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* Milliseconds of CPU of the parent, all its threads, without its children. */
static long long parent_cpu_ms(void)
{
	char path[64], text[4096];
	snprintf(path, sizeof path, "/proc/%d/stat", getppid());
	FILE *file = fopen(path, "r");
	if (!file || !fgets(text, sizeof text, file))
		err(1, "%s", path);
	fclose(file);
	unsigned long long user, system;
	char *behind_name = strrchr(text, ')');
	if (!behind_name || sscanf(behind_name, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
		errx(1, "%s looks strange", path);
	return (user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

/* Of /proc/PARENT/status, in KiB. */
static long long parent_kib(const char *name)
{
	char path[64], line[256];
	long long value = 0;
	snprintf(path, sizeof path, "/proc/%d/status", getppid());
	FILE *file = fopen(path, "r");
	if (!file)
		err(1, "%s", path);
	while (fgets(line, sizeof line, file))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			value = atoll(line + strlen(name) + 1);
	fclose(file);
	return value;
}

static const char *path_of(int number)
{
	static char path[512];
	snprintf(path, sizeof path, "%s/%03d/%05d", folder, number / 100, number);
	return path;
}

static void prepare(void)
{
	mkdir(folder, 0755);
	for (int number = 0; number < COMMON + OTHERS; number++) {
		char parent[512];
		snprintf(parent, sizeof parent, "%s/%03d", folder, number / 100);
		if (number % 100 == 0)
			mkdir(parent, 0755);
		int descriptor = open(path_of(number), O_CREAT | O_WRONLY, 0644);
		if (descriptor < 0)
			err(1, "%s", path_of(number));
		close(descriptor);
	}
}

static void do_open(long long turn)
{
	int number = turn % 11 ? turn % COMMON : COMMON + (turn / 11) % OTHERS;
	int descriptor = open(path_of(number), O_RDONLY);
	if (descriptor < 0)
		err(1, "open %s", path_of(number));
	close(descriptor);
}

static int listener;
static struct sockaddr_in address;

static void listen_somewhere(void)
{
	socklen_t length = sizeof address;
	address = (struct sockaddr_in){ .sin_family = AF_INET };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (void *)&address, sizeof address) || listen(listener, 16)
	    || getsockname(listener, (void *)&address, &length))
		err(1, "listen");
}

static void do_connect(void)
{
	struct linger at_once = { .l_onoff = 1 };
	int client = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(client, (void *)&address, sizeof address))
		err(1, "connect");
	int server = accept(listener, NULL, NULL);
	if (server < 0)
		err(1, "accept");
	/* No port is left waiting: there are as many connections as there can be. */
	setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	close(client);
	close(server);
}

static void do_exec(void)
{
	pid_t child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		execl("/bin/true", "true", NULL);
		_exit(127);
	}
	int status;
	if (waitpid(child, &status, 0) != child || status)
		errx(1, "/bin/true failed");
}

/* Operations done by a worker: opens, connects, execs. */
struct done {
	long long counts[3];
};

/* Ticks with ten opens and a connection, and a program in one of ten; in time, or one after the other. */
static void work(struct done *done, double seconds, int in_time)
{
	long long start = now_ns(), end = start + seconds * 1e9;
	listen_somewhere();
	for (long long tick = 0;; tick++) {
		long long due = start + tick * TICK_NS;
		struct timespec until = { due / 1000000000LL, due % 1000000000LL };
		if (in_time)
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		if ((in_time ? due : now_ns()) >= end)
			return;
		for (int turn = 0; turn < 10; turn++)
			do_open(done->counts[0]++);
		do_connect();
		done->counts[1]++;
		if (tick % 10 == 0) {
			do_exec();
			done->counts[2]++;
		}
	}
}

static void run(const char *pace, double seconds)
{
	int in_time = !strcmp(pace, "steady");
	int workers = in_time ? 1 : sysconf(_SC_NPROCESSORS_ONLN);
	struct done *done = mmap(NULL, workers * sizeof *done, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (done == MAP_FAILED)
		err(1, "mmap");
	long long cpu = parent_cpu_ms(), start = now_ns();
	for (int worker = 0; worker < workers; worker++)
		if (fork() == 0) {
			work(&done[worker], seconds, in_time);
			_exit(0);
		}
	int status, failed = 0;
	while (wait(&status) > 0)
		failed |= status;
	if (failed)
		errx(1, "a worker failed");
	long long took = now_ns() - start, sums[3] = { 0 };
	for (int worker = 0; worker < workers; worker++)
		for (int kind = 0; kind < 3; kind++)
			sums[kind] += done[worker].counts[kind];
	printf("whittle-load %s ms=%lld opens=%lld connects=%lld execs=%lld agent_ms=%lld agent_kib=%lld agent_peak_kib=%lld\n", pace,
	       took / 1000000, sums[0], sums[1], sums[2], parent_cpu_ms() - cpu, parent_kib("VmRSS"), parent_kib("VmHWM"));
}

static void timed(char **command)
{
	struct rusage children;
	long long agent = parent_cpu_ms(), start = now_ns();
	pid_t child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		int nowhere = open("/dev/null", O_WRONLY);
		dup2(nowhere, 1);
		dup2(nowhere, 2);
		execvp(command[0], command);
		_exit(127);
	}
	int status;
	if (waitpid(child, &status, 0) != child || status)
		errx(1, "%s failed", command[0]);
	long long took = now_ns() - start;
	getrusage(RUSAGE_CHILDREN, &children);
	printf("whittle-time us=%lld cpu_us=%lld agent_us=%lld\n", took / 1000,
	       (children.ru_utime.tv_sec + children.ru_stime.tv_sec) * 1000000LL + children.ru_utime.tv_usec
		       + children.ru_stime.tv_usec,
	       (parent_cpu_ms() - agent) * 1000);
}

int main(int count, char **arguments)
{
	if (count < 3)
		errx(2, "usage: load FOLDER prepare|started|steady SECONDS|fastest SECONDS|time COMMAND…");
	folder = arguments[1];
	if (!strcmp(arguments[2], "prepare"))
		prepare();
	else if (!strcmp(arguments[2], "started"))
		printf("whittle-started ns=%lld agent_ms=%lld agent_peak_kib=%lld\n", now_ns(), parent_cpu_ms(), parent_kib("VmHWM"));
	else if (!strcmp(arguments[2], "time") && count > 3)
		timed(arguments + 3);
	else if (count == 4)
		run(arguments[2], atof(arguments[3]));
	else
		errx(2, "no %s", arguments[2]);
	return 0;
}
