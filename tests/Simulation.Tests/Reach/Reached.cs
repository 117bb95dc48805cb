using System.Diagnostics.Tracing;
using System.Runtime.CompilerServices;

namespace Framelease.Simulation.Tests.Reach;

/// <summary>
/// Which methods ran in this process: the runtime tells of each when it compiles it, which it does at the first call. It costs nothing
/// afterwards, and shipped code need not know of it.
/// </summary>
sealed class Reached : EventListener
{
    const EventKeywords Jit = (EventKeywords)0x10;

    readonly HashSet<string> _methods = new(StringComparer.Ordinal);

    /// <summary>One a line, in the form <c>Framelease.Operator.Leases.LeaseOrders.RevokeAsync</c>.</summary>
    public void WriteTo(string file)
    {
        // The runtime tells a moment later, and in order: what was compiled last of all is told last of all.
        Last();
        SpinWait.SpinUntil(() => Has(nameof(Last)), TimeSpan.FromSeconds(30)).ShouldBeTrue("the runtime tells of no methods");
        lock (_methods)
            File.WriteAllLines(file, _methods.Order(StringComparer.Ordinal));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Last() => GC.KeepAlive(null);

    bool Has(string method)
    {
        lock (_methods)
            return _methods.Contains($"{typeof(Reached).FullName}.{method}");
    }

    protected override void OnEventSourceCreated(EventSource source)
    {
        if (source.Name == "Microsoft-Windows-DotNETRuntime")
            EnableEvents(source, EventLevel.Verbose, Jit);
    }

    protected override void OnEventWritten(EventWrittenEventArgs e)
    {
        if (e.EventName?.StartsWith("MethodLoadVerbose", StringComparison.Ordinal) is not true || e.PayloadNames is not { } names)
            return;
        var type = e.Payload![names.IndexOf("MethodNamespace")] as string;
        if (type?.StartsWith("Framelease.", StringComparison.Ordinal) is not true)
            return;
        lock (_methods)
            _methods.Add(Plain($"{type}.{e.Payload[names.IndexOf("MethodName")]}"));
    }

    // `Outer+<RunAsync>d__5.MoveNext` is RunAsync of Outer.
    static string Plain(string method)
    {
        var open = method.IndexOf("+<", StringComparison.Ordinal);
        var close = open < 0 ? -1 : method.IndexOf('>', open);
        return close > open + 2 ? $"{method[..open]}.{method[(open + 2)..close]}" : method;
    }
}
