// Composition root of `framelease`: the only place here that names the real clock, console and environment.
using Framelease.Cli;
using Framelease.Cli.Terminal;

#pragma warning disable RS0030 // the composition root names the real clock, chance and ids
var shell = new Shell
{
    Console = CommandConsole.OfProcess(),
    Time = TimeProvider.System,
    Random = Random.Shared,
    NewId = Guid.NewGuid,
    Environment = Environment.GetEnvironmentVariable,
};
#pragma warning restore RS0030
return await CommandLine.RunAsync(args, shell);
