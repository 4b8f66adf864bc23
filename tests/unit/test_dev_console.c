/* SPDX-License-Identifier: MIT */
/* The virtio console from its conversation to its last byte, against a model of the device (console_model.h). */
#include "console_model.h"

static void test_conversation(void **state)
{
	for (int slow = 0; slow < 2; slow++) {
		reset_all(state);
		model.slow = slow;
		start_console();
		if (slow)
			settle();
		else
			assert_int_equal(model.interrupts, 0); /* all was said while starting */
		for (unsigned i = 1; i < PORT_COUNT; i++) {
			assert_true(model.guest_open[i]);
			assert_int_equal(console.ports[i].state, PORT_CONNECTED);
		}
		assert_int_equal(console.control_rx.in_flight, VIRTQUEUE_SLOTS);
	}
}

static void test_input(void **state)
{
	for (unsigned variant = 0; variant < 4; variant++) {
		reset_all(state);
		model.slow = variant & 1;
		model.input = pattern;
		model.input_len = STREAM_BYTES;
		model.input_closes = true;
		start_console();
		model.jitter = variant & 2;
		settle(); /* all receive buffers are full */
		assert_true(model.parked[PORT_STDIN]);
		read_all(STREAM_BYTES);
	}
	/* Short streams: that the end is seen one look too early shows only near the end. */
	for (size_t len = 1; len < 2000; len++) {
		reset_all(state);
		model.seed = len;
		model.input = pattern;
		model.input_len = len;
		model.input_closes = true;
		start_console();
		model.jitter = true;
		read_all(len);
	}
}

/* The host closes after its last byte, before the guest reads any. */
static void test_end_comes_after_data(void **state)
{
	(void)state;
	model.input = pattern;
	model.input_len = 5000;
	model.input_closes = true;
	start_console();
	settle();
	assert_int_equal(console.ports[PORT_STDIN].state, PORT_HUNG_UP);
	assert_int_equal(port_unread(&console.ports[PORT_STDIN]), 5000);
	read_all(5000);
}

static void test_no_input(void **state)
{
	char byte;

	for (int absent = 0; absent < 2; absent++) {
		reset_all(state);
		model.connected[PORT_STDIN] = false;
		model.present[PORT_STDIN] = !absent;
		start_console();
		assert_int_equal(read_some(&byte, 1, 0), 0);
		assert_int_equal(blocks, 0);
	}
}

static struct waitq *shown;

static void note_queue(struct poll_table *t, struct waitq *q)
{
	(void)t;
	shown = q;
}

static void test_nonblocking_and_signals(void **state)
{
	struct poll_table table = {.add = note_queue};
	char byte;

	(void)state;
	start_console();
	assert_int_equal(read_some(&byte, 1, STREAM_NONBLOCK), -EAGAIN);
	assert_int_equal(read_some(&byte, 0, 0), 0);
	assert_int_equal(port_poll_in(&console.ports[PORT_STDIN], &table), 0);
	assert_ptr_equal(shown, &console.ports[PORT_STDIN].readable);
	signal_is_due = true;
	assert_int_equal(read_some(&byte, 1, 0), -EINTR);

	model.stuck = true;
	size_t most = PORT_TX_BUFFERS * TX_BYTES;
	assert_int_equal(write_some(PORT_STDOUT, pattern, most + 10, STREAM_NONBLOCK), most);
	assert_int_equal(write_some(PORT_STDOUT, pattern + most, 1, STREAM_NONBLOCK), -EAGAIN);
	assert_int_equal(write_some(PORT_STDOUT, pattern + most, 1, 0), -EINTR);
	assert_int_equal(port_poll_out(&console.ports[PORT_STDOUT], NULL), 0);
	model.stuck = false;
	settle();
	assert_int_equal(port_poll_out(&console.ports[PORT_STDOUT], NULL), POLLOUT | POLLWRNORM);
	assert_int_equal(model.output_len[PORT_STDOUT], most);
	assert_memory_equal(model.output[PORT_STDOUT], pattern, most);
}

static void test_output(void **state)
{
	static const unsigned stalls[] = {0, 30, 90, 99};

	for (size_t i = 0; i < ARRAY_SIZE(stalls); i++) {
		for (unsigned variant = 0; variant < 4; variant++) {
			reset_all(state);
			model.stall = stalls[i];
			model.slow = variant & 1;
			start_console();
			model.jitter = variant & 2;
			write_all(PORT_STDOUT, STREAM_BYTES);
			write_all(PORT_STDERR, 1000);
		}
	}
}

/* A device that answers at once is never waited for and never interrupts: a deterministic run sees one order.
 */
static void test_synchronous_output_needs_no_interrupt(void **state)
{
	(void)state;
	start_console();
	write_all(PORT_STDOUT, STREAM_BYTES);
	assert_int_equal(model.interrupts, 0);
	assert_int_equal(blocks, 0);
	assert_int_equal(console.ports[PORT_STDOUT].tx_allocated, 1);
}

