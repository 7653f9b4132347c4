/* The program that workload `exec` starts: it ends at once. */
int main(void) { return 0; }
