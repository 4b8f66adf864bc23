/* SPDX-License-Identifier: MIT */
/* open(2): every flag that changes what is opened or refused, on files, folders and symbolic links. */
#include "abi.h"

static void creation(void)
{
	int fd;

	R(open("none", O_RDONLY));
	R(open("", O_RDONLY));
	R(open("", O_RDWR | O_CREAT, 0644));
	fd = R(open("file", O_RDWR | O_CREAT | O_EXCL, 0644));
	R(write(fd, "hello world", 11));
	R(close(fd));
	R(close(fd));
	R(open("file", O_RDWR | O_CREAT | O_EXCL, 0644));
	fd = R(open("file", O_RDWR | O_CREAT, 0600));
	R(lseek(fd, 0, SEEK_END));
	close(fd);
	R(open("none/file", O_RDWR | O_CREAT, 0644));
	R(open("file/file", O_RDWR | O_CREAT, 0644));
	R(open("file/", O_RDONLY));
	R(open("new/", O_RDWR | O_CREAT, 0644));
	fd = R(creat("made", 0640));
	R(read(fd, &fd, 1));
	R(write(fd, "x", 1));
	R(close(fd));
}

static void truncation_and_append(void)
{
	char c[16];
	int fd = R(open("file", O_WRONLY | O_TRUNC));

	R(lseek(fd, 0, SEEK_END));
	R(write(fd, "0123456789", 10));
	R(read(fd, c, 1));
	close(fd);
	fd = R(open("file", O_RDONLY | O_TRUNC));
	R(write(fd, "x", 1));
	R(read(fd, c, 1));
	close(fd);
	fd = R(open("file", O_RDWR | O_APPEND));
	R(write(fd, "abc", 3));
	R(lseek(fd, 0, SEEK_SET));
	R(write(fd, "def", 3));
	R(lseek(fd, 0, SEEK_CUR));
	R(pread(fd, c, 6, 0));
	R(pwrite(fd, "ghi", 3, 0));
	R(lseek(fd, 0, SEEK_CUR));
	R(fcntl(fd, F_SETFL, 0));
	R(lseek(fd, 1, SEEK_SET));
	R(write(fd, "X", 1));
	R(fcntl(fd, F_SETFL, O_APPEND));
	R(write(fd, "Y", 1));
	close(fd);
	abi_show_file("file");
}

#define F_CREATED 1028 /* F_CREATED_QUERY, Linux 6.12 */

static void created(void)
{
	int fd = R(open("made", O_RDWR | O_CREAT, 0644)), again;

	R(fcntl(fd, F_CREATED, 0));
	again = dup(fd);
	R(fcntl(again, F_CREATED, 0));
	close(again);
	again = open("made", O_RDWR | O_CREAT, 0644);
	R(fcntl(again, F_CREATED, 0));
	close(again);
	close(fd);
	fd = open(".", O_RDWR | O_TMPFILE, 0600);
	R(fcntl(fd, F_CREATED, 0));
	close(fd);
	fd = open("made", O_PATH);
	R(fcntl(fd, F_CREATED, 0));
	close(fd);
	R(unlink("made"));
}

static void folders(void)
{
	char c;
	int fd;

	R(mkdir("dir", 0755));
	R(open("dir", O_WRONLY));
	R(open("dir", O_RDWR));
	R(open("dir", O_RDONLY | O_CREAT, 0644));
	R(open("dir", O_RDONLY | O_TRUNC));
	R(open("dir/", O_WRONLY | O_CREAT, 0644));
	fd = R(open("dir", O_RDONLY));
	R(read(fd, &c, 1));
	R(write(fd, &c, 1));
	R(pread(fd, &c, 1, 0));
	R(ftruncate(fd, 0));
	close(fd);
	fd = R(open("dir", O_RDONLY | O_DIRECTORY));
	close(fd);
	R(open("file", O_RDONLY | O_DIRECTORY));
	R(open("none", O_RDONLY | O_DIRECTORY));
	fd = R(open(".", O_RDONLY));
	close(fd);
	fd = R(open("dir/..", O_RDONLY));
	close(fd);
	fd = R(open("dir/../file", O_RDONLY));
	close(fd);
	fd = R(open("dir/.././/file", O_RDONLY));
	close(fd);
}

static void links(void)
{
	int fd;

	R(symlink("file", "link"));
	R(symlink("none", "dangling"));
	R(symlink("dir", "dirlink"));
	fd = R(open("link", O_RDONLY));
	close(fd);
	R(open("link", O_RDONLY | O_NOFOLLOW));
	R(open("dangling", O_RDONLY));
	R(open("dangling", O_RDONLY | O_NOFOLLOW));
	R(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0644));
	R(open("link", O_RDWR | O_CREAT | O_EXCL, 0644));
	R(open("dirlink", O_RDONLY | O_NOFOLLOW));
	R(open("dirlink", O_RDONLY | O_NOFOLLOW | O_DIRECTORY));
	fd = R(open("dirlink/", O_RDONLY | O_NOFOLLOW));
	close(fd);
	fd = R(open("dirlink", O_RDONLY | O_DIRECTORY));
	close(fd);
	fd = R(open("dangling", O_RDWR | O_CREAT, 0644));
	R(write(fd, "through", 7));
	close(fd);
	abi_show_file("none");
}

static void path_only(void)
{
	struct stat st;
	char c;
	int fd = R(open("file", O_PATH));

	R(read(fd, &c, 1));
	R(write(fd, &c, 1));
	R(lseek(fd, 0, SEEK_SET));
	R(syscall(SYS_fchmod, fd, 0600));
	R(fstat(fd, &st));
	R(st.st_size);
	R(fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	close(fd);
	fd = R(open("link", O_PATH | O_NOFOLLOW));
	R(fstat(fd, &st));
	R(S_ISLNK(st.st_mode) != 0);
	close(fd);
}

static void temporary(void)
{
	struct stat st;
	int fd = R(open(".", O_TMPFILE | O_RDWR, 0600));

	R(write(fd, "temporary", 9));
	R(fstat(fd, &st));
	R(st.st_nlink);
	R(st.st_size);
	close(fd);
	R(open(".", O_TMPFILE | O_RDONLY, 0600));
	R(open("file", O_TMPFILE | O_RDWR, 0600));
}

static void names(void)
{
	char longest[NAME_MAX + 2], path[PATH_MAX + 2];
	int fd;

	memset(longest, 'n', sizeof(longest));
	longest[NAME_MAX + 1] = 0;
	R(open(longest, O_RDONLY));
	R(open(longest, O_RDWR | O_CREAT, 0644));
	longest[NAME_MAX] = 0;
	R(open(longest, O_RDONLY));
	fd = R(open(longest, O_RDWR | O_CREAT, 0644));
	close(fd);
	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = i % 2 ? '/' : '.';
	path[PATH_MAX - 1] = 0;
	fd = R(open(path, O_RDONLY));
	close(fd);
	path[PATH_MAX - 1] = '/';
	path[PATH_MAX] = 0;
	R(open(path, O_RDONLY));
	fd = R(open("\xff\xfe\x01 odd\n", O_RDWR | O_CREAT, 0644));
	close(fd);
	R(access("\xff\xfe\x01 odd\n", F_OK));
}

int main(void)
{
	abi_scratch();
	umask(022);
	creation();
	truncation_and_append();
	created();
	folders();
	links();
	path_only();
	temporary();
	names();
	return 0;
}
