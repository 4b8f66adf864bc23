/* SPDX-License-Identifier: MIT */
/* Ends with the status given: `N` through exit_group, `thread N` through exit, `return N` from main. */
#include "abi.h"

int main(int argc, char **argv)
{
	if (argc == 2)
		syscall(SYS_exit_group, atoi(argv[1]));
	if (argc == 3 && strcmp(argv[1], "thread") == 0)
		syscall(SYS_exit, atoi(argv[2]));
	printf("unflushed text is written by exit()\n");
	return argc == 3 ? atoi(argv[2]) : 0;
}
