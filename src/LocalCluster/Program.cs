// framelease-localcluster MODE …: the parts of the one-machine cluster, one process each. The composition root: the only place
// that names the real clock, real ids and real chance.
using Framelease.LocalCluster.ApiServer;
using Framelease.LocalCluster.ApiServer.Hosting;
using Framelease.LocalCluster.Node;
using Microsoft.Extensions.Logging;

#pragma warning disable RS0030 // the composition root
var time = TimeProvider.System;
Func<Guid> newId = Guid.NewGuid;
var random = new Random();
#pragma warning restore RS0030
var level = Enum.TryParse<LogLevel>(Environment.GetEnvironmentVariable("FRAMELEASE_LOG"), ignoreCase: true, out var asked) ? asked : LogLevel.Information;
var log = new StderrLogger(time, level);

return args switch
{
    ["apiserver", .. var rest] => await ApiServerCommand.RunAsync(rest, time, newId, random, log),
    ["node", .. var rest] => await NodeCommand.RunAsync(rest, time, newId, random, log),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: framelease-localcluster apiserver|node …   (each with --help)");
    return 2;
}
