// Stands for causalfm under launch/mpirun.sh: each rank does what the first argument says.
#define _GNU_SOURCE
#include <mpi.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t asked_to_save = 0;

static void on_signal(int number) {
  (void)number;
  asked_to_save = 1;
}

static void pause_milliseconds(long milliseconds) {
  struct timespec duration = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&duration, NULL);
}

static int save_when_asked(int rank, int ranks) {
  printf("ready\n");
  fflush(stdout);
  for (int i = 0; i < 300 && !asked_to_save; ++i) pause_milliseconds(100);
  if (!asked_to_save) return 1;
  pause_milliseconds(800);
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) fprintf(stderr, "causalfm: %d ranks saved\n", ranks);
  return 75;
}

static void speak(int rank) {
  if (rank == 0) return;  // mpirun mixes the lines of several ranks in the middle
  for (int i = 0; i < 20000; ++i) {
    printf("%d\n", i);
    fprintf(stderr, "%d\n", i);
  }
}

static void hang(void) {
  printf("ready\n");
  fflush(stdout);
  for (int i = 0; i < 300; ++i) pause_milliseconds(100);
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  signal(SIGUSR1, strcmp(what, "ignore") ? on_signal : SIG_IGN);
  int rank = 0, ranks = 0, code = 0;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (!strcmp(what, "save")) {
    code = save_when_asked(rank, ranks);
  } else if (!strcmp(what, "ignore")) {
    hang();
  } else if (!strcmp(what, "code")) {
    if (rank == 0) fprintf(stderr, "causalfm: rank 0: sentence\n");
    code = atoi(argv[2]);
  } else if (!strcmp(what, "abort")) {
    if (rank == 0) {
      fprintf(stderr, "causalfm: rank 0: sentence\n");
      MPI_Abort(MPI_COMM_WORLD, 3);
    }
    hang();
  } else if (!strcmp(what, "die")) {
    if (rank == ranks - 1) kill(getpid(), atoi(argv[2]));
    hang();
  } else if (!strcmp(what, "freeze-mpirun")) {
    pause_milliseconds(1500);  // long enough for the launcher to have seen the ranks
    if (rank == 0) kill(getppid(), SIGSTOP);
    _exit(0);
  } else if (!strcmp(what, "speak")) {
    speak(rank);
  } else if (!strcmp(what, "slowly")) {
    if (rank == 0) fprintf(stderr, "first\nunfinished");
    pause_milliseconds(1500);
  } else if (!strcmp(what, "place")) {
    cpu_set_t cpus;
    sched_getaffinity(0, sizeof cpus, &cpus);
    int first = 0;
    while (!CPU_ISSET(first, &cpus)) ++first;
    printf("rank %d first %d cores %d threads %s terminal %s\n", rank, first, CPU_COUNT(&cpus),
           getenv("OMP_NUM_THREADS"), getenv("CAUSALFM_TERMINAL"));
  }
  MPI_Finalize();
  return code;
}
