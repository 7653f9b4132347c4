/*
 * One operation, many times: `workload NAME COUNT` prints what the machine's one CPU was busy for in a stretch of time in
 * which the operation is done once (the quieter one of before and after), and in one as long in which it is done 1 + COUNT times.
 *
 * The stretch is as long as a window of whittle's ($WINDOW, in seconds), and starts in the middle of one, so that each has the
 * end of one window in it, and what an observer does later counts too. Under `-icount shift=0` a nanosecond is an instruction.
 * `workload prepare COUNT` makes the files. A build is not compared with one, but with none.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int stretch_s;
#define PLACE "/tmp/bench"
/* As deep as a shared library is. */
#define ONE PLACE "/usr/lib/one.so.1"
/* What xtask/src/bench/build.rs brought. */
#define PROJECT PLACE "/project/src"
#define NOTHING "/payload/nothing"
#define PORT 4747

static void do_open(const char *path)
{
	int descriptor = open(path, O_RDONLY);
	if (descriptor < 0)
		err(1, "open %s", path);
	close(descriptor);
}

static const char *path_of(int index)
{
	static char path[64];
	snprintf(path, sizeof path, PLACE "/first/%03d/%05d", index / 100, index);
	return path;
}

static void op_open(int index) { (void)index; do_open(ONE); }
static void op_first(int index) { do_open(path_of(index)); }

/* From a file: whoever looks for what programs say sees each read. */
static void op_read(int index)
{
	static int descriptor = -1;
	char byte;
	(void)index;
	if (descriptor < 0)
		descriptor = open(ONE, O_RDONLY);
	if (lseek(descriptor, 0, SEEK_SET) || read(descriptor, &byte, 1) != 1)
		err(1, "read");
}

static void op_stat(int index)
{
	struct stat found;
	(void)index;
	if (stat(ONE, &found))
		err(1, "stat");
}

static void op_exec(int index)
{
	(void)index;
	pid_t child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		execl(NOTHING, "nothing", NULL);
		_exit(127);
	}
	int status;
	if (waitpid(child, &status, 0) != child || status)
		errx(1, NOTHING " failed");
}

/* A project, all of it, by make and gcc; without optimization, which does nothing that an observer sees. */
static void op_build(int index)
{
	(void)index;
	pid_t child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		execlp("make", "make", "--silent", "--always-make", "--directory", PROJECT, "all", "CFLAGS=-O0 -w", "AR=ar rc", NULL);
		_exit(127);
	}
	int status;
	if (waitpid(child, &status, 0) != child || status)
		errx(1, "make failed in " PROJECT);
}

static int listener, sender;
static struct sockaddr_in address;

static void open_sockets(void)
{
	address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(PORT) };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int yes = 1;
	listener = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(listener, (void *)&address, sizeof address) || listen(listener, 16))
		err(1, "listen");
	/* Nobody reads from it: once it is full, a datagram ends here. */
	int receiver = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(receiver, (void *)&address, sizeof address))
		err(1, "bind");
	sender = socket(AF_INET, SOCK_DGRAM, 0);
}

static void op_tcp(int index)
{
	(void)index;
	int client = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(client, (void *)&address, sizeof address))
		err(1, "connect");
	int server = accept(listener, NULL, NULL);
	if (server < 0)
		err(1, "accept");
	close(client);
	close(server);
}

static void op_udp(int index)
{
	(void)index;
	if (sendto(sender, "datagram", 8, 0, (void *)&address, sizeof address) != 8)
		err(1, "sendto");
}

static const struct {
	const char *name;
	void (*once)(int);
	int warm_up, at_least;
} OPERATIONS[] = {
	{ "open", op_open, 100, 1 }, { "first", op_first, 0, 1 }, { "exec", op_exec, 10, 1 },  { "tcp", op_tcp, 50, 1 },
	{ "udp", op_udp, 1000, 1 },  { "read", op_read, 100, 1 }, { "stat", op_stat, 100, 1 }, { "build", op_build, 1, 0 },
};

