# What cmake --install puts where: the program, the rooms' libraries and headers, what goes with the program, the package
# for find_package(causalfm) and a module file.
include(CMakePackageConfigHelpers)

install(TARGETS causalfm_app RUNTIME DESTINATION bin)
install(DIRECTORY include/causalfm ${PROJECT_BINARY_DIR}/include/causalfm DESTINATION include)
install(DIRECTORY scripts configs DESTINATION share/causalfm USE_SOURCE_PERMISSIONS PATTERN __pycache__ EXCLUDE)
# Of launch/, what runs the program and looks at the machine; the rest builds and checks the source tree.
install(PROGRAMS launch/mpirun.sh launch/doctor.sh DESTINATION share/causalfm/launch)
install(DIRECTORY launch/mpirun launch/doctor DESTINATION share/causalfm/launch PATTERN __pycache__ EXCLUDE)

set(package lib/cmake/causalfm)
set(CAUSALFM_TORCH_VERSION_SCRIPT "import importlib.metadata as m; print(m.version('torch').split('+')[0])")
execute_process(
  COMMAND ${CAUSALFM_PYTHON} -c "${CAUSALFM_TORCH_VERSION_SCRIPT}"
  OUTPUT_VARIABLE CAUSALFM_TORCH_VERSION OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
install(EXPORT causalfm FILE causalfmTargets.cmake NAMESPACE causalfm:: DESTINATION ${package})
configure_package_config_file(cmake/causalfmConfig.cmake.in ${PROJECT_BINARY_DIR}/causalfmConfig.cmake
                              INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/causalfmConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/causalfmConfig.cmake ${PROJECT_BINARY_DIR}/causalfmConfigVersion.cmake
              cmake/Torch.cmake cmake/Nccl.cmake
        DESTINATION ${package})

# The prefix is known only when the installation runs: --prefix may differ from what was configured.
install(CODE "
  set(version ${PROJECT_VERSION})
  file(REAL_PATH \"\${CMAKE_INSTALL_PREFIX}\" prefix)
  configure_file(\"${PROJECT_SOURCE_DIR}/cmake/modulefile.in\"
                 \"\$ENV{DESTDIR}\${prefix}/share/causalfm/modulefiles/causalfm/${PROJECT_VERSION}\" @ONLY)")
