/* SPDX-License-Identifier: MIT */
/*
 * The sparse array. Each level of the tree takes six bits of the index, the root the highest:
 *
 *     height 2:     index = [ 6 bits ][ 6 bits ]
 *                             root      leaf node -> entries
 *
 * A tree of height h holds the indexes below 64^h. An index beyond makes it higher: the old root becomes slot
 * 0 of a new one. Invariants: no node is empty, and the root of a tree with more than one level has something
 * outside slot 0; so the height is always the least that the largest index needs, and an empty tree has no
 * node.
 *
 * A node is exactly its 64 slots, 512 bytes, and so fills its heap class. Whether it became empty is found by
 * looking.
 */
#include <asm/errno.h>
#include <moat/radix.h>

#define INDEX_BITS 64
#define MAX_HEIGHT ((INDEX_BITS + RADIX_SHIFT - 1) / RADIX_SHIFT)

struct radix_node {
	void *slot[RADIX_SLOTS];
};

/* Which slot of a node at `level` (1 = leaf) leads to index. */
static unsigned slot_at(u64 index, unsigned level)
{
	return (unsigned)(index >> (RADIX_SHIFT * (level - 1))) % RADIX_SLOTS;
}

static unsigned height_for(u64 index)
{
	unsigned height = 1;

	while (height < MAX_HEIGHT && index >> (RADIX_SHIFT * height) != 0)
		height++;
	return height;
}

static bool node_empty_from(const struct radix_node *node, unsigned first)
{
	for (unsigned i = first; i < RADIX_SLOTS; i++) {
		if (node->slot[i])
			return false;
	}
	return true;
}

/* How many nodes of the path to index exist, the root first. The tree is high enough for index. */
static unsigned path_depth(const struct radix *r, u64 index)
{
	const struct radix_node *node = r->root;
	unsigned depth = 0;

	for (unsigned level = r->height; level > 0 && node; level--) {
		depth++;
		node = node->slot[slot_at(index, level)];
	}
	return MIN(depth, r->height);
}

/* Nodes that storing at index needs: levels above the old root, then the rest of the path. */
static unsigned nodes_missing(const struct radix *r, u64 index)
{
	unsigned height = height_for(index);

	if (!r->root)
		return height;
	if (height <= r->height)
		return r->height - path_depth(r, index);
	/* New roots for heights r->height + 1 .. height; below the top one, a path of its own down to the
	 * leaf. */
	return (height - r->height) + (height - 1);
}

static void free_list(struct radix *r, struct radix_node *list)
{
	while (list) {
		struct radix_node *next = list->slot[0];
		r->free(list, sizeof(*list));
		list = next;
	}
}

/* n cleared nodes in a list linked through slot 0, or NULL (also when n is 0). */
static struct radix_node *alloc_list(struct radix *r, unsigned n)
{
	struct radix_node *list = NULL;

	for (; n > 0; n--) {
		struct radix_node *node = r->alloc(sizeof(*node));
		if (!node) {
			free_list(r, list);
			return NULL;
		}
		node->slot[0] = list;
		list = node;
	}
	return list;
}

static struct radix_node *take_node(struct radix_node **list)
{
	struct radix_node *node = *list;

	*list = node->slot[0];
	node->slot[0] = NULL;
	return node;
}

void radix_init(struct radix *r, void *(*alloc)(size_t), void (*free)(void *, size_t))
{
	*r = (struct radix){.alloc = alloc, .free = free};
}

/* The leaf node for index, or NULL. */
static const struct radix_node *leaf_for(const struct radix *r, u64 index)
{
	const struct radix_node *node = r->root;

	if (!node || height_for(index) > r->height)
		return NULL;
	for (unsigned level = r->height; level > 1 && node; level--)
		node = node->slot[slot_at(index, level)];
	return node;
}

void *radix_get(const struct radix *r, u64 index)
{
	const struct radix_node *leaf = leaf_for(r, index);

	return leaf ? leaf->slot[slot_at(index, 1)] : NULL;
}

void radix_get_run(const struct radix *r, u64 first, unsigned n, void **out)
{
	const struct radix_node *leaf = leaf_for(r, first);

	for (unsigned i = 0; i < n; i++) {
		if (i > 0 && slot_at(first + i, 1) == 0)
			leaf = leaf_for(r, first + i);
		out[i] = leaf ? leaf->slot[slot_at(first + i, 1)] : NULL;
	}
}

int radix_set(struct radix *r, u64 index, void *entry)
{
	unsigned missing = nodes_missing(r, index);
	struct radix_node *spare = alloc_list(r, missing);

	if (missing > 0 && !spare)
		return -ENOMEM;
	unsigned height = height_for(index);
	if (!r->root) {
		r->root = take_node(&spare);
		r->height = height;
	}
	while (r->height < height) {
		struct radix_node *above = take_node(&spare);
		above->slot[0] = r->root;
		r->root = above;
		r->height++;
	}
	struct radix_node *node = r->root;
	for (unsigned level = r->height; level > 1; level--) {
		void **slot = &node->slot[slot_at(index, level)];
		if (!*slot)
			*slot = take_node(&spare);
		node = *slot;
	}
	void **slot = &node->slot[slot_at(index, 1)];
	r->count += !*slot;
	*slot = entry;
	return 0;
}

/* Takes away roots that lead only to slot 0. */
static void shrink(struct radix *r)
{
	while (r->height > 1 && node_empty_from(r->root, 1)) {
		struct radix_node *old = r->root;
		r->root = old->slot[0];
		r->height--;
		r->free(old, sizeof(*old));
	}
}

void *radix_remove(struct radix *r, u64 index)
{
	struct radix_node *path[MAX_HEIGHT + 1]; /* by level */
	void *entry = radix_get(r, index);

	if (!entry)
		return NULL;
	path[r->height] = r->root;
	for (unsigned level = r->height; level > 1; level--)
		path[level - 1] = path[level]->slot[slot_at(index, level)];
	r->count--;
	for (unsigned level = 1; level <= r->height; level++) {
		path[level]->slot[slot_at(index, level)] = NULL;
		if (!node_empty_from(path[level], 0)) {
			shrink(r);
			return entry;
		}
		r->free(path[level], sizeof(*path[level]));
	}
	r->root = NULL;
	r->height = 0;
	return entry;
}

/*
 * The next index to look at when the subtree of `level` that index leads into is used up: the start of the
 * subtree beside it. 0 when there is none below 2^64.
 */
static u64 next_subtree(u64 index, unsigned level)
{
	unsigned shift = RADIX_SHIFT * (level - 1);

	return ((index >> shift) + 1) << shift;
}

/* One descent: the entry at index, or NULL and *empty_level, the level of the slot that was found empty. */
static void *descend(const struct radix *r, u64 index, unsigned *empty_level)
{
	const struct radix_node *node = r->root;
	unsigned level = r->height;

	for (; level > 1; level--) {
		const struct radix_node *below = node->slot[slot_at(index, level)];
		if (!below)
			break;
		node = below;
	}
	*empty_level = level;
	return level == 1 ? node->slot[slot_at(index, 1)] : NULL;
}

void *radix_next(const struct radix *r, u64 *index)
{
	u64 at = *index;

	while (r->root && height_for(at) <= r->height) {
		unsigned level;
		void *entry = descend(r, at, &level);
		if (entry) {
			*index = at;
			return entry;
		}
		at = next_subtree(at, level);
		if (at == 0)
			break;
	}
	return NULL;
}