static void test_faults_give_exact_counts(void **state)
{
	(void)state;
	static u8 buf[10000];
	model.input = pattern;
	model.input_len = 10000;
	model.input_closes = true;
	start_console();
	settle();
	fault_at = 0;
	assert_int_equal(read_some(buf, 10, 0), -EFAULT);
	assert_int_equal(write_some(PORT_STDOUT, pattern, 10, 0), -EFAULT);
	fault_at = 5000;
	assert_int_equal(read_some(buf, 9000, 0), 5000);
	assert_memory_equal(buf, pattern, 5000);
	assert_int_equal(port_unread(&console.ports[PORT_STDIN]), 5000);
	assert_int_equal(write_some(PORT_STDOUT, pattern, 40000, 0), 5000);
	fault_at = SIZE_MAX;
	assert_int_equal(read_some(buf, 10000, 0), 5000); /* nothing was lost */
	assert_memory_equal(buf, pattern + 5000, 5000);
	assert_int_equal(model.output_len[PORT_STDOUT], 5000);
}

static void test_hung_up_output(void **state)
{
	(void)state;
	start_console();
	model_say(PORT_STDOUT, VIRTIO_CONSOLE_PORT_OPEN, 0);
	settle();
	assert_int_equal(write_some(PORT_STDOUT, "x", 1, 0), -EPIPE);
	assert_int_equal(write_some(PORT_STDERR, "x", 1, 0), 1);
}

/* Used entries that lie end the port, nothing else. */
static void test_hostile_device(void **state)
{
	(void)state;
	char byte;
	start_console();
	struct vring_used *used = model.queues[2 * PORT_STDIN + 2].vq->ring.used;
	used->ring[0] = (struct vring_used_elem){.id = 77777, .len = 5};
	used->idx = 1;
	assert_int_equal(read_some(&byte, 1, 0), 0);
	assert_int_equal(write_some(PORT_STDERR, "x", 1, 0), 1);
	/* Messages about ports that there are not, and more answers asked for than there is room for. */
	for (unsigned i = 0; i < 30; i++)
		model_say(i % 2 ? 4 : 0x7fffffff, VIRTIO_CONSOLE_PORT_ADD, 1);
	settle();
	assert_int_equal(write_some(PORT_STDERR, "y", 1, 0), 1);
}

static int signals_seen[8];
static unsigned signal_count;

static void note_signal(int signal)
{
	assert_false(lock_held);
	signals_seen[signal_count++] = signal;
}

static void test_control_lines(void **state)
{
	static const struct control_ops noted = {.signal = note_signal};

	(void)state;
	signal_count = 0;
	model.control_text = "signal 2\nsignal 99\nnonsense\nsignal 0\nsignal 3 4\n"
			     "a line that is far too long to be one of ours, whatever may follow: signal 9\n"
			     "winsize 50 132\nsignal 15\n";
	start_console();
	settle();
	assert_int_equal(signal_count, 0); /* nobody has registered */
	control_register(&noted);
	assert_int_equal(signal_count, 2);
	assert_int_equal(signals_seen[0], 2);
	assert_int_equal(signals_seen[1], 15);
	assert_int_equal(seen_rows, 50);
	assert_int_equal(seen_cols, 132);
	model.control_text = "winsize 50 132\nsignal 10\n";
	settle();
	assert_int_equal(signal_count, 3);
	assert_int_equal(signals_seen[2], 10);
}

static void test_report(void **state)
{
	char expected[20];

	(void)state;
	model.slow = true;
	start_console();
	settle();
	for (int i = 0; i < 2000; i++)
		control_printf(i % 2 ? "line %04d\n" : "line %04d", i);
	control_flush();
	assert_int_equal(model.output_len[PORT_CONTROL], 2000 * 10);
	for (int i = 0; i < 2000; i++) {
		snprintf(expected, sizeof(expected), "line %04d\n", i);
		assert_memory_equal(model.output[PORT_CONTROL] + 10 * i, expected, 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversation),
		cmocka_unit_test(test_input),
		cmocka_unit_test_setup(test_end_comes_after_data, reset_all),
		cmocka_unit_test(test_no_input),
		cmocka_unit_test_setup(test_nonblocking_and_signals, reset_all),
		cmocka_unit_test(test_output),
		cmocka_unit_test_setup(test_synchronous_output_needs_no_interrupt, reset_all),
		cmocka_unit_test_setup(test_faults_give_exact_counts, reset_all),
		cmocka_unit_test_setup(test_hung_up_output, reset_all),
		cmocka_unit_test_setup(test_hostile_device, reset_all),
		cmocka_unit_test_setup(test_control_lines, reset_all),
		cmocka_unit_test_setup(test_report, reset_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
