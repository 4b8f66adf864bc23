#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static __thread int mine;
static int (*twice)(int);
static long total;

static void *run(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		mine += twice((int)(long)arg);
		__atomic_fetch_add(&total, 1, __ATOMIC_RELAXED);
	}
	return (void *)(long)mine;
}

int main(int argc, char **argv)
{
	void *so = dlopen(argv[1], RTLD_NOW);
	pthread_t threads[4];
	long sum = 0;

	if (!so || !(twice = (int (*)(int))dlsym(so, "twice")))
		return puts(dlerror()), 1;
	printf("%d\n", twice(atoi(argv[2])));
	for (long i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, run, (void *)i);
	for (int i = 0; i < 4; i++) {
		void *r;

		pthread_join(threads[i], &r);
		sum += (long)r;
	}
	printf("%ld %ld %d\n", sum, total, mine);
	return dlclose(so);
}
