/* SPDX-License-Identifier: MIT */
/*
 * Checking and running classic BPF (docs/seccomp.md).
 *
 * The check is what makes the run safe: each instruction is one of those below, each jump stays inside and goes forward, so
 * a run takes at most `len` steps; the last instruction returns, so it never runs off the end; loads from data are aligned
 * and inside; a word of memory is read only where every way to that place has written it.
 */
#include <asm/errno.h>
#include <moat/bpf.h>

#define ALL_WORDS ((u16)((1u << BPF_MEMWORDS) - 1))

/* Does seccomp(2) allow the instruction at all? */
static bool is_known(u16 code)
{
	if (code >> 8)
		return false;
	switch (BPF_CLASS(code)) {
	case BPF_LD:
		return code == (BPF_LD | BPF_W | BPF_ABS) || code == (BPF_LD | BPF_W | BPF_LEN) ||
		       code == (BPF_LD | BPF_IMM) || code == (BPF_LD | BPF_MEM);
	case BPF_LDX:
		return code == (BPF_LDX | BPF_W | BPF_LEN) || code == (BPF_LDX | BPF_IMM) ||
		       code == (BPF_LDX | BPF_MEM);
	case BPF_ST:
	case BPF_STX:
		return code == BPF_ST || code == BPF_STX;
	case BPF_ALU:
		return code == (BPF_ALU | BPF_NEG) ||
		       (BPF_OP(code) != BPF_NEG && BPF_OP(code) != BPF_MOD && BPF_OP(code) <= BPF_XOR);
	case BPF_JMP:
		return code == (BPF_JMP | BPF_JA) || (BPF_OP(code) != BPF_JA && BPF_OP(code) <= BPF_JSET);
	case BPF_RET:
		return code == (BPF_RET | BPF_K) || code == (BPF_RET | BPF_A);
	default:
		return code == (BPF_MISC | BPF_TAX) || code == (BPF_MISC | BPF_TXA);
	}
}

static bool uses_memory(u16 code)
{
	return code == BPF_ST || code == BPF_STX || code == (BPF_LD | BPF_MEM) || code == (BPF_LDX | BPF_MEM);
}

/* One instruction with `left` more behind it. */
static bool is_valid(const struct sock_filter *f, u32 left, u32 data_bytes)
{
	if (!is_known(f->code))
		return false;
	if (uses_memory(f->code))
		return f->k < BPF_MEMWORDS;
	switch (f->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return f->k < data_bytes && f->k % sizeof(u32) == 0;
	case BPF_ALU | BPF_DIV | BPF_K:
		return f->k != 0;
	case BPF_ALU | BPF_LSH | BPF_K:
	case BPF_ALU | BPF_RSH | BPF_K:
		return f->k < 32;
	case BPF_JMP | BPF_JA:
		return f->k < left;
	default:
		return BPF_CLASS(f->code) != BPF_JMP || (f->jt < left && f->jf < left);
	}
}

/* written[i]: the words of memory that every jump to instruction i has written, as far as is known. */
static bool memory_is_written_first(const struct sock_filter *prog, u32 len, u16 *written)
{
	u16 now = 0;

	for (u32 i = 0; i < len; i++)
		written[i] = ALL_WORDS;
	for (u32 i = 0; i < len; i++) {
		const struct sock_filter *f = &prog[i];

		now &= written[i];
		switch (f->code) {
		case BPF_ST:
		case BPF_STX:
			now |= (u16)(1u << f->k);
			break;
		case BPF_LD | BPF_MEM:
		case BPF_LDX | BPF_MEM:
			if (!(now >> f->k & 1))
				return false;
			break;
		case BPF_JMP | BPF_JA:
			written[i + 1 + f->k] &= now;
			now = ALL_WORDS; /* nobody falls through to the next one */
			break;
		default:
			if (BPF_CLASS(f->code) != BPF_JMP)
				break;
			written[i + 1 + f->jt] &= now;
			written[i + 1 + f->jf] &= now;
			now = ALL_WORDS;
		}
	}
	return true;
}

int bpf_check(const struct sock_filter *prog, u32 len, u32 data_bytes, u16 *scratch)
{
	if (len == 0 || len > BPF_MAXINSNS || BPF_CLASS(prog[len - 1].code) != BPF_RET)
		return -EINVAL;
	for (u32 i = 0; i < len; i++) {
		if (!is_valid(&prog[i], len - 1 - i, data_bytes))
			return -EINVAL;
	}
	return memory_is_written_first(prog, len, scratch) ? 0 : -EINVAL;
}

/* a OP b; *stop: divided by 0. */
static u32 compute(u16 code, u32 a, u32 b, bool *stop)
{
	switch (BPF_OP(code)) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		*stop = b == 0;
		return b ? a / b : 0;
	case BPF_AND:
		return a & b;
	case BPF_OR:
		return a | b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & 31);
	case BPF_RSH:
		return a >> (b & 31);
	default:
		return -a;
	}
}

static bool compare(u16 code, u32 a, u32 b)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return a == b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	default:
		return a & b;
	}
}

u32 bpf_run(const struct sock_filter *prog, const u32 *data, u32 data_bytes)
{
	u32 a = 0, x = 0, memory[BPF_MEMWORDS] = {0};
	bool stop = false;

	for (const struct sock_filter *f = prog; !stop; f++) {
		u32 operand = BPF_SRC(f->code) == BPF_X ? x : f->k;

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = data[f->k / sizeof(u32)];
			break;
		case BPF_LD | BPF_W | BPF_LEN:
			a = data_bytes;
			break;
		case BPF_LDX | BPF_W | BPF_LEN:
			x = data_bytes;
			break;
		case BPF_LD | BPF_IMM:
			a = f->k;
			break;
		case BPF_LDX | BPF_IMM:
			x = f->k;
			break;
		case BPF_LD | BPF_MEM:
			a = memory[f->k];
			break;
		case BPF_LDX | BPF_MEM:
			x = memory[f->k];
			break;
		case BPF_ST:
			memory[f->k] = a;
			break;
		case BPF_STX:
			memory[f->k] = x;
			break;
		case BPF_MISC | BPF_TAX:
			x = a;
			break;
		case BPF_MISC | BPF_TXA:
			a = x;
			break;
		case BPF_JMP | BPF_JA:
			f += f->k;
			break;
		case BPF_RET | BPF_K:
			return f->k;
		case BPF_RET | BPF_A:
			return a;
		default:
			if (BPF_CLASS(f->code) == BPF_ALU)
				a = compute(f->code, a, operand, &stop);
			else
				f += compare(f->code, a, operand) ? f->jt : f->jf;
		}
	}
	return 0;
}
