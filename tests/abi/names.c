/* SPDX-License-Identifier: MIT */
/* Names in folders: rename, link, symlink, unlink, mkdir, rmdir, and what each refuses. */
#include "abi.h"

static long links_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? (long)st.st_nlink : -1;
}

static void folders(void)
{
	R(mkdir("d", 0755));
	R(mkdir("d", 0755));
	R(mkdir("d/e", 0755));
	R(mkdir("d/e/", 0755));
	R(mkdir("d/slash/", 0755));
	R(mkdir("none/e", 0755));
	R(mkdir("file/e", 0755));
	R(mkdir("", 0755));
	R(mkdir("/", 0755));
	R(mkdir(".", 0755));
	R(mkdir("..", 0755));
	R(links_of("d"));
	R(rmdir("d"));
	R(rmdir("d/slash/"));
	R(rmdir("d/e/."));
	R(rmdir("d/e/.."));
	R(rmdir("file"));
	R(rmdir("none"));
	R(rmdir(""));
	R(rmdir("d/e"));
	R(links_of("d"));
	R(rmdir("d"));
	R(access("d", F_OK));
}

static void unlinking(void)
{
	R(mkdir("d", 0755));
	R(unlink("d"));
	R(unlink("none"));
	R(unlink("file/x"));
	R(unlink(""));
	R(unlink("file/"));
	R(unlink("d/.."));
	R(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR));
	R(unlinkat(AT_FDCWD, "file", AT_REMOVEDIR));
	R(unlinkat(AT_FDCWD, "file", 12345));
}

static void hard_links(void)
{
	R(link("file", "second"));
	R(links_of("file"));
	R(link("file", "second"));
	R(link("none", "third"));
	R(link("file", "none/third"));
	R(mkdir("d", 0755));
	R(link("d", "d2"));
	R(symlink("file", "soft"));
	R(link("soft", "soft2"));
	R(links_of("soft"));
	R(linkat(AT_FDCWD, "soft", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW));
	R(links_of("file"));
	R(linkat(AT_FDCWD, "file", AT_FDCWD, "x", 0x40000000));
	abi_write_file("second", "shared");
	abi_show_file("file");
	R(unlink("file"));
	R(links_of("second"));
	R(rename("second", "file"));
	R(unlink("followed"));
	R(unlink("soft"));
	R(unlink("soft2"));
	R(rmdir("d"));
	R(links_of("file"));
}

static void symbolic_links(void)
{
	char buffer[64], target[64];

	R(symlink("file", "s"));
	R(symlink("file", "s"));
	R(symlink("", "s2"));
	R(symlink("x", ""));
	R(symlink("x", "none/s"));
	R(readlink("s", buffer, sizeof(buffer)));
	R(memcmp(buffer, "file", 4));
	R(readlink("s", buffer, 2));
	R(readlink("s", buffer, 0));
	R(readlink("file", buffer, sizeof(buffer)));
	R(readlink("none", buffer, sizeof(buffer)));
	R(symlink("loop2", "loop1"));
	R(symlink("loop1", "loop2"));
	R(open("loop1", O_RDONLY));
	R(open("loop1/x", O_RDONLY));
	R(readlink("loop1", buffer, sizeof(buffer)));
	R(symlink("self/x", "self"));
	R(access("self", F_OK));
	for (int i = 0; i < 45; i++) {
		snprintf(buffer, sizeof(buffer), "chain%d", i + 1);
		snprintf(target, sizeof(target), "chain%d", i);
		if (symlink(i ? target : "file", buffer) != 0)
			R(-1);
	}
	R(access("chain40", F_OK));
	R(access("chain41", F_OK));
	R(unlink("chain41"));
	R(mkdir("d", 0755));
	abi_write_file("d/in", "inside");
	R(symlink("d", "dl"));
	R(symlink("../file", "d/up"));
	abi_show_file("dl/in");
	abi_show_file("dl/up");
	abi_show_file("d/../dl/../s");
	R(rmdir("dl"));
	R(unlink("dl/in"));
	R(unlink("d/up"));
	R(unlink("dl"));
	R(rmdir("d"));
	R(unlink("s"));
}

static void renaming_files(void)
{
	abi_write_file("a", "A");
	abi_write_file("b", "B");
	R(rename("a", "c"));
	R(access("a", F_OK));
	R(rename("c", "b"));
	abi_show_file("b");
	R(rename("b", "b"));
	R(rename("none", "b"));
	R(rename("b", "none/x"));
	R(rename("b", ""));
	R(rename("", "b"));
	R(rename("b", "."));
	R(rename("b", "new/"));
	R(link("b", "b2"));
	R(rename("b", "b2"));
	R(links_of("b"));
	R(unlink("b2"));
	R(symlink("b", "s"));
	R(rename("s", "t"));
	R(links_of("t"));
	R(rename("b", "t"));
	R(access("b", F_OK));
	abi_show_file("t");
	R(unlink("t"));
}

static void renaming_folders(void)
{
	abi_write_file("f", "F");
	R(mkdir("d1", 0755));
	R(mkdir("d2", 0755));
	R(mkdir("d1/sub", 0755));
	R(rename("d1", "d1/sub/x"));
	R(rename("d1", "d1/x"));
	R(rename("d2", "d1"));
	R(rename("d1", "d2"));
	R(access("d2/sub", F_OK));
	R(rename("d2", "f"));
	R(rename("f", "d2"));
	R(rename("d2/sub", "moved"));
	R(links_of("d2"));
	R(rename("d2/", "d3/"));
	R(rename("d3/.", "d4"));
	R(rename("d3/..", "d4"));
	R(rename("moved", "d3/moved"));
	R(links_of("d3"));
	R(rename("d3/moved/", "d3/m/"));
	R(access("d3/m", F_OK));
	R(rename("d3/m", "d3"));
	R(rmdir("d3/m"));
	R(rmdir("d3"));
}

static void renaming_with_flags(void)
{
	enum { NOREPLACE = 1, EXCHANGE = 2 };

	abi_write_file("x", "X");
	abi_write_file("y", "Y");
	R(syscall(SYS_renameat2, AT_FDCWD, "x", AT_FDCWD, "y", NOREPLACE));
	R(syscall(SYS_renameat2, AT_FDCWD, "x", AT_FDCWD, "z", NOREPLACE));
	R(syscall(SYS_renameat2, AT_FDCWD, "z", AT_FDCWD, "y", EXCHANGE));
	abi_show_file("z");
	abi_show_file("y");
	R(syscall(SYS_renameat2, AT_FDCWD, "z", AT_FDCWD, "none", EXCHANGE));
	R(syscall(SYS_renameat2, AT_FDCWD, "z", AT_FDCWD, "y", NOREPLACE | EXCHANGE));
	R(syscall(SYS_renameat2, AT_FDCWD, "z", AT_FDCWD, "y", 0x80));
	R(renameat(AT_FDCWD, "z", 99, "y"));
}

int main(void)
{
	abi_scratch();
	abi_write_file("file", "content");
	folders();
	unlinking();
	hard_links();
	symbolic_links();
	renaming_files();
	renaming_folders();
	renaming_with_flags();
	return 0;
}
