// framelease-operator: the composition root. What it is made of is in Hosting/OperatorHost.cs.
using Framelease.Operator.Hosting;

return await CommandLine.Build(RunAsync).Parse(args).InvokeAsync();

static async Task<int> RunAsync(OperatorOptions options, CancellationToken cancel)
{
    using var loggers = LoggerFactory.Create(l => l
        .AddSimpleConsole(c =>
        {
            c.SingleLine = true;
            c.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            c.UseUtcTimestamp = true;
        })
        .AddFilter("Microsoft", LogLevel.Warning)
        .AddFilter("Npgsql", LogLevel.Warning));
    try
    {
        return await new OperatorHost(options, Edges.Real(), loggers)
            .RunAsync((url, map, stop) => WebServer.ServeAsync(url, map, loggers, stop), cancel);
    }
    catch (Exception e) when (Refusal.TextOf(e) is { } text)
    {
        Console.Error.WriteLine($"framelease-operator: {text}");
        return 1;
    }
}
