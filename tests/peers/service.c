/* A small service as containers run them: it needs two capabilities, two writable folders, and a system call of its own
   besides the usual ones. Says on stderr what it was refused, and then ends with 1. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static void need(int holds, const char *what)
{
	if (!holds) {
		perror(what);
		exit(1);
	}
}

static void write_line(const char *path)
{
	FILE *file = fopen(path, "w");
	need(file != NULL, path);
	need(fputs("served\n", file) >= 0 && fclose(file) == 0, path);
}

int main(void)
{
	FILE *settings = fopen("/etc/service.conf", "r");
	need(settings != NULL, "/etc/service.conf");
	fclose(settings);

	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(80) };
	int server = socket(AF_INET, SOCK_STREAM, 0);
	need(server >= 0, "socket");
	need(bind(server, (struct sockaddr *)&address, sizeof(address)) == 0, "bind to port 80");

	write_line("/var/lib/service/state");
	need(chown("/var/lib/service/state", 1000, 1000) == 0, "chown");
	write_line("/tmp/scratch");

	struct sysinfo host;
	need(sysinfo(&host) == 0, "sysinfo");
	puts("served");
	return 0;
}
