# needs: /usr/bin/python3 sort
# options: --memory 512M --cpus 2
# A few modules of CPython's own tests, where they are installed; tests/python has the rest.
export PYTHONDONTWRITEBYTECODE=1 TMPDIR=$PWD
/usr/bin/python3 -c 'import test.test_mmap' 2>/dev/null || exit 0
/usr/bin/python3 -m test -v test_mmap test_select test_thread test_fork1 test_openpty test_wait4 2>&1 |
	grep -E '\.\.\. (ok|FAIL|ERROR|skipped)' | sort
