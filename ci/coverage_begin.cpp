// In a tree for coverage each preload library begins to count in its file before its own first constructor, so that what a
// process does while it starts counts as well. By itself the runtime would begin behind all constructors that have a priority.

extern "C" {
void __llvm_profile_initialize();
__attribute__((visibility("hidden"))) int __llvm_profile_runtime;  // who has this begins by themselves
}

__attribute__((constructor(100))) static void begin_to_count() { __llvm_profile_initialize(); }
