// Reports of the sanitizers that lie in libraries, not in our code. Linked into every program of a sanitizer build, so
// that they hold however it is started.

// Open MPI unloads its plug-ins before leaks are looked for, and a report without its library cannot be suppressed.
extern "C" int dlclose(void* /*library*/) noexcept { return 0; }

// MPI_Init and MPI_Finalize alone leave some 120 KB behind. The C library's asprintf hides who called it; no code of
// ours does. HDF5 1.10.8 loses what it has read of a damaged file.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libhdf5\nleak:libmpi\nleak:libopen-rte\nleak:libopen-pal\nleak:mca_\nleak:libpmix\nleak:libevent\nleak:"
         "libhwloc\n"
         "leak:libpciaccess\nleak:__vasprintf_internal\n";
}

extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }

// LibTorch and Open MPI synchronise in code that is not instrumented.
extern "C" const char* __tsan_default_suppressions() {
  return "race:libtorch_cpu.so\nrace:libc10.so\nrace:libgomp\nrace:libmpi\nrace:libopen-pal\nrace:libopen-rte\n"
         "race:mca_\nrace:libpmix\ndeadlock:libopen-pal\nmutex:libopen-pal\n";
}
