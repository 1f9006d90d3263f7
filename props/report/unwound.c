/* Calls back from a frame of FRAME_BYTES, from the same place in the object whatever that is. */
__attribute__((visibility("default"))) int call_back(void (*back)(void));
int call_back(void (*back)(void)) {
  volatile char room[FRAME_BYTES];
  room[0] = 1;
  back();
  return room[0];
}
