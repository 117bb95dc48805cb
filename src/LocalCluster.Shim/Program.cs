// framelease-shim DIRECTORY: runs the container that DIRECTORY/spec describes and stays until no process of its tree is left.
// It is the composition root of this program: the only place that names the real clock.
using Framelease.LocalCluster.Shim;
using Framelease.LocalCluster.Shim.Records;

if (args is not [var path])
{
    Console.Error.WriteLine("usage: framelease-shim DIRECTORY   (started by the node; DIRECTORY holds the spec)");
    return 2;
}
var directory = new ContainerDirectory(path);
try
{
    if (AtomicFile.TryRead(directory.Spec) is not { } text)
    {
        Console.Error.WriteLine($"framelease-shim: there is no {directory.Spec}");
        return 2;
    }
#pragma warning disable RS0030 // composition root
    return new ContainerRun(directory, ShimSpec.Parse(text), TimeProvider.System).Execute();
#pragma warning restore RS0030
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
{
    Console.Error.WriteLine($"framelease-shim: {directory.Path}: {e.Message}");
    return 1;
}
