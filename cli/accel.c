/* SPDX-License-Identifier: MIT */
/*
 * KVM or TCG. That /dev/kvm opens is no proof that KVM is of use: inside some virtual machines it emulates
 * instruction by instruction, a hundred times slower than TCG. So besides a processor that says vmx or svm,
 * a short run must show the speed: a loop of 5,000 iterations takes a processor a few microseconds, such an
 * emulation 10 ms. The code is 16-bit, in a page of its own.
 */
#include "accel.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PROBE_BYTES    4096
#define PROBE_ADDRESS  0x1000
#define PROBE_LIMIT_NS 3000000LL

static const unsigned char probe_code[] = {
	0x66, 0xb9, 0x88, 0x13, 0x00, 0x00, /* mov ecx, 5000 */
	0x66, 0x49,			    /* dec ecx */
	0x75, 0xfc,			    /* jnz to the dec */
	0xf4,				    /* hlt */
};

/* Whether the first "flags" line of /proc/cpuinfo has hardware virtualisation. */
static bool cpu_virtualises(void)
{
	FILE *info = fopen("/proc/cpuinfo", "re");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (info && getline(&line, &size, info) > 0) {
		if (strncmp(line, "flags", 5) != 0)
			continue;
		found = strstr(line, " vmx") || strstr(line, " svm");
		break;
	}
	free(line);
	if (info)
		fclose(info);
	return found;
}

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Put the processor in real mode at the first byte of the code. */
static int set_registers(int cpu)
{
	struct kvm_regs registers = {.rip = PROBE_ADDRESS, .rflags = 2};
	struct kvm_sregs segments;

	if (ioctl(cpu, KVM_GET_SREGS, &segments))
		return -1;
	segments.cs.base = 0;
	segments.cs.selector = 0;
	return ioctl(cpu, KVM_SET_SREGS, &segments) || ioctl(cpu, KVM_SET_REGS, &registers) ? -1 : 0;
}

/* Run the loop on a processor of the machine `vm`; whether it came to its hlt in time. */
static bool run_is_fast(int kvm, int vm)
{
	int cpu = ioctl(vm, KVM_CREATE_VCPU, 0), size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct kvm_run *run;
	long long start;
	bool fast = false;

	if (cpu < 0 || size <= 0)
		goto close_cpu;
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	if (run == MAP_FAILED)
		goto close_cpu;
	start = now_ns();
	if (set_registers(cpu) == 0 && ioctl(cpu, KVM_RUN, 0) == 0)
		fast = run->exit_reason == KVM_EXIT_HLT && now_ns() - start < PROBE_LIMIT_NS;
	munmap(run, (size_t)size);
close_cpu:
	if (cpu >= 0)
		close(cpu);
	return fast;
}

static bool probe(int kvm)
{
	struct kvm_userspace_memory_region region = {.guest_phys_addr = PROBE_ADDRESS,
						     .memory_size = PROBE_BYTES};
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);
	bool fast = false;
	void *code;

	if (vm < 0)
		return false;
	code = mmap(NULL, PROBE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED)
		goto close_vm;
	memcpy(code, probe_code, sizeof(probe_code));
	region.userspace_addr = (uintptr_t)code;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) == 0)
		fast = run_is_fast(kvm, vm);
	munmap(code, PROBE_BYTES);
close_vm:
	close(vm);
	return fast;
}

/** accel_kvm_runs - whether KVM opens and runs code at a processor's speed. */
bool accel_kvm_runs(void)
{
	bool works;
	int kvm;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		return false;
	works = probe(kvm);
	close(kvm);
	return works;
}

/** accel_choose - the accelerator to use: what --accel says; with `auto`, KVM where it truly works, else TCG.
 */
enum accel accel_choose(const struct options *options)
{
	if (options->deterministic)
		return ACCEL_TCG;
	if (options->accel != ACCEL_AUTO)
		return options->accel;
	return cpu_virtualises() && accel_kvm_runs() ? ACCEL_KVM : ACCEL_TCG;
}

/** accel_name - the name of an accelerator that has been chosen, as QEMU and the report have it. */
const char *accel_name(enum accel accel)
{
	return accel == ACCEL_KVM ? "kvm" : "tcg";
}
