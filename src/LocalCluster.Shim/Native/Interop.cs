// Without runtime marshalling, ahead-of-time compiled code calls libc directly instead of compiling a stub for each function at start.
[assembly: System.Runtime.CompilerServices.DisableRuntimeMarshalling]