static void prepare(int count)
{
	mkdir(PLACE, 0755);
	mkdir(PLACE "/usr", 0755);
	mkdir(PLACE "/usr/lib", 0755);
	int one = open(ONE, O_CREAT | O_WRONLY, 0644);
	if (write(one, "1", 1) != 1)
		err(1, ONE);
	close(one);
	mkdir(PLACE "/first", 0755);
	for (int index = 0; index < count; index++) {
		char folder[64];
		snprintf(folder, sizeof folder, PLACE "/first/%03d", index / 100);
		if (index % 100 == 0)
			mkdir(folder, 0755);
		int descriptor = open(path_of(index), O_CREAT | O_WRONLY, 0644);
		if (descriptor < 0)
			err(1, "%s", path_of(index));
		close(descriptor);
	}
}

static struct timespec later(int seconds)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_sec += seconds;
	return time;
}

static void sleep_until(struct timespec time)
{
	if (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL))
		errx(1, "the operations took longer than %d s: do fewer", stretch_s);
}

/* Nanoseconds that tasks ran on the one CPU: rq_cpu_time, the seventh number of /proc/schedstat's line of the CPU.
 * A task counts when it leaves the CPU, as this one has by sleeping. */
static long long busy(void)
{
	static int schedstat = -1;
	char text[4096];
	if (schedstat < 0)
		schedstat = open("/proc/schedstat", O_RDONLY);
	ssize_t length = pread(schedstat, text, sizeof text - 1, 0);
	if (length <= 0)
		err(1, "/proc/schedstat");
	text[length] = 0;
	char *line = strstr(text, "\ncpu0 ");
	long long value;
	if (!line || sscanf(line, "\ncpu0 %*s %*s %*s %*s %*s %*s %lld", &value) != 1)
		errx(1, "/proc/schedstat looks strange");
	return value;
}

/* Nanoseconds of this process and its children that have ended. */
static long long own(void)
{
	struct rusage children;
	struct timespec time;
	getrusage(RUSAGE_CHILDREN, &children);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	long long micro = children.ru_utime.tv_usec + children.ru_stime.tv_usec;
	long long seconds = children.ru_utime.tv_sec + children.ru_stime.tv_sec + time.tv_sec;
	return seconds * 1000000000LL + micro * 1000 + time.tv_nsec;
}

static void stretch(void (*once)(int), int count, long long *busy_ns, long long *own_ns)
{
	struct timespec end = later(stretch_s);
	long long busy_before = busy(), own_before = own();
	for (int index = 0; index < count; index++)
		once(index);
	*own_ns = own() - own_before;
	struct timespec now = later(0);
	if (now.tv_sec >= end.tv_sec)
		errx(1, "the operations took longer than %d s: do fewer", stretch_s);
	sleep_until(end);
	*busy_ns = busy() - busy_before;
}

/* Again and again; after a while it says so with a file, and goes on slowly. */
static void forever(void (*once)(int))
{
	for (int turn = 0;; turn++) {
		once(turn);
		if (turn == 1000)
			close(open("/tmp/warm", O_CREAT | O_WRONLY, 0644));
		if (turn > 1000)
			usleep(3000);
	}
}

int main(int count_of_arguments, char **arguments)
{
	if (count_of_arguments != 3)
		errx(2, "usage: workload NAME COUNT|forever");
	int count = atoi(arguments[2]);
	const char *window = getenv("WINDOW");
	stretch_s = window ? atoi(window) : 10;
	if (!strcmp(arguments[1], "prepare")) {
		prepare(count);
		return 0;
	}
	for (size_t index = 0; index < sizeof OPERATIONS / sizeof *OPERATIONS; index++) {
		if (strcmp(arguments[1], OPERATIONS[index].name))
			continue;
		open_sockets();
		if (!strcmp(arguments[2], "forever"))
			forever(OPERATIONS[index].once);
		for (int turn = 0; turn < OPERATIONS[index].warm_up; turn++)
			OPERATIONS[index].once(turn);
		sleep_until(later(stretch_s + stretch_s / 2));
		int least = OPERATIONS[index].at_least;
		long long once_busy, once_own, full_busy, full_own, after_busy, after_own;
		stretch(OPERATIONS[index].once, least, &once_busy, &once_own);
		stretch(OPERATIONS[index].once, least + count, &full_busy, &full_own);
		stretch(OPERATIONS[index].once, least, &after_busy, &after_own);
		if (after_busy < once_busy)
			once_busy = after_busy;
		printf("whittle-bench %s %d %lld %lld %lld %lld\n", arguments[1], count, once_busy, full_busy, once_own,
		       full_own);
		return 0;
	}
	errx(2, "no workload %s", arguments[1]);
}
