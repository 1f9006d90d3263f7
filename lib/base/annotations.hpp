// The assert and the compiler's annotations, in the one place where the preprocessor decides anything for this folder.
#pragma once

#if defined(__clang__)
#define TRESTLE_ANNOTATE(x) __attribute__((x))
#else
#define TRESTLE_ANNOTATE(x)
#endif

#define TRESTLE_CAPABILITY(name) TRESTLE_ANNOTATE(capability(name))
#define TRESTLE_SCOPED_CAPABILITY TRESTLE_ANNOTATE(scoped_lockable)
#define TRESTLE_GUARDED_BY(lock) TRESTLE_ANNOTATE(guarded_by(lock))
#define TRESTLE_REQUIRES(...) TRESTLE_ANNOTATE(requires_capability(__VA_ARGS__))
#define TRESTLE_ACQUIRE(...) TRESTLE_ANNOTATE(acquire_capability(__VA_ARGS__))
#define TRESTLE_TRY_ACQUIRE(...) TRESTLE_ANNOTATE(try_acquire_capability(__VA_ARGS__))
#define TRESTLE_RELEASE(...) TRESTLE_ANNOTATE(release_capability(__VA_ARGS__))
#define TRESTLE_RETURN_CAPABILITY(lock) TRESTLE_ANNOTATE(lock_returned(lock))
#define TRESTLE_NO_THREAD_SAFETY_ANALYSIS TRESTLE_ANNOTATE(no_thread_safety_analysis)
